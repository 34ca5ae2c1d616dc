"""What must hold between consortia that deal with each other: judged over both ledgers, which no member can do alone.

Nothing here reads what a bridge said: what was accepted on one ledger is held against the blocks of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from consortium.core.header import header_bytes_digest
from consortium.core.machine import Rows
from consortium.core.words import mark
from consortium.lab.checks.claims import FAILURES_SHOWN_MAX, Kind, Verdict
from consortium.ledger.rows import height_key
from consortium.runs.run import Run

OPENED, PAID, RECEIVED = "opened", "paid", "received"


class _Found(NamedTuple):
    """Sentences of what is wrong, and how many things were looked at."""

    wrong: list[str]
    seen: int


def judge_together(runs: Mapping[str, Run]) -> list[Verdict]:
    """By chain, the run of each."""
    rows = {name: run.fullest.rows for name, run in runs.items() if run.fullest is not None}
    return [_verdict(*claim, rows) for claim in _CLAIMS]


def _verdict(
    name: str, sentence: str, excuse: str, check: Callable[[Mapping[str, Rows]], _Found], rows: Any
) -> Verdict:
    found = check(rows)
    shown = tuple(found.wrong[:FAILURES_SHOWN_MAX])
    return Verdict(name, Kind.SAFETY, sentence, len(found.wrong), shown, "" if found.seen else excuse)


def _table(rows: Rows, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a table of the state, as maps: no code of the contracts is asked."""
    prefix = table.encode()
    for key, value in rows.range("state", prefix + b"\x00", prefix + b"\x01"):
        yield key.decode().partition("\x00")[2], msgspec.msgpack.decode(value)


def _check_rows(ledgers: Mapping[str, Rows]) -> _Found:
    wrong, seen = [], 0
    for name, rows in ledgers.items():
        for key, row in _table(rows, "foreign_row"):
            chain, _, _ = key.partition("/")
            block = ledgers[chain].get("block", height_key(row["height"])) if chain in ledgers else None
            seen += 1
            if block is None or header_bytes_digest(block) != row["header"]:
                wrong.append(f"{name} accepted {key} as of a block {row['height']} that {chain} does not have")
    return _Found(wrong, seen)


def _check_locks(ledgers: Mapping[str, Rows]) -> _Found:
    wrong, seen = [], 0
    for name, rows in ledgers.items():
        for lock_no, lock in _table(rows, "hash_lock"):
            terms = lock["decider"]
            if terms is None or terms["chain"] not in ledgers:
                continue
            deciding = dict(_table(ledgers[terms["chain"]], "hash_lock")).get(terms["lock_no"])
            seen += 1
            stages = (lock["stage"], "" if deciding is None else deciding["stage"])
            if (stages[0] == OPENED) != (stages[1] == OPENED):
                words = (
                    f"{lock_no} of {name} is {stages[0]}, {terms['lock_no']} of {terms['chain']} {stages[1] or 'free'}"
                )
                wrong.append(words)
    return _Found(wrong, seen)


def _check_months(ledgers: Mapping[str, Rows]) -> _Found:
    """Also that the money which left one ledger is what the months say that it paid."""
    wrong, seen = [], 0
    asked: dict[tuple[bytes, bytes], tuple[str, dict[str, Any]]] = {}
    for name, rows in ledgers.items():
        for key, claim in _table(rows, "clearing_claim"):
            asked[_root(claim)] = (f"{name} {key}", claim)
    for name, rows in ledgers.items():
        paid: dict[str, int] = {}
        for key, due in _table(rows, "clearing_due"):
            seen += 1
            what, claim = asked.pop(_root(due), ("", {}))
            if not claim or any(claim[field] != due[field] for field in ("units", "currency", "count")):
                wrong.append(f"{name} owes for {key} what nobody asks for")
            elif claim["stage"] == RECEIVED and due["stage"] != PAID:
                wrong.append(f"{what} is received, and not paid by {name}")
            counterpart = key.partition("/")[0]
            paid[counterpart] = paid.get(counterpart, 0) + due["paid_fen"]
        for counterpart, fen in paid.items():
            held = dict(_table(rows, "account")).get(f"cleared/{counterpart}", {"balance_fen": 0})["balance_fen"]
            if held != fen:
                wrong.append(f"{name} paid {held} fen to {counterpart}, and its months say {fen}")
    wrong += [f"{what} is received, and nobody owed it" for what, claim in asked.values() if claim["stage"] == RECEIVED]
    return _Found(wrong, seen)


def _root(month: Mapping[str, Any]) -> tuple[bytes, bytes]:
    return month["root"], month["currency"].encode()


_CLAIMS = (
    (
        mark("rows of others are theirs"),
        mark("What one ledger accepted of another is of a block that the other has."),
        mark("no ledger accepted anything"),
        _check_rows,
    ),
    (
        mark("both or neither"),
        mark("A lock that follows one of another ledger opened if and only if that one did."),
        mark("no lock follows another"),
        _check_locks,
    ),
    (
        mark("months agree"),
        mark("What a region paid for a month is what the other asked for, and nothing was received that was not paid."),
        mark("no month was cleared"),
        _check_months,
    ),
)
