"""The buckets of the state's tree: in memory as long as they are few, then in a file that has no name.

They follow from the rows of the state, which are read at a start anyhow. So nothing of them must survive, nothing is
synced, and the file is gone with the process. Which of them lie there is chance, for no bucket is asked for more often
than another: those that came when memory was full. What is read is held against its digest. In memory there are eight
bytes a bucket of those.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from pathlib import Path

from consortium.core.state_path import BUCKET_MAX, ENTRY, bucket_hash
from nodes.errors import Damaged, StoreFailed

_UNIT = 8 * ENTRY  # a bucket takes one to four of them
_UNITS_MAX = BUCKET_MAX * ENTRY // _UNIT
_ENTRIES_BITS = 6  # a slot is the number of its first unit, and how many entries lie there; 0: none
_ENTRIES_MASK = (1 << _ENTRIES_BITS) - 1


IN_MEMORY_MAX = 96_000_000  # bytes
_HELD_BYTES = 170  # of a bucket in memory, besides its own


class MixedBuckets:
    """Implements `Buckets`. Raises StoreFailed where the disk refuses."""

    def __init__(self, folder: Path, in_memory_max: int = IN_MEMORY_MAX) -> None:
        """`folder`: on the disk that is to hold what memory does not."""
        self._held: dict[int, bytes] = {}
        self._left = in_memory_max
        self._folder = folder
        self._file: BucketFile | None = None

    def get(self, number: int, digest: bytes) -> bytes:
        bucket = self._held.get(number)
        if bucket is None:
            assert self._file is not None, "a bucket is asked for that there is"
            bucket = self._file.get(number)
            if bucket_hash(bucket) != digest:
                raise Damaged("a part of the state's tree is not what was written to the disk")
        return bucket

    def put(self, number: int, bucket: bytes) -> None:
        held = self._held.get(number)
        if held is not None:
            self._left += len(held) - len(bucket)
            self._held[number] = bucket
        elif self._left > 0 and not (self._file is not None and number in self._file):
            self._left -= len(bucket) + _HELD_BYTES
            self._held[number] = bucket
        else:
            if self._file is None:
                self._file = BucketFile(self._folder)
            self._file.put(number, bucket)

    def drop(self, number: int) -> None:
        held = self._held.pop(number, None)
        if held is not None:
            self._left += len(held) + _HELD_BYTES
        elif self._file is not None:
            self._file.drop(number)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


class BucketFile:
    """As many as there is room for on a disk. Raises StoreFailed where it refuses."""

    def __init__(self, folder: Path) -> None:
        """`folder`: on the disk that is to hold it."""
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it lives as long as the tree
        except OSError as error:
            raise StoreFailed(f"no room for the tree of the state in {folder}: {error}") from None
        self._descriptor = self._file.fileno()
        self._slots: dict[int, array[int]] = {}  # of sixteen siblings, by the number of their parent
        self._free = [array("Q") for _ in range(_UNITS_MAX + 1)]  # by units
        self._end = 0

    def __contains__(self, number: int) -> bool:
        slots = self._slots.get(number >> 4)
        return slots is not None and slots[number & 15] != 0

    def get(self, number: int) -> bytes:
        slots = self._slots.get(number >> 4)
        slot = 0 if slots is None else slots[number & 15]
        size = (slot & _ENTRIES_MASK) * ENTRY
        try:
            return os.pread(self._descriptor, size, (slot >> _ENTRIES_BITS) * _UNIT)
        except OSError as error:
            raise StoreFailed(f"the tree of the state cannot be read: {error}") from None

    def put(self, number: int, bucket: bytes) -> None:
        slots = self._slots.get(number >> 4)
        if slots is None:
            slots = self._slots[number >> 4] = array("Q", bytes(16 * 8))
        slot, entries = slots[number & 15], len(bucket) // ENTRY
        units = _units(entries)
        if _units(slot & _ENTRIES_MASK) == units:
            first = slot >> _ENTRIES_BITS
        else:
            self._let_go(slot)
            first = self._take(units)
        slots[number & 15] = first << _ENTRIES_BITS | entries
        try:
            written = os.pwrite(self._descriptor, bucket, first * _UNIT)
        except OSError as error:
            raise StoreFailed(f"the tree of the state cannot be written: {error}") from None
        if written != len(bucket):
            raise StoreFailed("the tree of the state cannot be written: the disk is full")

    def drop(self, number: int) -> None:
        slots = self._slots.get(number >> 4)
        if slots is None:
            return
        self._let_go(slots[number & 15])
        slots[number & 15] = 0
        if not any(slots):
            del self._slots[number >> 4]

    def close(self) -> None:
        self._file.close()

    def _take(self, units: int) -> int:
        if self._free[units]:
            return self._free[units].pop()
        first, self._end = self._end, self._end + units
        return first

    def _let_go(self, slot: int) -> None:
        if slot:
            self._free[_units(slot & _ENTRIES_MASK)].append(slot >> _ENTRIES_BITS)


def _units(entries: int) -> int:
    return (entries * ENTRY + _UNIT - 1) // _UNIT
