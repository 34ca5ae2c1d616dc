"""What a view is: tables of plain values, fed with what was executed, block by block.

`feed(book, told)` is called for each transaction that took effect, in the order of the ledger, and writes into the
book. It reads the transaction, its events and the book, and nothing else: no state, no clock. So a view that is made
anew has the very rows of one that was fed as the blocks came.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple, TypeVar

import msgspec

from consortium.contracts.access import SUPERVISORS
from consortium.core.codec import encode
from consortium.core.contract import EVERY_MEMBER, Event, Reader, StateReader
from consortium.core.machine import Receipted

A = TypeVar("A")
Value = str | int
Row = tuple[Value, ...]
TEXT, NUMBER, FEN, DAY = "text", "number", "fen", "day"  # kinds of columns; an amount is fen, a day YYYYMMDD
_EMPTY: dict[str, Value] = {TEXT: "", NUMBER: 0, FEN: 0, DAY: 0}


class Columns(NamedTuple):
    """A table of a view: the kinds of its columns by name, the first `keys` of which tell rows apart. `is_shown`: to a
    person; the others are what the view remembers. `whose`: of a row, the members whose it is, none where nobody's;
    supervisors are shown everybody's. Without it whoever may look is shown all rows."""

    name: str
    keys: int
    kinds: Mapping[str, str]
    is_shown: bool = True
    whose: Callable[[StateReader, Mapping[str, Value]], Collection[str]] | None = None

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

    @property
    def shown(self) -> dict[str, Columns]:
        """The tables that a person is shown, by name."""
        return {table.name: table for table in self.tables if table.is_shown}

    @property
    def columns(self) -> dict[str, str]:
        """The kinds of the columns of all those tables, by name."""
        return {name: kind for table in self.shown.values() for name, kind in table.kinds.items()}


def is_row_shown(table: Columns, row: Row, reader: Reader, state: StateReader) -> bool:
    """Whether a row, with its key, is for this reader of the view."""
    if table.whose is None or reader.role in SUPERVISORS:
        return True
    return reader.member in table.whose(state, dict(zip(table.kinds, row, strict=True)))


@cache
def row_kind(view: str, table: str, columns: tuple[tuple[str, str], ...]) -> type[msgspec.Struct]:
    """The type of a row with its key, as clients have it; `columns`: name and kind of each."""
    fields: list[Any] = [(name, str if kind == TEXT else int) for name, kind in columns]
    told = {"__doc__": f"A row of the table {table} of the view {view}."}
    return msgspec.defstruct(f"Row_{view}_{table}", fields, frozen=True, namespace=told)


def rows_of(view: View) -> dict[str, type[msgspec.Struct]]:
    """The types of the rows of each table that is shown, by its name."""
    return {table.name: row_kind(view.name, table.name, tuple(table.kinds.items())) for table in view.shown.values()}


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
