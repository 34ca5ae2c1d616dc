"""The authenticated tree: cells of some twelve entries, under nodes of sixteen children.

What a cell is, and how a path is checked, stands in `core/state_path.py`. How many cells there are follows from the
number of entries, and where an entry lies from both: so the root follows from the entries alone, whatever came and
went. With every `CELL_LOAD` entries one cell more begins, and half the entries of one other cell move there: each block
pays for its own growth. The tree is updated once per block. The digests of a level lie in one flat array. Buckets lie
in memory, as many as are to be there, and the others where the driver wants them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import islice
from typing import NamedTuple

from consortium.core.state_path import (
    CELL_LOAD,
    EMPTY,
    ENTRY,
    NODE_TAG,
    Buckets,
    Path,
    bucket_hash,
    cell_of,
    levels_of,
    root_hash,
)
from consortium.ledger.bucket import Changes, change, entry_at, join, split
from consortium.ledger.crowd import (
    BUCKET_BYTES_MAX,
    Cell,
    Crowd,
    cell_hash,
    change_crowd,
    entries_of,
    make_cell,
    way_to,
)
from consortium.ledger.rows import Damaged

_READ_MAX = 4_096  # keys, or buckets of the disk, that were looked up since the last update
_BUILT_AT_ONCE = 50_000  # rows


class Patch(NamedTuple):
    """What an update changed. Nobody may mutate what is in it: trees share it."""

    entries: int  # how many there are
    cells: dict[int, Cell]  # by number
    digests: list[dict[int, bytes]]  # of cells, of nodes above them, and so on, by number within a level
    root: bytes


class StateTree:
    """Hashes of all state rows; `root` authenticates them."""

    def __init__(self, buckets: Buckets | None = None, *, is_shared: bool = True) -> None:
        """`buckets`: empty ones; None: memory holds all. `is_shared`: whether its patches are applied to other trees.
        Where they are not, they are empty, and each update costs less."""
        self._count = 0  # of entries
        self._cells = 1
        self._levels = [bytearray(512)]  # digests of cells, of nodes above them, …; as many as fill nodes
        self._held: list[Cell | None] = [b""]  # by number; None: its bucket lies in `_far`
        self._left = 0 if buckets is None else buckets.in_memory_max
        self._far = buckets
        self._read: dict[int, bytes] = {}  # buckets that lie in `_far`, unchanged since the last update
        self._looked_up: dict[bytes, tuple[bytes, int]] = {}  # H(row key) and cell of keys, since the last update
        self._is_shared = is_shared
        self.root = root_hash(1, EMPTY)

    @classmethod
    def build(
        cls, rows: Iterable[tuple[bytes, bytes]], buckets: Buckets | None = None, *, is_shared: bool = True
    ) -> StateTree:
        """The tree of these (row key, value), each key once, in any order. `buckets`: empty ones."""
        tree, left = cls(buckets, is_shared=is_shared), iter(rows)
        while some := list(islice(left, _BUILT_AT_ONCE)):
            tree.update(some)
        return tree

    def digest_of(self, key: bytes) -> bytes | None:
        """SHA-256 of the value in the row of this key; None if there is no such row. Raises Unreadable."""
        name = sha256(key).digest()
        number = cell_of(name, self._cells)
        if len(self._looked_up) < _READ_MAX:
            self._looked_up[key] = (name, number)
        bucket = self._held[number]
        if bucket is None:
            bucket = self._read_far(number)
        elif isinstance(bucket, Crowd):
            bucket, _ = way_to(bucket, name)
        at = entry_at(bucket, name)
        return None if at < 0 else bucket[at + 32 : at + ENTRY]

    def path(self, key: bytes) -> Path:
        """The proof of what `key` has, or that it has nothing. Raises Unreadable."""
        name = sha256(key).digest()
        number = cell_of(name, self._cells)
        bucket, siblings = way_to(self._cell(number), name)
        for level in self._levels[:-1]:
            first, at = number >> 4 << 9, number << 5
            siblings.append(bytes(level[first:at] + level[at + 32 : first + 512]))
            number >>= 4
        return Path(self._cells, bucket, tuple(siblings))

    def _cell(self, number: int) -> Cell:
        """Raises Unreadable."""
        cell = self._held[number]
        return self._read_far(number) if cell is None else cell

    def _read_far(self, number: int) -> bytes:
        """Raises Unreadable."""
        bucket = self._read.get(number)
        if bucket is None:
            assert self._far is not None
            bucket, at = self._far.get(number), number << 5
            if bucket_hash(bucket) != self._levels[0][at : at + 32]:
                raise Damaged("a part of the state's tree is not what was written to the disk")
            if len(self._read) >= _READ_MAX:
                self._read.clear()
            self._read[number] = bucket
        return bucket

    # --- changing ---------------------------------------------------------------------------------------------------

    def update(self, changes: Iterable[tuple[bytes, bytes | None]]) -> Patch:
        """Set (row key, value) or remove (row key, None); removing what is absent changes nothing. Raises Unreadable,
        and the tree is then of no use any more."""
        changed: dict[int, Cell] = {}
        size, held = 0, self._held
        for number, wanted in self._by_cell(changes).items():
            old = held[number]
            if old is None:
                old = self._read_far(number)
            changed[number] = new = change_crowd(old, wanted) if isinstance(old, Crowd) else change(old, wanted)
            size += len(new) - len(old)
        count = self._count + size // ENTRY
        self._reshape(_cells_of(count), changed)
        for number, cell in changed.items():
            if len(cell) > BUCKET_BYTES_MAX and not isinstance(cell, Crowd):
                changed[number] = make_cell(cell)
        digests = self._climb({number: cell_hash(cell) for number, cell in changed.items()})
        root = root_hash(self._cells, bytes(self._levels[-1][:32]))
        self._hold(count, changed, root)
        return Patch(count, changed, digests, root) if self._is_shared else Patch(count, {}, [], root)

    def apply(self, patch: Patch) -> None:
        """The same update once more, in a tree that is equal to what that one was."""
        self._cells = _cells_of(patch.entries)
        for depth, digests in enumerate(patch.digests):
            self._set(depth, digests)
        del self._levels[len(patch.digests) :]
        self._hold(patch.entries, patch.cells, patch.root)

    def _by_cell(self, changes: Iterable[tuple[bytes, bytes | None]]) -> dict[int, Changes]:
        asked: dict[int, Changes] = {}
        cells, looked_up = self._cells, self._looked_up
        for key, value in changes:
            known = looked_up.get(key)
            if known is None:
                name = sha256(key).digest()
                number = cell_of(name, cells)
            else:
                name, number = known
            digest = None if value is None else sha256(value).digest()
            there = asked.get(number)
            if there is None:
                asked[number] = [(name, digest)]
            else:
                there.append((name, digest))
        return asked

    def _reshape(self, cells: int, changed: dict[int, Cell]) -> None:
        """So many cells from now on."""
        for number in range(self._cells, cells):
            bit = number.bit_length() - 1
            other = number - (1 << bit)
            cell = changed[other] if other in changed else self._cell(other)
            changed[other], changed[number] = split(entries_of(cell), bit)
        for number in range(self._cells - 1, cells - 1, -1):
            other = number - (1 << number.bit_length() - 1)
            left, right = (changed[one] if one in changed else self._cell(one) for one in (other, number))
            changed[other] = join(entries_of(left), entries_of(right))
            changed.pop(number, None)
        if cells < self._cells:
            changed.setdefault(cells - 1, self._cell(cells - 1))  # nodes above the last one have children less
        self._cells = cells

    def _climb(self, changed: dict[int, bytes]) -> list[dict[int, bytes]]:
        """From the digests of cells that changed up to the top, a level at once: what changed on each."""
        found = [changed]
        for depth in range(levels_of(self._cells)):
            level = self._set(depth, changed)
            above = {number >> 4 for number in changed}
            changed = {number: sha256(NODE_TAG + level[number << 9 : number + 1 << 9]).digest() for number in above}
            found.append(changed)
        self._set(len(found) - 1, changed)
        del self._levels[len(found) :]
        return found

    def _set(self, depth: int, digests: Mapping[int, bytes]) -> bytearray:
        """These digests on this level, by number, and zeros beyond the last one."""
        if depth == len(self._levels):
            self._levels.append(bytearray())
        level, last = self._levels[depth], self._cells - 1 >> 4 * depth
        del level[last + 1 << 5 :]
        level += bytes((last + 16 & ~15) * 32 - len(level))
        for number, digest in digests.items():
            at = number << 5
            level[at : at + 32] = digest
        return level

    def _hold(self, count: int, changed: Mapping[int, Cell], root: bytes) -> None:
        """This is in the cells, of which there may be more or less than before. What lies in memory stays there; what
        comes anew does where there is room, and what is crowded in any case."""
        held, far, left = self._held, self._far, self._left
        for number in range(self._cells, len(held)):
            left += len(held[number] or b"")
            if far is not None:
                far.put(number, b"")
        del held[self._cells :]
        held += [b""] * (self._cells - len(held))
        for number, cell in changed.items():
            old = held[number]
            if far is None or old or (old is not None and left > 0) or isinstance(cell, Crowd):
                held[number] = cell
                left += len(old or b"") - len(cell)
                if old is None and far is not None:
                    far.put(number, b"")
            else:
                held[number] = None
                far.put(number, cell)
        self._left, self._count, self.root = left, count, root
        self._read.clear()
        self._looked_up.clear()


def _cells_of(count: int) -> int:
    """How many cells there are for so many entries."""
    return max(1, count // CELL_LOAD)
