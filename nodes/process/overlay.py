"""Rows that are staged and not yet committed: what reads see before the file."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from consortium.ledger.rows import Row

Changes = Mapping[bytes, bytes | None]  # of one table; None: no such row any more


class Overlay:
    """Staged rows of one table: the newest value, and how many stagings are not yet committed."""

    __slots__ = ("_sorted", "rows")

    def __init__(self) -> None:
        self.rows: dict[bytes, tuple[bytes | None, int]] = {}
        self._sorted: list[bytes] | None = None

    def stage(self, changes: Changes) -> None:
        rows, self._sorted = self.rows, None
        for key, value in changes.items():
            held = rows.get(key)
            rows[key] = (value, 1 if held is None else held[1] + 1)

    def committed(self, changes: Changes) -> None:
        rows, self._sorted = self.rows, None
        for key in changes:
            held = rows.get(key)
            if held is not None and held[1] > 1:
                rows[key] = (held[0], held[1] - 1)
            elif held is not None:
                del rows[key]

    def between(self, low: bytes, high: bytes) -> list[bytes]:
        if not self.rows:
            return []
        if self._sorted is None:
            self._sorted = sorted(self.rows)
        return self._sorted[bisect_left(self._sorted, low) : bisect_left(self._sorted, high)]

    def over(self, found: Sequence[tuple[bytes, bytes]], staged: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
        """What was found in the file, with the staged rows of these keys over it, in order."""
        merged: dict[bytes, bytes | None] = dict(found)
        for key in staged:
            merged[key] = self.rows[key][0]
        return [(key, value) for key in sorted(merged) if (value := merged[key]) is not None]


def by_table(rows: Sequence[Row]) -> dict[str, dict[bytes, bytes | None]]:
    """The last value of each key, by table."""
    tables: dict[str, dict[bytes, bytes | None]] = {}
    for table, key, value in rows:
        changes = tables.get(table)
        if changes is None:
            changes = tables[table] = {}
        changes[key] = value
    return tables
