"""What may come next, and by whose word: read off the lives of the contracts, their operations and what is due."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from consortium.contracts.oversight import due, hold
from consortium.core.contract import EVERY_MEMBER, GENESIS, VOTE, Contract, StateReader, Table
from consortium.core.words import Words
from consortium.stories.plain import day
from consortium.stories.story import Column, Section, Seen

LAST = "\U0010ffff"


class Next(NamedTuple):
    """`operation`: contract.operation; `after`: the stage that it leads to; `by`: whose word; `day`: not before, 0 =
    at any time."""

    operation: str
    after: str
    by: str
    day: int = 0


def moves_of(seen: Seen, table: Table[Any], value: Any) -> list[Next]:
    """The moves that the life of a table allows a record of this value; None: one that is not there yet."""
    found: list[Next] = []
    for contract in seen.contracts.values():
        for life in contract.lives:
            if life.table is not table:
                continue
            stage = life.stage_of(value)
            for move in life.moves:
                if move.before == stage:
                    name = move.operation if "." in move.operation else f"{contract.name}.{move.operation}"
                    found.append(Next(name, move.after, by_whom(seen.contracts, name, seen.words)))
    return found


def by_whom(contracts: Mapping[str, Contract], name: str, words: Words) -> str:
    """The roles that may use an operation, and on whose records."""
    contract, _, verb = name.partition(".")
    operation = contracts[contract].operations.get(verb) if contract in contracts else None
    if operation is None:
        return ""
    if operation.roles >= EVERY_MEMBER:
        return words("any member")
    names = [words("a vote") if role == VOTE else role for role in sorted(operation.roles) if role != GENESIS]
    roles = words(" or ").join(names)
    whose = operation.whose
    if whose is None or not whose.owner or operation.roles - {GENESIS} <= whose.others:
        return roles
    return words("{roles}: {owner}", roles=roles, owner=whose.owner)


def due_of(seen: Seen, *keys: str) -> list[Next]:
    """What is rung for one of these keys when its day has come."""
    found = []
    for name, _ in seen.ledger.reader.range(due.DUE, "", LAST):
        on, kind, key = name.split("/", 2)
        if key in keys:
            found.append(Next(kind, "", by_whom(seen.contracts, kind, seen.words), int(on)))
    return found


def tell_next(words: Words, moves: list[Next]) -> Section:
    columns = (
        Column(words("what may come next")),
        Column(words("leads to")),
        Column(words("not before")),
        Column(words("by")),
    )
    return Section("", columns, [(each.operation, each.after or "-", day(each.day), each.by) for each in moves])


def next_content(moves: list[Next]) -> list[dict[str, Any]]:
    return [each._asdict() for each in moves]


# --- holds ----------------------------------------------------------------------------------------------------------


def holds_on(state: StateReader, *accounts: str) -> list[tuple[str, hold.Hold]]:
    return [(account, each) for account in dict.fromkeys(accounts) for each in hold.get_holds(state, account)]


def tell_holds(words: Words, holds: list[tuple[str, hold.Hold]]) -> Section:
    columns = (Column(words("held account")), Column(words("since")), Column(words("by")), Column(words("why")))
    rows = [(account, day(each.day), each.member, f"{each.why}: {each.record}") for account, each in holds]
    return Section(words("holds"), columns, rows)


def holds_content(holds: list[tuple[str, hold.Hold]]) -> list[dict[str, Any]]:
    return [
        {"account": account, "why": each.why, "record": each.record, "member": each.member, "day": each.day}
        for account, each in holds
    ]
