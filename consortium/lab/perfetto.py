"""A run as a file for profilers of traces (Perfetto, chrome://tracing), in the trace event format of Chrome.

A process for each member; in it a slice for each height, from when it was proposed or first heard of to its execution,
with slices for its phases inside; changes of view and other rare notes as instants, waiting transactions as a counter.
What the driver does (faults) is an instant over everything. Times are microseconds since the run began.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from consortium.runs.trace import Record

DRIVER = 0
EVENTS_A_PIECE = 1_000
PHASES = {"prepared": "prepare", "committed": "commit", "executed": "execute"}  # each ends with its note
INSTANTS = (
    "booted",
    "exited",
    "view_change",
    "new_view",
    "suspect",
    "catching_up",
    "caught_up",
    "sealed",
    "finding",
    "epoch",
    "convicted",
)
HIDDEN = {"t_us", "node", "kind"}


class Slice(NamedTuple):
    """A height as a member works at it: when the phase under way began."""

    begun_us: int
    phase_us: int


def perfetto_chunks(records: Iterable[Record], members: Iterable[str]) -> Iterator[bytes]:
    """The file, piece by piece: one event a line. `records` in order of time; members that none of them names are
    there, too."""
    events = _events(records, list(members))
    before = b'{"displayTimeUnit":"ms","traceEvents":[\n'
    while lines := [msgspec.json.encode(event) for event in islice(events, EVENTS_A_PIECE)]:
        yield before + b",\n".join(lines)
        before = b",\n"
    yield b"\n]}\n"


def _events(records: Iterable[Record], members: list[str]) -> Iterator[dict[str, Any]]:
    tracks = _Tracks()
    yield from tracks.named("", "the driver")
    for member in members:
        yield from tracks.named(member, member)
    for record in records:
        node = str(record["node"])
        if node not in tracks.pids:
            yield from tracks.named(node, node)
        yield from tracks.events_of(record, tracks.pids[node])


class _Tracks:
    def __init__(self) -> None:
        self.pids: dict[str, int] = {}
        self._proposed_us: dict[int, int] = {}
        self._open: dict[tuple[int, int], Slice] = {}

    def named(self, node: str, told: str) -> Iterator[dict[str, Any]]:
        pid = self.pids[node] = len(self.pids)
        yield {"ph": "M", "pid": pid, "tid": 0, "name": "process_name", "args": {"name": told}}
        yield {"ph": "M", "pid": pid, "tid": 0, "name": "process_sort_index", "args": {"sort_index": pid}}

    def events_of(self, record: Record, pid: int) -> Iterator[dict[str, Any]]:
        kind, t_us = record["kind"], record["t_us"]
        if kind == "proposed":
            self._proposed_us.setdefault(record["height"], t_us)
        elif kind in PHASES:
            yield from self._phase(record, pid)
        elif kind == "queues":
            args = {name: value for name, value in record.items() if name in ("pool", "outbox", "inbox")}
            yield {"ph": "C", "pid": pid, "tid": 0, "ts": t_us, "name": "waiting", "args": args}
        elif pid == DRIVER or kind in INSTANTS:
            args = {name: value for name, value in record.items() if name not in HIDDEN}
            scope = "g" if pid == DRIVER else "p"
            yield {"ph": "i", "s": scope, "pid": pid, "tid": 0, "ts": t_us, "name": _name(record), "args": args}

    def _phase(self, record: Record, pid: int) -> Iterator[dict[str, Any]]:
        kind, t_us, height = record["kind"], record["t_us"], record["height"]
        where = {"cat": "height", "id": f"{pid}/{height}", "pid": pid, "tid": 0}
        found = self._open.get((pid, height))
        if found is None:
            begun_us = min(self._proposed_us.get(height, t_us), t_us)
            found = Slice(begun_us, begun_us)
            yield {"ph": "b", "ts": begun_us, "name": f"block {height}", **where}
        yield {"ph": "b", "ts": found.phase_us, "name": PHASES[kind], **where}
        yield {"ph": "e", "ts": t_us, "name": PHASES[kind], **where}
        self._open[pid, height] = Slice(found.begun_us, t_us)
        if kind == "executed":
            del self._open[pid, height]
            args = {name: value for name, value in record.items() if name in ("transactions", "ok", "refused")}
            yield {"ph": "e", "ts": t_us, "name": f"block {height}", "args": args, **where}


def _name(record: Record) -> str:
    act = record.get("act")
    return f"{record['kind']}: {act} {record.get('target', '')}".strip() if act else str(record["kind"])
