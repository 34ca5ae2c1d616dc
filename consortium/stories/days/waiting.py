"""What waits for its word: records at a stage from which an operation that its role may use leads on."""

from __future__ import annotations

from collections import Counter

from consortium.core.contract import EVERY_MEMBER, Contract, Move, Refused, Table
from consortium.stories.days.part import Looked, Part
from consortium.stories.lookup import LAST
from consortium.stories.story import Column, Section

SHOWN = 40
LOOKED_MAX = 20_000  # rows of one table


def _make(looked: Looked) -> Section:
    words = looked.seen.words
    found = Counter[tuple[str, str, str]]()
    for contract in looked.seen.contracts.values():
        for life in contract.lives:
            ways: dict[str, list[str]] = {}
            for move in life.moves:
                if move.before and (called := _may(looked, contract, move)):
                    ways.setdefault(move.before, []).append(called)
            for key, row in looked.seen.ledger.reader.range(life.table, "", LAST, limit=LOOKED_MAX) if ways else ():
                stage = life.stage_of(row)
                if stage in ways and _is_its(looked, life.table, key):
                    found[life.table.told_as or life.table.name, stage, ", ".join(dict.fromkeys(ways[stage]))] += 1
    rows = [(what, stage, f"{count:,}", called) for (what, stage, called), count in sorted(found.items())[:SHOWN]]
    columns = (
        Column(words("what")),
        Column(words("stage")),
        Column(words("how many"), is_number=True),
        Column(words("what may be done")),
    )
    return Section(words("where it may act"), columns, rows)


def _may(looked: Looked, contract: Contract, move: Move) -> str:
    """The operation, where its role may use it; else ""."""
    name = move.operation if "." in move.operation else f"{contract.name}.{move.operation}"
    owner, _, verb = name.partition(".")
    held = looked.seen.contracts.get(owner)
    operation = None if held is None else held.operations.get(verb)
    return name if operation is not None and operation.is_permitted(looked.role) else ""


def _is_its(looked: Looked, table: Table[object], key: str) -> bool:
    """Whether the member may ask for the row: what it may not know of does not wait for it."""
    reader = looked.seen.reader._replace(member=looked.member, role=looked.role)
    for contract in looked.seen.contracts.values():
        for query in contract.queries.values():
            if query.row is not None and query.row.table is table:
                try:
                    contract.ask(looked.seen.ledger.reader, query.name, query.row.arguments(key), reader)
                except Refused:
                    return False
                return True
    return True


PART = Part("waiting", 10, EVERY_MEMBER, _make)
