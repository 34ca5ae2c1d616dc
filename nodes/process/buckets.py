"""The buckets of the state's tree that memory is not to hold, in a file that has no name.

They follow from the rows of the state, which are read at a start anyhow. So nothing of them must survive, nothing is
synced, and the file is gone with the process. Which of them lie there is chance, for no bucket is asked for more often
than another: those that came when memory was full. The tree holds what is read against its digest. In memory there are
eight bytes a bucket.
"""

from __future__ import annotations

import os
import tempfile
from array import array
from pathlib import Path
from typing import IO

from consortium.core.state_path import ENTRY
from nodes.errors import StoreFailed

_UNIT = 4 * ENTRY  # a bucket takes some of them
_ENTRIES_BITS = 6  # a slot is the number of its first unit, and how many entries lie there; 0: none
_ENTRIES_MASK = (1 << _ENTRIES_BITS) - 1

IN_MEMORY_MAX = 144_000_000  # bytes of entries: 2.25 million


class BucketFile:
    """Implements `Buckets`, as many as there is room for on a disk. Raises StoreFailed where it refuses."""

    def __init__(self, folder: Path, in_memory_max: int = IN_MEMORY_MAX) -> None:
        """`folder`: on the disk that is to hold it, once something is put there."""
        self.in_memory_max = in_memory_max
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._descriptor = -1
        self._slots = array("Q")  # by number
        self._free: dict[int, array[int]] = {}  # by units
        self._end = 0

    def get(self, number: int) -> bytes:
        slot = self._slots[number] if number < len(self._slots) else 0
        size = (slot & _ENTRIES_MASK) * ENTRY
        try:
            return os.pread(self._open(), size, (slot >> _ENTRIES_BITS) * _UNIT) if size else b""
        except OSError as error:
            raise StoreFailed(f"the tree of the state cannot be read: {error}") from None

    def put(self, number: int, bucket: bytes) -> None:
        if number >= len(self._slots):
            self._slots.frombytes(bytes((number + 1 - len(self._slots)) * 8))
        slot, entries = self._slots[number], len(bucket) // ENTRY
        if not entries:
            self._let_go(slot)
            self._slots[number] = 0
            return
        units = _units(entries)
        if _units(slot & _ENTRIES_MASK) == units:
            first = slot >> _ENTRIES_BITS
        else:
            self._let_go(slot)
            first = self._take(units)
        self._slots[number] = first << _ENTRIES_BITS | entries
        try:
            written = os.pwrite(self._open(), bucket, first * _UNIT)
        except OSError as error:
            raise StoreFailed(f"the tree of the state cannot be written: {error}") from None
        if written != len(bucket):
            raise StoreFailed("the tree of the state cannot be written: the disk is full")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _open(self) -> int:
        if self._file is None:
            try:
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - it lives as long as the tree
            except OSError as error:
                raise StoreFailed(f"no room for the tree of the state in {self._folder}: {error}") from None
            self._descriptor = self._file.fileno()
        return self._descriptor

    def _take(self, units: int) -> int:
        free = self._free.get(units)
        if free:
            return free.pop()
        first, self._end = self._end, self._end + units
        return first

    def _let_go(self, slot: int) -> None:
        if slot:
            self._free.setdefault(_units(slot & _ENTRIES_MASK), array("Q")).append(slot >> _ENTRIES_BITS)


def _units(entries: int) -> int:
    return (entries * ENTRY + _UNIT - 1) // _UNIT
