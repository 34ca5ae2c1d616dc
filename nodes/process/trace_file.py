"""trace.jsonl of one node: written in one place, followed from another while it grows.

A node that stands closes the file when it is large enough, and begins the next part (`consortium.runs.trace_parts`)."""

from __future__ import annotations

import os
import time
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from consortium.runs.trace_parts import PART, closed_parts, closed_path, newest_number

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(dict[str, Any])


def cut_torn_line(path: Path) -> int:
    """Remove a last line without its end (the writer was killed in it); returns the bytes removed."""
    try:
        with path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            keep, step = size, 65_536
            while keep > 0:
                start = max(0, keep - step)
                file.seek(start)
                at = file.read(keep - start).rfind(b"\n")
                keep = start + at + 1 if at >= 0 else start
                if at >= 0:
                    break
            file.truncate(keep)
            return size - keep
    except FileNotFoundError:
        return 0


TRACE_PARTS, TRACE_PART_MB = 8, 64  # of a node that stands


class PartPlan(NamedTuple):
    """How large a part of a trace grows, and how many are kept, the newest among them; 0: as much as comes, and all."""

    bytes_max: int = 0
    kept_max: int = 0


class TraceWriter:
    """Appends records; `flush` hands whole lines to the file in one write. Times never run backwards."""

    def __init__(self, path: Path, node: str, plan: PartPlan = PartPlan()) -> None:  # noqa: B008 - a value
        cut_torn_line(path)
        self._path = path
        self._plan = plan
        self._number_due = self._bytes = 0
        self._file = self._open()
        self._node = node
        self._lines: list[bytes] = []
        self._last_us = 0
        self._flushed_s = 0.0

    def add(self, t_us: int, kind: str, fields: dict[str, Any]) -> None:
        self._last_us = max(self._last_us, t_us)
        if self._number_due:
            self._lines.append(self._begin_part())
        self._lines.append(_ENCODER.encode({"t_us": self._last_us, "node": self._node, "kind": kind, **fields}))

    def flush(self, older_than_s: float = 0.0) -> None:
        """Write what waits, unless the last write is younger. Raises OSError where the disk refuses."""
        moment = time.monotonic()
        if self._lines and moment - self._flushed_s >= older_than_s:
            self._flushed_s = moment
            lines, self._lines = self._lines, []
            self._write(lines)
            if 0 < self._plan.bytes_max <= self._bytes:
                self._next_part()

    def _write(self, lines: list[bytes]) -> None:
        data = memoryview(b"\n".join(lines) + b"\n")
        while data:
            written = self._file.write(data) or 0
            data, self._bytes = data[written:], self._bytes + written

    def _open(self) -> FileIO:
        file = self._path.open("ab", buffering=0)
        self._bytes = file.tell()
        number = newest_number(self._path)
        self._number_due = number if not self._bytes and number > 1 else 0  # that the first record is to say
        return file

    def _next_part(self) -> None:
        number = newest_number(self._path)
        self._path.rename(closed_path(self._path, number))
        closed, self._file = self._file, self._open()
        closed.close()
        self._number_due = number + 1
        self._write([self._begin_part()])  # it knows its number before those are gone that would tell
        kept = self._plan.kept_max
        for older, path in closed_parts(self._path).items() if kept else ():
            if older <= number + 1 - kept:
                path.unlink(missing_ok=True)

    def _begin_part(self) -> bytes:
        number, self._number_due = self._number_due, 0
        return _ENCODER.encode({"t_us": self._last_us, "node": self._node, "kind": PART, "number": number})

    def close(self) -> None:
        self.flush()
        self._file.close()


class TraceTail:
    """Reads the whole lines that were added since the last call; survives the file's torn end and its repair."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0
        self.unreadable = 0

    def read(self, bytes_max: int = 8_000_000) -> list[dict[str, Any]]:
        """At most about `bytes_max` bytes of them; empty when there is nothing new."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                data = file.read(bytes_max)
        except FileNotFoundError:
            return []
        end = data.rfind(b"\n") + 1
        self._offset += end
        records = []
        for line in data[:end].splitlines():
            try:
                records.append(_DECODER.decode(line))
            except msgspec.MsgspecError:
                self.unreadable += 1
        return records
