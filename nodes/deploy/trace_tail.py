"""What a node adds to its trace, for whoever watches: whole lines of some kinds, a bounded part at a time."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from consortium.runs.trace_parts import closed_parts

BYTES_MAX = 262_144  # that are read at a time; what came before them is passed over

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class TraceTail:
    """`read()`: the records of these kinds since the last time; at first those near the end."""

    def __init__(self, path: Path, kinds: Sequence[str]) -> None:
        self._path = path
        self._needles = [f'"kind":"{kind}"'.encode() for kind in kinds]
        self._at: int | None = None  # None: nothing was read yet
        self._inode = 0

    def read(self) -> list[dict[str, Any]]:
        """Nothing where there is no such file."""
        try:
            with self._path.open("rb") as file:
                return self._records(self._read_on(file.fileno()))
        except OSError:
            return []

    def _read_on(self, handle: int) -> bytes:
        found = os.fstat(handle)
        rest = b""
        if found.st_ino != self._inode or (self._at or 0) > found.st_size:
            rest = self._rest_of_part()
            self._at, self._inode = None if self._inode == 0 else 0, found.st_ino  # another file
        begin = max(self._at or 0, found.st_size - BYTES_MAX)
        data = os.pread(handle, found.st_size - begin, begin)
        if begin != (self._at or 0):
            data = data[data.find(b"\n") + 1 :]  # the line in whose middle it begins
        end = data.rfind(b"\n") + 1
        self._at = found.st_size - (len(data) - end)
        return rest + data[:end]

    def _rest_of_part(self) -> bytes:
        """What came to the file that was read before it was closed as a part, and the parts that were closed since."""
        held: list[bytes] = []
        begin = None
        for path in closed_parts(self._path).values():
            with contextlib.suppress(OSError), path.open("rb") as file:
                found = os.fstat(file.fileno())
                if found.st_ino == self._inode:
                    begin = self._at or 0
                if begin is not None:
                    low = max(begin, found.st_size - BYTES_MAX)
                    data = os.pread(file.fileno(), found.st_size - low, low)
                    held.append(data if low == begin else data[data.find(b"\n") + 1 :])
                    begin = 0
        return b"".join(held)

    def _records(self, data: bytes) -> list[dict[str, Any]]:
        records = []
        for line in data.splitlines():
            if any(needle in line for needle in self._needles):
                with contextlib.suppress(msgspec.MsgspecError):
                    records.append(_decode(line))
        return records
