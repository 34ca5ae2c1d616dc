"""Frames that have arrived and are not yet handled, bounded; and the applied network model before them."""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from consortium.core.membership import NodeId
from consortium.scenario.network import NetworkModel
from consortium.scenario.scenario import Link, Network

FRAMES_MAX = 50_000
BYTES_MAX = 128_000_000

_log = logging.getLogger("bus")


class Inbox:
    """First in, first out. When full the oldest go: the newest say more, and whoever misses one is told again."""

    def __init__(self, frames_max: int = FRAMES_MAX, bytes_max: int = BYTES_MAX) -> None:
        self._frames: deque[bytes] = deque()
        self._frames_max = frames_max
        self._bytes_max = bytes_max
        self.bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frames: Iterable[bytes]) -> None:
        for frame in frames:
            self._frames.append(frame)
            self.bytes += len(frame)
        while len(self._frames) > self._frames_max or self.bytes > self._bytes_max:
            self.bytes -= len(self._frames.popleft())
            self.dropped += 1
            if self.dropped & (self.dropped - 1) == 0:
                _log.warning("this node is too slow for what arrives: %d frames dropped so far", self.dropped)

    def take(self) -> bytes:
        frame = self._frames.popleft()
        self.bytes -= len(frame)
        return frame


class DelayLine:
    """Delays, loses and repeats payloads by the scenario's link model, and cuts off members for a partition.

    Every payload waits on its own, so that a delay bounds nobody's rate."""

    def __init__(self, me: NodeId, model: NetworkModel | None, deliver: Callable[[list[bytes]], None]) -> None:
        self._me = me
        self._model = model
        self._deliver = deliver
        self._changed: NetworkModel | None = None  # by faults, while there are such
        self.cut: frozenset[NodeId] = frozenset()

    def change(self, changes: Sequence[tuple[list[str], dict[str, int | str]]]) -> None:
        """Faults of links from now on: patterns, and fields of `Link`; none: as the scenario says."""
        self._changed = None
        if self._model is not None:
            self._model.calm()
        if changes:
            self._changed = self._model or NetworkModel(Network(default=Link(mean_us=0)), zlib.crc32(self._me.encode()))
            for patterns, fields in changes:
                self._changed.change(patterns, fields)

    def arrive(self, sender: NodeId, frames: list[bytes]) -> None:
        if sender in self.cut:
            return
        model = self._changed or self._model
        if model is None:
            self._deliver(frames)
            return
        loop = asyncio.get_running_loop()
        for delay_us in model.link(sender, self._me).delays_us():
            loop.call_later(delay_us / 1e6, self._deliver, frames)
