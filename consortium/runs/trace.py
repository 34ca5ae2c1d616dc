"""Traces: what happened in a run, one JSON object a line, `{"t_us", "node", "kind", …}`.

`t_us` is microseconds since the run began, virtual or real. Checks, measures, reports and pictures read traces and
ledgers, and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import heapq
from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import shorten
from typing import IO, Any

import msgspec

from consortium.core.errors import UserError
from consortium.runs.trace_parts import has_trace, open_parts

Record = dict[str, Any]

_ENCODER = msgspec.json.Encoder(order="sorted")
_DECODER = msgspec.json.Decoder(dict[str, Any])


class TraceError(UserError, ValueError):
    """A trace file that is not one; the sentence names file and line."""


def encode_record(record: Record) -> bytes:
    """One canonical line: keys in order, no spaces, a line feed at its end."""
    return _ENCODER.encode(record) + b"\n"


def decode_record(line: bytes) -> Record:
    """Raises ValueError unless the line is an object with `t_us`, `node` and `kind`."""
    try:
        record = _DECODER.decode(line)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from None
    if (
        type(record.get("t_us")) is not int
        or type(record.get("node")) is not str
        or type(record.get("kind")) is not str
    ):
        raise ValueError("a record needs t_us (an integer), node and kind")
    return record


class TraceReader:
    """Streams the records of a trace, all its parts in order (`trace_parts`). After the last one, `torn` counts a last
    line that was cut off (0 or 1).

    A process that was killed may leave such a line; anything else unreadable raises `TraceError`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.torn = 0

    def __iter__(self) -> Iterator[Record]:
        self.torn = 0
        with contextlib.ExitStack() as opened:
            files = [opened.enter_context(file) for file in open_parts(self.path)]
            for file in files:
                yield from self._read(file, is_newest=file is files[-1])

    def _read(self, file: IO[bytes], *, is_newest: bool) -> Iterator[Record]:
        for number, line in enumerate(file, start=1):
            if is_newest and not line.endswith(b"\n"):
                self.torn = 1
                return
            try:
                yield decode_record(line)
            except ValueError as error:
                raise TraceError(f"{file.name}, line {number}: {error}") from None


def read_trace(path: Path) -> list[Record]:
    """All whole records of a file. Raises TraceError, also where there is no such file."""
    if not has_trace(path):
        raise TraceError(f"{path}: there is no such trace")
    return list(TraceReader(path))


def write_trace(path: Path, trace: Iterable[Record]) -> int:
    """Write canonical lines; how many. Raises OSError where the disk refuses, and then leaves what was there before."""
    count = 0
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            for record in trace:
                file.write(encode_record(record))
                count += 1
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    return count


def merge_traces(traces: Iterable[Iterable[Record]]) -> Iterator[Record]:
    """One trace in order of time out of several that are; at equal times in order of the traces given."""
    return heapq.merge(*traces, key=_time)


def _time(record: Record) -> int:
    time_us: int = record["t_us"]
    return time_us


def fingerprint(trace: Iterable[Record]) -> str:
    """SHA-256 over the canonical lines, in hexadecimal: equal fingerprints mean equal traces."""
    digest = hashlib.sha256()
    for record in trace:
        digest.update(encode_record(record))
    return digest.hexdigest()


def waited_us(record: Record) -> int:
    """How long the bundle of a record `included` took, counted from when it was due."""
    return int(record["latency_us"] + record.get("late_us", 0))


def count_refused(record: Record) -> int:
    """How many refusals a record `rejected` or `shut_out` stands for: a node notes a few a second of each publisher
    one by one, and counts the others."""
    return 1 + int(record.get("more", 0)) if record["kind"] == "rejected" else int(record["more"])


def reject_reason(record: Record) -> str:
    """Of a record `rejected`, without the numbers and names that differ from case to case: `Commit: equivocation`."""
    why = str(record["why"]).partition(" - at ")[0]
    words = ["…" if word[0] in "'\"" or any(letter.isdigit() for letter in word) else word for word in why.split()]
    return f"{record.get('message', 'frame')}: {shorten(' '.join(words), 60, placeholder=' …')}"
