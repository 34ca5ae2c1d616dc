"""trace.jsonl of one node: written in one place, followed from another while it grows."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import msgspec

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


class TraceWriter:
    """Appends records; `flush` hands whole lines to the file in one write. Times never run backwards."""

    def __init__(self, path: Path, node: str) -> None:
        cut_torn_line(path)
        self._file = path.open("ab", buffering=0)
        self._node = node
        self._lines: list[bytes] = []
        self._last_us = 0
        self._flushed_s = 0.0

    def add(self, t_us: int, kind: str, fields: dict[str, Any]) -> None:
        self._last_us = max(self._last_us, t_us)
        self._lines.append(_ENCODER.encode({"t_us": self._last_us, "node": self._node, "kind": kind, **fields}))

    def flush(self, older_than_s: float = 0.0) -> None:
        """Write what waits, unless the last write is younger. Raises OSError where the disk refuses."""
        moment = time.monotonic()
        if self._lines and moment - self._flushed_s >= older_than_s:
            self._flushed_s = moment
            lines, self._lines = self._lines, []
            data = memoryview(b"\n".join(lines) + b"\n")
            while data:
                data = data[self._file.write(data) or 0 :]

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
