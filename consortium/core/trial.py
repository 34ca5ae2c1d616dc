"""A state over another: what is written stays here until it is kept. So a call can be tried, and leave nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from consortium.core.contract import State, Table

V = TypeVar("V")


class Trial:
    """Implements `State`. Reads see its own writes; the state below sees them after `keep`."""

    def __init__(self, below: State) -> None:
        self._below = below
        self._written: dict[str, dict[str, Any]] = {}  # by table's name and key; None = deleted
        self._tables: dict[str, Table[Any]] = {}

    def get(self, table: Table[V], key: str) -> V | None:
        written = self._written.get(table.name, {})
        if key in written:
            value: V | None = written[key]
            return value
        return self._below.get(table, key)

    def range(self, table: Table[V], low: str, high: str, limit: int = 0) -> Iterator[tuple[str, V]]:
        """Entries with low ≤ key < high in order of the key's UTF-8 bytes; the first `limit` of them, 0: all."""
        written = self._written.get(table.name, {})
        found = dict(self._below.range(table, low, high, limit + len(written) if limit else 0))
        for key, value in written.items():
            if value is None:
                found.pop(key, None)
            elif low.encode() <= key.encode() < high.encode():
                found[key] = value
        return iter(sorted(found.items(), key=lambda entry: entry[0].encode())[: limit or None])

    def put(self, table: Table[V], key: str, value: V) -> None:
        self._write(table, key, value)

    def delete(self, table: Table[V], key: str) -> None:
        self._write(table, key, None)

    def keep(self) -> None:
        """Write all that was written into the state below, in the order in which it was first written."""
        for name, entries in self._written.items():
            table = self._tables[name]
            for key, value in entries.items():
                if value is None:
                    self._below.delete(table, key)
                else:
                    self._below.put(table, key, value)
        self._written.clear()

    def _write(self, table: Table[Any], key: str, value: Any) -> None:
        self._tables[table.name] = table
        self._written.setdefault(table.name, {})[key] = value
