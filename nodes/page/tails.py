"""What is added to the traces of nodes that run, from a place on that a reader remembers: a file, and a byte in it."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import IO, NamedTuple

from consortium.runs.trace_parts import closed_parts, open_parts

LINE_MAX = 1_048_576
_CURSOR = re.compile(r"\d{1,20}\.\d{1,15}(-\d{1,20}\.\d{1,15}){0,999}")


class Place(NamedTuple):
    """A byte of a file, behind a whole line; of no file yet where `inode` is 0."""

    inode: int
    offset: int


NOWHERE = Place(0, 0)


def cursor_of(places: Sequence[Place]) -> str:
    return "-".join(f"{place.inode}.{place.offset}" for place in places)


def places_of(cursor: str, count: int) -> list[Place] | None:
    """None where it is no cursor over so many files."""
    if not _CURSOR.fullmatch(cursor):
        return None
    found = [Place(*map(int, part.split("."))) for part in cursor.split("-")]
    return found if len(found) == count else None


def end_of(path: Path) -> Place:
    """Behind the last whole line that is there now."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            begin = max(0, found.st_size - LINE_MAX)
            data = os.pread(file.fileno(), found.st_size - begin, begin)
    except OSError:
        return NOWHERE
    return Place(found.st_ino, begin + data.rfind(b"\n") + 1)


def read_on(path: Path, place: Place, bytes_max: int) -> tuple[bytes, Place]:
    """Whole lines behind the place, about so many bytes at most, and where they end. What was closed as a part
    meanwhile is read to its end; what is gone altogether is passed over."""
    held: list[bytes] = []
    for file in _from(path, place):
        with file:
            found = os.fstat(file.fileno())
            begin = place.offset if found.st_ino == place.inode and place.offset <= found.st_size else 0
            data = os.pread(file.fileno(), bytes_max, begin)
            end = data.rfind(b"\n") + 1
            held.append(data[:end])
            place, bytes_max = Place(found.st_ino, begin + end), bytes_max - end
            if begin + len(data) < found.st_size:
                break  # there is more in this one
    return b"".join(held), place


def _from(path: Path, place: Place) -> list[IO[bytes]]:
    """The file of the place and those after it, open; the newest alone where it is gone; of no place all."""
    try:
        newest = path.open("rb")
    except OSError:
        return []
    if place.inode == os.fstat(newest.fileno()).st_ino:
        return [newest]
    newest.close()
    try:
        files = open_parts(path)
    except OSError:
        return []
    if place == NOWHERE:
        return files
    inodes = [os.fstat(file.fileno()).st_ino for file in files]
    first = inodes.index(place.inode) if place.inode in inodes else len(files) - 1
    for file in files[:first]:
        file.close()
    return files[first:]


def read_before(path: Path, place: Place, bytes_max: int) -> bytes:
    """Whole lines up to the place, the last ones: about so many bytes, from its part and those before."""
    held = b""
    for each in (path, *reversed(closed_parts(path).values())):
        try:
            with each.open("rb") as file:
                found = os.fstat(file.fileno())
                if not held and found.st_ino != place.inode:
                    continue
                upto = found.st_size if held else place.offset
                begin = max(0, upto - (bytes_max - len(held)))
                before = min(begin, 1)  # a byte more tells whether a line begins there
                data = os.pread(file.fileno(), upto - begin + before, begin - before)
        except OSError:
            continue
        held = (data[data.find(b"\n") + 1 :] if begin else data) + held
        if 2 * len(held) > bytes_max:
            break
    return held
