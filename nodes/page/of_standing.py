"""A consortium that stands: what it did lately, and from then on what it does, out of the ends of its traces."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from consortium.core.words import ENGLISH
from consortium.runs.folder import HANDS_FILE
from nodes.deploy.deployment import is_deployment, read_deployment
from nodes.deploy.look import ask_status
from nodes.deploy.lookout import Lookout
from nodes.errors import UserError
from nodes.page.facts import Facts
from nodes.page.ledgers import Ledgers
from nodes.page.pack import Packed, Packer, Row
from nodes.page.sampling import Sampler
from nodes.page.tails import Place, cursor_of, end_of, places_of, read_before, read_on
from nodes.process.settings import NodeFolder

HISTORY_BYTES = 4_000_000  # of each trace, that a page begins with
READ_BYTES = 1_000_000  # of each trace at a time
BATCH_S = 0.1
STATUS_S = 1.0
FOLLOWERS_MAX = 16
HISTORIES_KEPT = 2


class Batch(NamedTuple):
    """Rows as JSON, what was read up to, and whether there is more already."""

    rows: list[bytes]
    kinds: list[str]
    places: list[Place]
    is_behind: bool


class StandingSource:
    """See `PageSource`. `only`: the one member whose trace can be read here; empty: all of them."""

    def __init__(self, facts: Facts, only: str = "") -> None:
        self.facts = facts
        self.ledgers: Ledgers | None = Ledgers(facts, is_live=True)
        names = (only,) if only else facts.members
        self._traces: list[Path] = [NodeFolder(facts.folder, name).trace for name in names]
        self._traces.append(facts.folder / HANDS_FILE)
        self._packer = Packer(facts.members)
        self._lock = threading.Lock()
        self._histories: dict[str, Packed] = {}
        self._status = _Status(facts.folder, only)
        self._followers = 0
        self._is_over = False

    def about(self) -> dict[str, Any]:
        """`cursor`: where the history ends that goes with it."""
        places = [end_of(path) for path in self._traces]
        cursor = cursor_of(places)
        packed = self._history(cursor, places)
        how = read_deployment(self.facts.folder).how if is_deployment(self.facts.folder) else ""
        return self.facts.about("live") | {
            "on": how,
            "end_us": None,
            "kinds": list(self._packer.kinds),
            "records": len(packed),
            "sampled": 1,
            "cursor": cursor,
        }

    def records(self, upto: str = "") -> Iterator[bytes]:
        places = places_of(upto, len(self._traces)) or [end_of(path) for path in self._traces]
        return self._history(cursor_of(places), places).chunks()

    def _history(self, cursor: str, places: list[Place]) -> Packed:
        with self._lock:
            packed = self._histories.pop(cursor, None)
            if packed is None:
                packed = Packed(self._packer)
                for path, place in zip(self._traces, places, strict=True):
                    packed.add(read_before(path, place, HISTORY_BYTES), str(path))
                packed.finish()
            self._histories[cursor] = packed
            while len(self._histories) > HISTORIES_KEPT:
                del self._histories[next(iter(self._histories))]
            return packed

    # --- what comes -------------------------------------------------------------------------------------------------

    def trace(self) -> Iterator[dict[str, Any]] | None:
        return None

    def follow(self, cursor: str) -> AsyncIterator[bytes] | None:
        if self._followers >= FOLLOWERS_MAX:
            raise UserError(f"{FOLLOWERS_MAX} pages follow here already: close one")
        return self._events(cursor)

    async def _events(self, cursor: str) -> AsyncIterator[bytes]:
        self._followers += 1
        sampler, told_k, told_kinds, told_s = Sampler(), 1, 0, 0.0
        try:
            places = places_of(cursor, len(self._traces)) or [end_of(path) for path in self._traces]
            yield b"retry: 1000\n\n"
            while not self._is_over:
                began_s = time.monotonic()
                batch = await asyncio.to_thread(self._read, places, sampler)
                places = batch.places
                if len(batch.kinds) > told_kinds:
                    told_kinds = len(batch.kinds)
                    yield event("kinds", msgspec.json.encode(batch.kinds))
                if sampler.k != told_k:
                    told_k = sampler.k
                    yield event("sampled", b'{"sampled":%d}' % told_k)
                if batch.rows:
                    yield event("records", b"[%b]" % b",".join(batch.rows), cursor_of(places))
                if began_s - told_s >= STATUS_S:
                    told_s = began_s
                    yield event("status", await self._status.told())
                if not batch.is_behind:
                    await asyncio.sleep(max(0.01, BATCH_S - (time.monotonic() - began_s)))
        finally:
            self._followers -= 1

    def _read(self, places: list[Place], sampler: Sampler) -> Batch:
        found: list[tuple[Row, bytes]] = []
        after: list[Place] = []
        is_behind = False
        with self._lock:
            for path, place in zip(self._traces, places, strict=True):
                lines, upto = read_on(path, place, READ_BYTES)
                after.append(upto)
                is_behind = is_behind or len(lines) > READ_BYTES // 2
                found += zip(self._packer.read(lines, str(path)), lines.split(b"\n"), strict=False)
            found.sort(key=lambda pair: pair[0].t_us)
            kept = sampler.choose(row for row, _ in found)
            rows = [self._packer.json_row(row, line) for (row, line), one in zip(found, kept, strict=True) if one]
            return Batch(rows, list(self._packer.kinds), after, is_behind)

    def stop(self) -> None:
        self._is_over = True

    def close(self) -> None:
        """The traces are held open by nobody between two looks."""
        if self.ledgers is not None:
            self.ledgers.close()


class _Status:
    """What nodes say of themselves, asked once a second however many look on."""

    def __init__(self, folder: Path, only: str) -> None:
        self._folder, self._only = folder, only
        self._lookout: Lookout | None = None
        self._told = b"{}"
        self._told_s = -STATUS_S
        self._asking = asyncio.Lock()

    async def told(self) -> bytes:
        async with self._asking:
            if time.monotonic() - self._told_s >= STATUS_S * 0.9:
                self._told = await asyncio.to_thread(self._look)
                self._told_s = time.monotonic()
            return self._told

    def _look(self) -> bytes:
        if self._only:
            return msgspec.json.encode(_own_status(NodeFolder(self._folder, self._only), self._only))
        if self._lookout is None:
            self._lookout = Lookout(self._folder, ENGLISH)
        sight = self._lookout.look()
        return msgspec.json.encode(
            {
                "t_us": time.time_ns() // 1_000 - self._lookout.origin_us,
                "is_up": sight.is_up,
                "leader": sight.leader,
                "members": [each._asdict() for each in sight.members],
                "brokers": sight.brokers,
                "tx_s": sight.tx_s,
                "p50_ms": sight.p50_ms,
                "p99_ms": sight.p99_ms,
            }
        )


def _own_status(node: NodeFolder, name: str) -> dict[str, Any]:
    """Of the one node whose folder is here."""
    told = ask_status(node)
    if told is None:
        return {"is_up": False, "leader": "", "members": [{"name": name, "state": "down"}]}
    names = {"height": "height", "sealed": "stable_height", "view": "view", "bus": "bus"}
    own = {word: told[given] for word, given in names.items()}
    own |= {"name": name, "state": "running", "waiting": sum(told["queues"].values())}
    return {"is_up": True, "leader": told["leader"], "members": [own]}


def event(name: str, data: bytes, identity: str = "") -> bytes:
    """One message of server-sent events; the data is one line."""
    head = f"id: {identity}\n" if identity else ""
    return f"{head}event: {name}\n".encode() + b"data: " + data + b"\n\n"
