"""The ledger's tables: names, keys, and `DictRows`, the in-memory `Rows` of simulations and tests.

table        key                             value
block        height                          header
batch        height                          batch as decided, empty for a null request
certificate  height                          commit certificate of the batch
receipt      height ‖ 4-byte index           receipt
state        table name ‖ 0x00 ‖ key         canonical value
seal         height                          quorum of CHECKPOINTs over the header
epoch        number                          epoch
meta         word                            format; chain; head: height ‖ header digest; seals: count ‖ newest height
base         see snapshot.py                 where a ledger that began with a snapshot starts
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from typing import Protocol

from consortium.core.errors import UserError
from consortium.core.machine import Rows
from consortium.core.state_path import Buckets

TABLES = ("base", "batch", "block", "certificate", "epoch", "meta", "receipt", "seal", "state")
END = b"\xff" * 64  # above every key that this version writes
Row = tuple[str, bytes, bytes | None]


class Unreadable(UserError, RuntimeError):
    """The rows cannot be read now: no fault of the transaction that asked, and nothing may be concluded from it."""


class Damaged(Unreadable):
    """What is stored is not what was written; the text names the place. Restore the node from the others."""


class StoredRows(Rows, Protocol):
    """Rows that can also say all that they hold: what `verify_ledger` reads."""

    def tables(self) -> Sequence[str]:
        """Names of all tables (an empty one may be named), sorted."""
        ...

    def all(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        """Every row of a table in order, whatever its key."""
        ...


def height_key(height: int) -> bytes:
    return height.to_bytes(8, "big")


def read_height(data: bytes | None) -> int:
    """A height that a row holds; 0 where there is no row. Raises Damaged."""
    if data is None:
        return 0
    if len(data) != 8 or data[0] >> 6:
        raise Damaged(f"a height is stored that is none: {data.hex():.40}")
    return int.from_bytes(data, "big")


def receipt_key(height: int, index: int) -> bytes:
    return height.to_bytes(8, "big") + index.to_bytes(4, "big")


def state_key(table: str, key: str) -> bytes:
    return f"{table}\x00{key}".encode()


class _Table:
    """A dict and, for ranges, its keys in order; the order is mended only when a range asks."""

    __slots__ = ("added", "order", "removed", "values")

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}
        self.order: list[bytes] = []
        self.added: list[bytes] = []
        self.removed = False

    def remove(self, key: bytes) -> None:
        if self.values.pop(key, None) is not None:
            self.removed = True

    def ordered(self) -> list[bytes]:
        order, added = self.order, self.added
        if self.removed:
            self.order, self.removed = sorted(self.values), False
        elif len(added) * 20 < len(order):
            for key in added:
                insort(order, key)
        elif added:
            order.extend(added)
            order.sort()
        self.added = []
        return self.order


class DictRows:
    """Implements `Rows` and `StoredRows` in memory. Appending increasing keys is cheap."""

    def __init__(self) -> None:
        self._tables: dict[str, _Table] = {}

    def get(self, table: str, key: bytes) -> bytes | None:
        held = self._tables.get(table)
        return None if held is None else held.values.get(key)

    def range(self, table: str, low: bytes, high: bytes, limit: int = 0) -> Sequence[tuple[bytes, bytes]]:
        """low ≤ key < high, in order; the first `limit` of them, 0: all."""
        held = self._tables.get(table)
        if held is None:
            return []
        order, values = held.ordered(), held.values
        first, last = bisect_left(order, low), bisect_left(order, high)
        return [(key, values[key]) for key in order[first : min(last, first + limit) if limit else last]]

    def each(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        """Every row of a table."""
        held = self._tables.get(table)
        return iter(()) if held is None else iter(held.values.items())

    def make_buckets(self) -> Buckets | None:
        return None

    def stage(self, rows: Sequence[Row]) -> None:
        for table, key, value in rows:
            held = self._tables.get(table)
            if held is None:
                held = self._tables[table] = _Table()
            if value is None:
                held.remove(key)
                continue
            if key not in held.values:
                held.added.append(key)
            held.values[key] = value

    def tables(self) -> Sequence[str]:
        return sorted(name for name, held in self._tables.items() if held.values)

    def all(self, table: str) -> Iterator[tuple[bytes, bytes]]:
        held = self._tables.get(table)
        return iter([] if held is None else [(key, held.values[key]) for key in held.ordered()])

    def bytes_held(self) -> int:
        """Keys and values of all tables together."""
        held = [table.values for table in self._tables.values()]
        return sum(sum(map(len, values.keys())) + sum(map(len, values.values())) for values in held)

    def copy(self) -> DictRows:
        """An independent copy: a disk as it was at this moment."""
        twin = DictRows()
        for name, held in self._tables.items():
            twin.stage([(name, key, value) for key, value in held.values.items()])
        return twin
