"""The files of a folder of input: parts of one kind, packed or not, whatever the case of their endings."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from consortium.scenario.fhir.records import ImportFault

LINE_BYTES_MAX = 1_000_000
BOM = b"\xef\xbb\xbf"


class Source(NamedTuple):
    """One file's lines. `name` as the user knows it, for places."""

    name: str
    lines: Iterable[bytes]


def find_parts(folder: Path, kind: str, ending: str) -> list[Path]:
    """`KIND.ENDING`, `KIND.0.ENDING`, `KIND-1.ENDING.gz`, …, in the order of their numbers. Raises ImportFault where
    one part is there packed and unpacked."""
    pattern = re.compile(rf"{re.escape(kind)}(?:[.\-_]([0-9]+))?\.{re.escape(ending)}(\.gz)?", re.IGNORECASE)
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        match = pattern.fullmatch(path.name)
        if match is None or not path.is_file():
            continue
        number = -1 if match[1] is None else int(match[1])
        if number in found:
            raise ImportFault(f"{folder}: both {found[number].name} and {path.name} are there; remove one")
        found[number] = path
    return [path for _, path in sorted(found.items())]


def _is_packed(path: Path) -> bool:
    """By its first bytes: an ending may lie."""
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def read_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, unpacked as they are read, without a mark of byte order; none is held longer than
    LINE_BYTES_MAX + 1. Raises ImportFault."""
    is_first = True
    try:
        with gzip.open(path) if _is_packed(path) else path.open("rb") as file:
            while line := file.readline(LINE_BYTES_MAX + 1):
                yield line.removeprefix(BOM) if is_first else line
                is_first = False
                while len(line) > LINE_BYTES_MAX and not line.endswith(b"\n"):
                    line = file.readline(LINE_BYTES_MAX + 1)  # the rest of a line that is too long
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ImportFault(f"{path}: not a whole gzip file ({error}); copy or export it again") from None
    except OSError as error:
        raise ImportFault(f"{path}: cannot be read ({error.strerror})") from None
