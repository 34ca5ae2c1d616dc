"""One yuan's way: what came from outside into funds, what funds owe, what was paid, by the movements of the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import msgspec

from consortium.contracts.insurance.funds import ACCOUNTS
from consortium.core.contract import Receipt, Refused
from consortium.core.header import decode_header
from consortium.ledger.chain import Ledger
from consortium.ledger.rows import height_key, receipt_key
from consortium.stories.finder import first_height
from consortium.stories.lookup import check_reading, rows_of
from consortium.stories.plain import yuan
from consortium.stories.story import Seen

MOVES_TOLD = 200
ACCOUNTS_TOLD = 400
CHUNK = 64  # heights that are read at once
MOVEMENT = b"movement"
KEPT_WHOLE = ("fund/",)  # accounts that stand for themselves in the drawing; others by the first word of their names


class Movement(NamedTuple):
    height: int
    number: int
    source: str
    target: str
    fen: int
    cause: str


_receipt = msgspec.msgpack.Decoder(Receipt).decode
_read: WeakKeyDictionary[Ledger, tuple[int, list[Movement]]] = WeakKeyDictionary()


def tell_funds(seen: Seen, account: str = "") -> dict[str, Any]:
    """Accounts with their balances, flows between kinds of accounts, and the newest movements, of `account` alone where
    one is named. What who looks may not ask for is left out, and counted in a note. Raises Damaged."""
    words = seen.words
    moved = movements(seen)
    may_read = _Permission(seen)
    shown = [each for each in moved if may_read(each.source) or may_read(each.target)]
    newest = [each for each in shown if account in ("", each.source, each.target)][-MOVES_TOLD:]
    balances = [(name, row.balance_fen) for name, row in rows_of(seen.ledger.reader, ACCOUNTS, "")]
    readable = [(name, fen) for name, fen in balances if may_read(name)]
    return {
        "heading": words(
            "one yuan's way: {count} movements of {amount} yuan, as of block {height}",
            count=f"{len(shown):,}",
            amount=yuan(sum(each.fen for each in shown)),
            height=seen.ledger.head_height,
        ),
        "height": seen.ledger.head_height,
        "accounts": [{"name": name, "balance_fen": fen} for name, fen in _ranked(readable)],
        "flows": _flows(shown),
        "moves": [
            {
                "height": each.height,
                "index": each.number,
                "time_us": _time_us(seen, each.height),
                "source": each.source,
                "target": each.target,
                "amount_fen": each.fen,
                "cause": each.cause,
            }
            for each in newest
        ],
        "notes": _notes(seen, len(balances) - len(readable), len(moved) - len(shown), len(readable)),
    }


def movements(seen: Seen) -> list[Movement]:
    """All that this ledger has, in order; those of new blocks are added to what was read before. Raises Damaged."""
    head = seen.ledger.head_height
    height, found = _read.get(seen.ledger, (first_height(seen.ledger) - 1, []))
    if height < head:
        found += _movements(seen, height + 1, head)
        _read[seen.ledger] = head, found
    return found


def _movements(seen: Seen, low: int, high: int) -> Iterator[Movement]:
    for begin in range(low, high + 1, CHUNK):
        end = min(begin + CHUNK, high + 1)
        for key, data in seen.rows.range("receipt", receipt_key(begin, 0), receipt_key(end, 0)):
            if MOVEMENT not in data:
                continue
            height, number = int.from_bytes(key[:8], "big"), int.from_bytes(key[8:], "big")
            for event in _receipt(data).events:
                if event.kind == "movement":
                    source, target, cause = (str(event.fields[name]) for name in ("source", "target", "cause"))
                    yield Movement(height, number, source, target, int(event.fields["amount_fen"]), cause)


class _Permission:
    """Whether who looks may ask for an account, as its query would answer."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._known: dict[str, bool] = {}

    def __call__(self, account: str) -> bool:
        known = self._known.get(account)
        if known is None:
            known = self._known[account] = self._asked(account)
        return known

    def _asked(self, account: str) -> bool:
        try:
            check_reading(self._seen, ACCOUNTS, account)
        except Refused:
            return False
        return True


def _flows(moved: list[Movement]) -> list[dict[str, Any]]:
    """Between kinds of accounts, in the order in which each was first seen."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for each in moved:
        pair = _kind(each.source), _kind(each.target)
        flow = found.setdefault(
            pair,
            {"source": pair[0], "target": pair[1], "amount_fen": 0, "count": 0, "first_height": each.height},
        )
        flow["amount_fen"] += each.fen
        flow["count"] += 1
        flow["last_height"] = each.height
    return list(found.values())


def _kind(account: str) -> str:
    return account if account.startswith(KEPT_WHOLE) else account.partition("/")[0]


def _ranked(balances: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Funds first, then the largest."""
    return sorted(balances, key=lambda each: (not each[0].startswith("fund/"), -abs(each[1]), each[0]))[:ACCOUNTS_TOLD]


def _time_us(seen: Seen, height: int) -> int:
    data = seen.rows.get("block", height_key(height))
    return 0 if data is None else decode_header(data).time_us


def _notes(seen: Seen, accounts: int, moved: int, readable: int) -> list[str]:
    words, notes = seen.words, []
    if accounts:
        who: Mapping[str, Any] = {"count": f"{accounts:,}", "moved": f"{moved:,}", "member": seen.reader.member}
        notes.append(words("{member} may not ask for {count} accounts, and is not told {moved} movements", **who))
    if readable > ACCOUNTS_TOLD:
        notes.append(words("the first {shown} of {count} accounts", shown=ACCOUNTS_TOLD, count=f"{readable:,}"))
    first = first_height(seen.ledger)
    if first:
        notes.append(words("this ledger has the movements from block {first} on alone", first=first))
    return notes
