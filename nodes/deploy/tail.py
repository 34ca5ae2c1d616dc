"""The end of a log, and what is added to it, also when it is moved away and begun anew."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from consortium.runs.trace_parts import closed_parts

BLOCK_BYTES = 65_536
POLL_S = 0.2


def tail_lines(path: Path, last: int, *, is_followed: bool = False, poll_s: float = POLL_S) -> Iterator[str]:
    """Without line feeds. Of a file that is not there: nothing, and, if followed, what it will hold."""
    begun = _begin_of_last(path, last)
    inode = 0
    while True:
        lines, inode, begun = _read_on(path, inode, begun, is_whole=not is_followed)
        yield from lines
        if not is_followed:
            return
        time.sleep(poll_s)


def _begin_of_last(path: Path, last: int) -> int:
    """Where the last lines begin."""
    try:
        with path.open("rb") as file:
            at = size = file.seek(0, os.SEEK_END)
            held = b""
            while at > 0 and held.count(b"\n") <= last:
                at = max(0, at - BLOCK_BYTES)
                file.seek(at)
                held = file.read(size - at)
    except FileNotFoundError:
        return 0
    lines = held.splitlines(keepends=True)
    return size - sum(map(len, lines[len(lines) - last :])) if last else size


def _read_on(path: Path, inode: int, begin: int, *, is_whole: bool) -> tuple[list[str], int, int]:
    """Lines from there on (if `is_whole` also a last one without its end), the file's inode, and where they end."""
    try:
        with path.open("rb") as file:
            now = os.fstat(file.fileno())
            if (inode and now.st_ino != inode) or now.st_size < begin:
                begin = 0  # a new file
            file.seek(begin)
            data = file.read()
    except FileNotFoundError:
        return [], inode, begin
    end = len(data) if is_whole else data.rfind(b"\n") + 1
    return data[:end].decode(errors="replace").splitlines(), now.st_ino, begin + end


def last_records(path: Path) -> list[dict[str, Any]]:
    """The whole lines at the end of a trace, a block of them; where its newest part has none yet, those before."""
    for part in (path, *reversed(closed_parts(path).values())):
        if records := _last_of_part(part):
            return records
    return []


def _last_of_part(path: Path) -> list[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - BLOCK_BYTES))
            lines = file.read().split(b"\n")[:-1]
    except OSError:
        return []
    records = []
    for line in lines:
        with contextlib.suppress(msgspec.MsgspecError):
            records.append(msgspec.json.decode(line, type=dict[str, Any]))
    return records
