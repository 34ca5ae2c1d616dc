"""A run that is over, or a trace alone: read once, from the start of the server on, in a thread of its own."""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from consortium.core.quorum import faults_max, quorum_size
from consortium.runs.folder import node_traces
from consortium.runs.trace import TraceError, TraceReader
from consortium.runs.trace_parts import closed_parts
from nodes.page.facts import FORMAT, Facts
from nodes.page.ledgers import Ledgers
from nodes.page.pack import Packed, Packer


class RunSource:
    """See `PageSource`. `facts`: None of a trace alone. Raises TraceError where there is no trace."""

    def __init__(self, place: Path, facts: Facts | None) -> None:
        self.place = place
        self.facts = facts
        self.ledgers: Ledgers | None = None if facts is None else Ledgers(facts, is_live=False)
        self._traces = [place] if facts is None else _traces(place)
        check_begins(self._traces, place)
        self._thread = ThreadPoolExecutor(1, "trace")
        self._packed: Future[Packed] = self._thread.submit(self._read)

    def _read(self) -> Packed:
        packed = Packed(Packer(None if self.facts is None else self.facts.members))
        for path in self._traces:
            packed.add_file(path)
        packed.finish()
        return packed

    @property
    def packed(self) -> Packed:
        """Waits until it was read. Raises TraceError."""
        return self._packed.result()

    def about(self) -> dict[str, Any]:
        packed = self.packed
        told = _about_trace(self.place, packed) if self.facts is None else self.facts.about("run")
        return told | {
            "on": _first(packed, "run").get("on", ""),
            "end_us": packed.end_us,
            "kinds": list(packed.packer.kinds),
            "records": len(packed),
            "sampled": 1,
        }

    def records(self, upto: str = "") -> Iterator[bytes]:
        return self.packed.chunks()

    def trace(self) -> Iterator[dict[str, Any]] | None:
        return heapq.merge(*map(TraceReader, self._traces), key=lambda record: record["t_us"])

    def follow(self, cursor: str) -> AsyncIterator[bytes] | None:
        return None

    def stop(self) -> None:
        """Nobody follows."""

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        if self.ledgers is not None:
            self.ledgers.close()


def check_begins(traces: Iterable[Path], place: Path) -> None:
    """Raises TraceError where what comes first is no record, or nothing comes: before anybody is shown an address."""
    firsts = [next(iter(TraceReader(path)), None) for path in traces]
    if not any(firsts):
        raise TraceError(f"{place} holds no record: nothing happened in it that could be shown")


def _traces(folder: Path) -> list[Path]:
    whole = folder / "trace.jsonl"
    found = [whole] if whole.is_file() else [part for path in node_traces(folder) for part in _parts(path)]
    if not found:
        raise TraceError(f"{folder} has no trace yet (trace.jsonl): wait until the run has ended, or run it again")
    return found


def _parts(path: Path) -> list[Path]:
    return [*closed_parts(path).values(), *([path] if path.is_file() else [])]


def _about_trace(path: Path, packed: Packed) -> dict[str, Any]:
    """Who takes part is who wrote a record."""
    names = list(packed.packer.nodes)[1:]
    run = _first(packed, "run")
    n, f = len(names), faults_max(len(names)) if names else 0
    return {
        "format": FORMAT,
        "name": path.name,
        "source": "trace",
        "scenario": str(run.get("scenario", "")),
        "question": "",
        "seed": run.get("seed", 0),
        "protocol": "",
        "origin_us": 0,
        "offset_minutes": 0,
        "n": n,
        "f": f,
        "quorum": quorum_size(n) if n else 0,
        "members": [{"name": name, "role": "", "validator": True} for name in names],
        "epochs": [{"number": 0, "first_height": 0, "validators": names}],
        "eyes": [],
    }


def _first(packed: Packed, kind: str) -> dict[str, Any]:
    """What the first record of this kind says besides."""
    number = packed.packer.kinds.get(kind)
    if number is None:
        return {}
    said = packed.said(packed.kinds.index(number))
    return msgspec.json.decode(said, type=dict[str, Any]) if said else {}
