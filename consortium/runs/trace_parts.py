"""The parts of a trace: `trace.jsonl` is the newest, `trace.000001.jsonl` and so on are those before it.

A node that stands closes a part when it is large enough, and may let go of the oldest. Parts are numbered from 1; a
part that is not the first begins with a record `part`, which says its number.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

PART = "part"  # a record of this kind: the first of a part that is not the first

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class LetGo(NamedTuple):
    """What is missing of a run's traces: how many parts of each node, and the time (`t_us`) until which some trace is
    not whole."""

    parts: Mapping[str, int]
    until_us: int


def closed_path(path: Path, number: int) -> Path:
    """Where the part of this number lies once it is closed; `path` is that of the newest."""
    return path.with_name(f"{path.stem}.{number:06d}{path.suffix}")


def closed_parts(path: Path) -> dict[int, Path]:
    """The closed parts that are there, by number, in order."""
    pattern = re.compile(re.escape(path.stem) + r"\.(\d{6,})" + re.escape(path.suffix))
    with contextlib.suppress(OSError):
        found = {int(match[1]): each for each in path.parent.iterdir() if (match := pattern.fullmatch(each.name))}
        return dict(sorted(found.items()))
    return {}


def open_parts(path: Path) -> list[IO[bytes]]:
    """All parts that are there, in order, open: what a node closes or lets go of meanwhile is in them all the same.
    Raises FileNotFoundError where there is none."""
    newest = None
    with contextlib.suppress(FileNotFoundError):
        newest = path.open("rb")
    files: list[IO[bytes]] = []
    for each in closed_parts(path).values():
        with contextlib.suppress(FileNotFoundError):
            files.append(each.open("rb"))
    if newest is not None and _inode(newest) not in [_inode(file) for file in files]:
        files.append(newest)
    elif newest is not None:
        newest.close()  # it was closed as a part just now
    if not files:
        raise FileNotFoundError(2, os.strerror(2), str(path))
    return files


def _inode(file: IO[bytes]) -> int:
    return os.fstat(file.fileno()).st_ino


def has_trace(path: Path) -> bool:
    return path.is_file() or bool(closed_parts(path))


def newest_number(path: Path) -> int:
    """Which part the newest is."""
    first = _first_record(path)
    if first.get("kind") == PART:
        return int(first["number"])
    return max(closed_parts(path), default=0) + 1


def _first_record(path: Path) -> dict[str, Any]:
    """Empty where there is no whole one."""
    with contextlib.suppress(OSError, msgspec.MsgspecError), path.open("rb") as file:
        return _decode(file.readline())
    return {}


def find_let_go(paths: Iterable[Path]) -> LetGo | None:
    """Of the traces of these nodes (each named by its folder): None where all parts are there."""
    missing: dict[str, int] = {}
    until_us = 0
    for path in paths:
        closed, newest = closed_parts(path), newest_number(path)
        gone = [number for number in range(1, newest) if number not in closed]
        if gone:
            missing[path.parent.name] = len(gone)
            first = _first_record(closed.get(gone[-1] + 1, path))
            until_us = max(until_us, int(first.get("t_us", 0)) + 1)
    return LetGo(missing, until_us) if missing else None


def drop_uneven(records: Iterable[dict[str, Any]], let_go: LetGo | None, kept: Sequence[str]) -> list[dict[str, Any]]:
    """Without what lies before all traces are whole; but whatever no node said, and the kinds to be `kept`, stays."""
    if let_go is None:
        return list(records)
    return [
        record
        for record in records
        if record["t_us"] >= let_go.until_us or not record["node"] or record["kind"] in kept
    ]
