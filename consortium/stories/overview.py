"""What there is at all: head, members, the last blocks, claims that wait, funds."""

from __future__ import annotations

from collections import Counter
from typing import Any

from consortium.contracts.insurance.funds import ACCOUNTS
from consortium.contracts.insurance.payable import DISPUTED, WORDS
from consortium.contracts.insurance.waiting_claims import WAITING
from consortium.core.words import Words
from consortium.ledger.certificate import newest_seal
from consortium.stories.finder import Step, first_height, steps_of
from consortium.stories.lookup import LAST, rows_of
from consortium.stories.plain import day, yuan
from consortium.stories.story import Column, Section, Seen, Story, step_words

BLOCKS_TOLD = 10
ROWS_TOLD = 12


def tell_overview(seen: Seen) -> Story:
    """Raises Damaged."""
    ledger, words = seen.ledger, seen.words
    head, sealed = ledger.head, newest_seal(seen.rows)[0]
    epoch = ledger.epochs.at(head.height + 1)
    heading = words(
        "{name}: block {height} of {time} {zone}, sealed up to {sealed}; day {day}",
        name=ledger.genesis.name,
        height=head.height,
        time=seen.moment(head.time_us),
        zone=seen.zone,
        sealed=sealed,
        day=day(seen.reader.day),
    )
    low = max(first_height(ledger), head.height - BLOCKS_TOLD + 1)
    blocks = [(height, steps_of(ledger, height)) for height in range(low, head.height + 1)]
    sections = (_members(seen), _blocks(seen, blocks), _open_claims(seen), _funds(seen))
    content: dict[str, Any] = {
        "kind": "overview",
        "name": ledger.genesis.name,
        "time_us": head.time_us,
        "sealed_height": sealed,
        "epoch": epoch.number,
        "members": [{"name": each.name, "role": each.role, "kind": each.kind} for each in epoch.members],
        "blocks": [{"height": height, "transactions": len(steps)} for height, steps in blocks],
        "funds": {name: row.balance_fen for name, row in rows_of(ledger.reader, ACCOUNTS, "fund/")},
        "waiting": dict(_waiting(seen)),
    }
    return Story(heading, sections, content)


def _members(seen: Seen) -> Section:
    words = seen.words
    epoch = seen.ledger.epochs.at(seen.ledger.head_height + 1)
    columns = (Column(words("member")), Column(words("role")), Column(words("kind")))
    title = words(
        "members of epoch {epoch}: {n} validators, {f} of whom may fail", epoch=epoch.number, n=epoch.n, f=epoch.f
    )
    return Section(title, columns, [(each.name, each.role, each.kind) for each in epoch.members])


def _blocks(seen: Seen, blocks: list[tuple[int, list[Step]]]) -> Section:
    words = seen.words
    columns = (
        Column(words("block"), is_number=True),
        Column(words("time ({zone})", zone=seen.zone)),
        Column(words("transactions"), is_number=True),
        Column(words("what")),
    )
    rows = [
        (str(height), seen.moment(steps[0].time_us) if steps else "-", str(len(steps)), in_words(steps, words))
        for height, steps in blocks
    ]
    return Section(words("the last blocks"), columns, rows)


def in_words(steps: list[Step], words: Words) -> str:
    """A block in one line: its transaction, where it is one; else how many of each operation."""
    if len(steps) == 1:
        return step_words(steps[0], words)
    counted = Counter(_called(step, words) for step in steps)
    return ", ".join(f"{count} × {call}" for call, count in counted.most_common()) or words("nothing")


def _called(step: Step, words: Words) -> str:
    called = f"{step.outcome.contract}.{step.outcome.operation}"
    return called if step.outcome.receipt.is_ok else words("{call} refused", call=called)


def _waiting(seen: Seen) -> list[tuple[str, int]]:
    """What waits, by account; patients' claims by bill."""
    state = seen.ledger.reader
    kinds = ("unconfirmed/", "disputed/", "payable/")
    accounts = [(name, row.balance_fen) for kind in kinds for name, row in rows_of(state, ACCOUNTS, kind)]
    return [(name, fen) for name, fen in accounts if fen]


def _open_claims(seen: Seen) -> Section:
    words, state = seen.words, seen.ledger.reader
    rows = [(name, yuan(fen)) for name, fen in _waiting(seen)]
    rows = [
        *rows[:ROWS_TOLD],
        *([(words("and {count} more", count=len(rows) - ROWS_TOLD), "")] if len(rows) > ROWS_TOLD else []),
    ]
    rows += [
        (words("claim of a patient on bill {no}", no=number), day(each.day))
        for number, each in state.range(WAITING, "", LAST, limit=ROWS_TOLD)
    ]
    disputed = sum(each.stage == DISPUTED for _, each in state.range(WORDS, "", LAST))
    title = words("open claims: what the funds owe, in yuan ({count} disputed)", count=disputed)
    return Section(title, (Column(words("account")), Column(words("yuan"), is_number=True)), rows)


def _funds(seen: Seen) -> Section:
    words = seen.words
    rows = [(name, yuan(row.balance_fen)) for name, row in rows_of(seen.ledger.reader, ACCOUNTS, "fund/")]
    return Section(words("funds"), (Column(words("account")), Column(words("yuan"), is_number=True)), rows)
