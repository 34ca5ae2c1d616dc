"""Where the rows of the state lie: in the order in which they were first written, whatever their keys.

A row that is appended touches no page but the last; one that were inserted by its key would touch some page of them
all. So the file of a ledger has no index of these keys: whoever opens it makes one in memory, sixteen bytes a key, for
each row is read at a start anyhow. And an order of the keys is made in a file of SQLite's own, which goes with the
connection: table by table, and only where a range is asked for; each time it takes up what was appended since. The
node's thread alone uses all this.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable
from math import log2

from nodes.errors import Damaged
from nodes.process.overlay import Changes

NOWHERE = 0  # the place of a key that has no row
_GONE = 1  # in an index: there was a key here
_FIRST = 2  # the place of the first row
_PLACE_MIN = -(1 << 63)  # that SQLite could give: none of ours
_PLACE_BITS = 36
_PLACE_MAX = (1 << _PLACE_BITS) - 1
_MARK_MASK = (1 << 64 - _PLACE_BITS) - 1  # 28 bits of a key's hash
_PARTS = 256  # of the index: each grows alone, so that no block waits for all of it
_SHARE_BITS = 12
_SHARES = 1 << _SHARE_BITS
# the last part gets twice as many keys as the first, and those between as much more each: so they grow in turn
_PART_OF = bytes(int(_PARTS * log2(1 + share / _SHARES)) for share in range(_SHARES))
_PART_MIN = 8  # entries
_KNOWN_MAX = 16_384  # keys
_CACHE_KIB = 8_000


def _add(entries: array[int], mark: int, place: int) -> None:
    """Into one part of the index, in which there is room (open addressing)."""
    mask = len(entries) - 1
    at = mark & mask
    while entries[at]:
        at = at + 1 & mask
    entries[at] = mark << _PLACE_BITS | place


class Places:
    """The place (row id) of each key, staged rows included. `staged` are those whose rows are not in the file yet, or
    not as they are now: the writing thread takes their places from there."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Reads all keys. Raises sqlite3.Error, and Damaged where a key stands twice."""
        self._connection = connection
        # places by 28 bits of a key's hash: those that may be a key's, to be looked at
        self._index = [array("Q", bytes(8 * _PART_MIN)) for _ in range(_PARTS)]
        self._left = [_PART_MIN * 2 // 3] * _PARTS  # how many may be added to a part before it must grow
        self.staged: dict[bytes, int] = {}
        self._known: dict[bytes, int] = {}  # places of rows that were looked at, or changed, not long ago
        self._known_before: dict[bytes, int] = {}  # the generation before
        self._dropped: set[bytes] = set()  # of those: keys that have no row any more
        self._ordered: dict[bytes, int] = {}  # by the beginning of keys: the last place that is in the order
        self._next = _FIRST
        self.take_up()

    def take_up(self) -> None:
        """The keys of rows that stand behind those known: all of them, or what another process has appended since.
        Raises as the start does."""
        select = "SELECT id, key FROM main.state WHERE id >= ? ORDER BY id"
        for place, key in self._connection.execute(select, (self._next if self._next > _FIRST else _PLACE_MIN,)):
            if not self._next <= place <= _PLACE_MAX or type(key) is not bytes or self._look_up(key):
                raise Damaged(f"the row {place} of table state, of key {key!r:.80}, is not the one that was written")
            self._add(key, place)
            self._next = place + 1

    def forget_order(self) -> None:
        """After a transaction that was undone: what it put in order is not there any more."""
        self._ordered.clear()
        self._connection.execute("DROP TABLE IF EXISTS temp.place")

    def _add(self, key: bytes, place: int) -> None:
        mixed = hash(key)
        part = _PART_OF[mixed & _SHARES - 1]
        if not self._left[part]:
            self._grow(part)
        self._left[part] -= 1
        _add(self._index[part], mixed >> _SHARE_BITS & _MARK_MASK, place)

    def _grow(self, part: int) -> None:
        held, size = [entry for entry in self._index[part] if entry > _GONE], _PART_MIN
        while size * 2 // 3 <= len(held) * 3 // 2:
            size *= 2
        self._index[part], self._left[part] = array("Q", bytes(8 * size)), size * 2 // 3 - len(held)
        for entry in held:
            _add(self._index[part], entry >> _PLACE_BITS, entry & _PLACE_MAX)

    def get(self, key: bytes) -> tuple[int, bytes] | None:
        """Place and value of a row that is in the file."""
        place = self._recall(key)
        if place is not None:
            row = self._connection.execute("SELECT key, value FROM main.state WHERE id = ?", (place,)).fetchone()
            if row is not None and row[0] == key:
                return place, row[1]
        found = self._look_up(key)
        if found is not None:
            self._remember(key, found[0])
        return found

    def _recall(self, key: bytes) -> int | None:
        return self._known.get(key) or self._known_before.get(key)

    def _remember(self, key: bytes, place: int) -> None:
        if len(self._known) >= _KNOWN_MAX:
            self._known_before, self._known = self._known, {}
        self._known[key] = place

    def _look_up(self, key: bytes) -> tuple[int, bytes] | None:
        mixed = hash(key)
        entries, mark = self._index[_PART_OF[mixed & _SHARES - 1]], mixed >> _SHARE_BITS & _MARK_MASK
        mask = len(entries) - 1
        at = mark & mask
        while entry := entries[at]:
            if entry >> _PLACE_BITS == mark and entry != _GONE:
                place = entry & _PLACE_MAX
                row = self._connection.execute("SELECT key, value FROM main.state WHERE id = ?", (place,)).fetchone()
                if row is not None and row[0] == key:
                    return place, row[1]
            at = at + 1 & mask
        return None

    def stage(self, changes: Changes) -> None:
        """A key that has no row takes the next place; one that is staged keeps its place until it is settled."""
        staged, dropped = self.staged, self._dropped
        for key, value in changes.items():
            place = staged.get(key)
            if place is None:
                place = self._recall(key)
            if place is None:
                found = self._look_up(key)
                place = NOWHERE if found is None else found[0]
            if value is None:
                staged[key] = place
                if place != NOWHERE and key not in dropped:
                    self._drop(key, place)
            elif place == NOWHERE:
                staged[key], self._next = self._next, self._next + 1
                self._add(key, staged[key])
            else:
                staged[key] = place
                self._remember(key, place)
                if key in dropped:
                    self._take_back(key, place)

    def settle(self, keys: Iterable[bytes]) -> None:
        """Nothing of these keys is staged any more."""
        for key in keys:
            self.staged.pop(key, None)
            self._dropped.discard(key)

    def _drop(self, key: bytes, place: int) -> None:
        mixed = hash(key)
        entries, mark = self._index[_PART_OF[mixed & _SHARES - 1]], mixed >> _SHARE_BITS & _MARK_MASK
        at, mask = mark & len(entries) - 1, len(entries) - 1
        while entries[at] != mark << _PLACE_BITS | place:
            assert entries[at], "only what was added is dropped"
            at = at + 1 & mask
        entries[at] = _GONE
        self._known.pop(key, None)
        self._known_before.pop(key, None)
        self._dropped.add(key)

    def _take_back(self, key: bytes, place: int) -> None:
        """It has a row again, at a place that the order has perhaps passed by."""
        self._dropped.discard(key)
        self._add(key, place)
        if self._ordered:
            self._connection.execute("INSERT OR REPLACE INTO temp.place VALUES (?, ?)", (key, place))

    # --- in order ---------------------------------------------------------------------------------------------------

    def between(self, low: bytes, high: bytes, limit: int) -> Iterable[tuple[bytes, bytes]]:
        """The rows of the file with low ≤ key < high in order of keys; `limit` 0: all."""
        begins = low[: low.find(b"\x00") + 1]
        if not (begins and begins <= high <= begins[:-1] + b"\x01"):
            begins = b""
        self._order(begins)
        return self._connection.execute(
            "SELECT state.key, state.value FROM temp.place JOIN main.state ON state.id = place.id "
            "WHERE place.key >= ? AND place.key < ? ORDER BY place.key LIMIT ?",
            (low, high, limit or -1),
        )

    def all(self) -> Iterable[tuple[bytes, bytes]]:
        """Every row of the file, in order of keys."""
        self._order(b"")
        return self._connection.execute(
            "SELECT state.key, state.value FROM temp.place JOIN main.state ON state.id = place.id ORDER BY place.key"
        )

    def _order(self, begins: bytes) -> None:
        """Take up the keys that begin so and were appended since the last time."""
        execute, ordered = self._connection.execute, self._ordered
        if not ordered:
            execute(f"PRAGMA temp.cache_size=-{_CACHE_KIB}")
            execute("CREATE TEMP TABLE place (key BLOB PRIMARY KEY, id INTEGER NOT NULL) WITHOUT ROWID")
        above = max(ordered.get(begins, NOWHERE), ordered.get(b"", NOWHERE))
        last = execute("SELECT max(id) FROM main.state").fetchone()[0] or NOWHERE
        if last > above or begins not in ordered:
            which, keys = ("AND key >= ? AND key < ?", (begins, begins[:-1] + b"\x01")) if begins else ("", ())
            execute(
                "INSERT OR REPLACE INTO temp.place SELECT key, id FROM main.state "
                f"WHERE id > ? AND id <= ? {which} ORDER BY key",
                (above, last, *keys),
            )
            ordered[begins] = last
