"""What a view is: tables of plain values, fed with what was executed, block by block.

`feed(book, told)` is called for each transaction that took effect, in the order of the ledger, and writes into the
book. It reads the transaction, its events and the book, and nothing else: no state, no clock. So a view that is made
anew has the very rows of one that was fed as the blocks came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar

import msgspec

from consortium.contracts.access import SUPERVISORS
from consortium.core.codec import encode
from consortium.core.contract import EVERY_MEMBER, Event
from consortium.core.machine import Receipted

A = TypeVar("A")
Value = str | int
Row = tuple[Value, ...]
TEXT, NUMBER, FEN, DAY = "text", "number", "fen", "day"  # kinds of columns; an amount is fen, a day YYYYMMDD
_EMPTY: dict[str, Value] = {TEXT: "", NUMBER: 0, FEN: 0, DAY: 0}


class Columns(NamedTuple):
    """A table of a view: the kinds of its columns by name, the first `keys` of which tell rows apart. `is_shown`: to a
    person; the others are what the view remembers."""

    name: str
    keys: int
    kinds: Mapping[str, str]
    is_shown: bool = True

    @property
    def empty(self) -> Row:
        """A row without its key: nothing known, nothing counted."""
        return tuple(_EMPTY[kind] for kind in list(self.kinds.values())[self.keys :])

    def place(self, column: str) -> int:
        """Of a column behind the key."""
        return list(self.kinds).index(column) - self.keys


class Told(NamedTuple):
    """One transaction that took effect, for a view. `height` of its block."""

    height: int
    member: str
    contract: str
    operation: str
    arguments: bytes
    events: tuple[Event, ...]

    def read(self, kind: type[A]) -> A:
        """Its arguments."""
        return msgspec.msgpack.decode(self.arguments, type=kind)

    def is_call(self, contract: str, *operations: str) -> bool:
        return self.contract == contract and self.operation in operations

    def of_kind(self, *kinds: str) -> Iterable[Mapping[str, Any]]:
        """The fields of its events of these kinds."""
        return [event.fields for event in self.events if event.kind in kinds]


class Book:
    """The rows of one view. `read(table, key)` gives what was kept before; what `changes` holds is newer: None = gone.

    A key and a row are tuples of values in the order of the table's columns; a row is without its key."""

    def __init__(self, tables: Iterable[Columns], read: Callable[[str, Row], Row | None] | None = None) -> None:
        self.tables = {table.name: table for table in tables}
        self.changes: dict[tuple[str, Row], Row | None] = {}
        self._read = read or (lambda table, key: None)

    def get(self, table: str, *key: Value) -> Row | None:
        held = self.changes.get((table, key), self)
        return self._read(table, key) if held is self else held  # type: ignore[return-value]

    def put(self, table: str, key: Row, row: Row) -> None:
        columns = self.tables[table]
        assert (len(key), len(row)) == (columns.keys, len(columns.kinds) - columns.keys), f"{table}: {key} {row}"
        self.changes[table, key] = row

    def drop(self, table: str, *key: Value) -> None:
        self.changes[table, key] = None

    def set(self, table: str, key: Row, **values: Value) -> None:
        """Some columns; the others stay, or are empty in a new row."""
        columns = self.tables[table]
        row = list(self.get(table, *key) or columns.empty)
        for name, value in values.items():
            row[columns.place(name)] = value
        self.put(table, key, tuple(row))

    def add(self, table: str, key: Row, **amounts: int) -> None:
        """To some columns that count."""
        columns = self.tables[table]
        row = list(self.get(table, *key) or columns.empty)
        for name, amount in amounts.items():
            row[columns.place(name)] = int(row[columns.place(name)]) + amount
        self.put(table, key, tuple(row))

    def column(self, table: str, key: Row, name: str) -> Value:
        """Empty where there is no such row."""
        columns = self.tables[table]
        return (self.get(table, *key) or columns.empty)[columns.place(name)]


class View(NamedTuple):
    """`name` is what a person calls it by, `sentence` what it shows, `roles` who may be shown it."""

    name: str
    sentence: str
    tables: tuple[Columns, ...]
    feed: Callable[[Book, Told], None]
    roles: frozenset[str] = SUPERVISORS

    def is_shown_to(self, role: str) -> bool:
        return role in self.roles or self.roles >= EVERY_MEMBER


def feed_block(view: View, book: Book, block: Receipted) -> None:
    """All that took effect in a block, in its order; what was refused changed nothing."""
    for outcome in block.outcomes:
        if outcome.receipt.is_ok:
            told = Told(
                block.height,
                outcome.member,
                outcome.contract,
                outcome.operation,
                outcome.arguments,
                outcome.receipt.events,
            )
            view.feed(book, told)


def digest_of(rows: Iterable[tuple[str, Row, Row]]) -> str:
    """Of a view's rows (table, key, row) in the order of table and key: equal for equal views."""
    digest = sha256()
    for row in rows:
        digest.update(encode(row))
    return digest.hexdigest()
