"""How the tables of a ledger lie in its file: each is asked by the keys that `ledger/rows.py` gives its rows.

Most tables are keyed as they are asked. The receipts of a block lie in one row, by height. The rows of the state lie in
the order in which they were first written (`places.py`). A ledger that version 0.1 wrote is keyed as it is asked, all
of it, and is only read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

import msgspec

from consortium.core.codec import encode
from nodes.errors import Damaged
from nodes.process.overlay import Changes
from nodes.process.places import Places

Pairs = Iterable[tuple[bytes, bytes]]
_UPSERT_STATE = """INSERT INTO state VALUES (?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET key = excluded.key, value = excluded.value"""
_UPSERT = "INSERT INTO {} VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"


class StoredTable(Protocol):
    """Reading gives what is in the file, of whatever type SQLite holds; it raises sqlite3.DatabaseError and Damaged."""

    def get(self, key: bytes) -> Pairs: ...

    def between(self, low: bytes, high: bytes, limit: int) -> Pairs:
        """low ≤ key < high in order of keys; `limit` 0: all."""
        ...

    def all(self) -> Pairs:
        """Every row, whatever its key, in order of keys."""
        ...

    def each(self) -> Pairs:
        """Every row in the order that costs least."""
        ...

    def write(self, writer: sqlite3.Connection, changes: Changes) -> None: ...


class KeyedTable:
    """Keyed as it is asked."""

    def __init__(self, reader: sqlite3.Connection, name: str) -> None:
        self._reader = reader
        self.name = name

    def get(self, key: bytes) -> Pairs:
        return self._reader.execute(f"SELECT key, value FROM {self.name} WHERE key = ?", (key,))

    def between(self, low: bytes, high: bytes, limit: int) -> Pairs:
        select = f"SELECT key, value FROM {self.name} WHERE key >= ? AND key < ? ORDER BY key LIMIT ?"
        return self._reader.execute(select, (low, high, limit or -1))

    def all(self) -> Pairs:
        return self._reader.execute(f"SELECT key, value FROM {self.name} ORDER BY key")

    each = all

    def write(self, writer: sqlite3.Connection, changes: Changes) -> None:
        pairs = sorted([(key, value) for key, value in changes.items() if value is not None])
        writer.executemany(_UPSERT.format(self.name), pairs)
        gone = [(key,) for key, value in changes.items() if value is None]
        if gone:
            writer.executemany(f"DELETE FROM {self.name} WHERE key = ?", gone)


_RECEIPTS = msgspec.msgpack.Decoder(list[bytes | None])
_HEIGHT_BYTES = 8


class ReceiptTable:
    """Of each height one row: its receipts in order, as one MessagePack array (nil: there is none of that number)."""

    name = "receipt"

    def __init__(self, reader: sqlite3.Connection) -> None:
        self._blocks = KeyedTable(reader, self.name)

    def get(self, key: bytes) -> Pairs:
        return [pair for pair in self.between(key[:_HEIGHT_BYTES], key + b"\x00", 0) if pair[0] == key]

    def between(self, low: bytes, high: bytes, limit: int) -> Pairs:
        low_height = low[:_HEIGHT_BYTES]
        blocks = self._blocks.between(low_height, high, 0)  # a height is below its receipts: one too many at most
        found = [pair for pair in _receipts(blocks) if type(pair[0]) is not bytes or low <= pair[0] < high]
        return found[:limit] if limit else found

    def all(self) -> Pairs:
        return _receipts(self._blocks.all())

    each = all

    def write(self, writer: sqlite3.Connection, changes: Changes) -> None:
        blocks: dict[bytes, dict[int, bytes | None]] = {}
        for key, value in changes.items():
            assert len(key) == _HEIGHT_BYTES + 4, "a receipt's key is a height and a number"
            height = key[:_HEIGHT_BYTES]
            if height not in blocks:
                held = writer.execute("SELECT key, value FROM receipt WHERE key = ?", (height,))
                blocks[height] = {int.from_bytes(one[_HEIGHT_BYTES:], "big"): old for one, old in _receipts(held)}
            blocks[height][int.from_bytes(key[_HEIGHT_BYTES:], "big")] = value
        self._blocks.write(writer, {height: _joined(receipts) for height, receipts in blocks.items()})


def _receipts(blocks: Pairs) -> Iterator[tuple[bytes, bytes]]:
    """Raises Damaged."""
    for height, value in blocks:
        if type(height) is not bytes or type(value) is not bytes:
            yield height, value  # whoever reads tells what it is
            continue
        try:
            receipts = _RECEIPTS.decode(value)
            if len(height) != _HEIGHT_BYTES or encode(receipts) != value:
                raise Damaged("not as they are written")
        except (msgspec.MsgspecError, Damaged) as error:
            place = int.from_bytes(height[:_HEIGHT_BYTES], "big")
            raise Damaged(f"table receipt, height {place}: the receipts cannot be read ({error})") from None
        for number, receipt in enumerate(receipts):
            if receipt is not None:
                yield height + number.to_bytes(4, "big"), receipt


def _joined(receipts: Mapping[int, bytes | None]) -> bytes | None:
    """None where there is no receipt any more."""
    last = max((number for number, receipt in receipts.items() if receipt is not None), default=-1)
    return encode([receipts.get(number) for number in range(last + 1)]) if last >= 0 else None


class StateTable:
    """In the order in which rows were first written. Of what is not staged (`stage`) before it is written, the places
    are found then: by whoever uses one thread."""

    name = "state"

    def __init__(self, reader: sqlite3.Connection) -> None:
        self._reader = reader
        self._places: Places | None = None

    def open(self) -> Places:
        """Reads all keys, at the latest when the first one is asked for. Raises sqlite3.Error and Damaged."""
        if self._places is None:
            self._places = Places(self._reader)
        return self._places

    def stage(self, changes: Changes) -> None:
        """Before `write`, in the reading thread."""
        self.open().stage(changes)

    def settle(self, keys: Iterable[bytes]) -> None:
        """After the commit, in the reading thread: nothing of these keys is staged any more."""
        self.open().settle(keys)

    def get(self, key: bytes) -> Pairs:
        found = self.open().get(key)
        return () if found is None else ((key, found[1]),)

    def between(self, low: bytes, high: bytes, limit: int) -> Pairs:
        return self.open().between(low, high, limit)

    def all(self) -> Pairs:
        return self.open().all()

    def each(self) -> Pairs:
        return self._reader.execute("SELECT key, value FROM state ORDER BY id")

    def write(self, writer: sqlite3.Connection, changes: Changes) -> None:
        staged = self.open().staged
        if any(key not in staged for key in changes):
            self.open().stage({key: value for key, value in changes.items() if key not in staged})
        rows = sorted([(staged[key], key, value) for key, value in changes.items() if value is not None])
        writer.executemany(_UPSERT_STATE, rows)
        gone = [(staged[key],) for key, value in changes.items() if value is None and key in staged]
        if gone:
            writer.executemany("DELETE FROM state WHERE id = ?", gone)
