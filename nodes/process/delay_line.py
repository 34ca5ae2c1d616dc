"""The scenario's network in a real run: what the receiving side of the bus adds to the machine's own, and the line up.

The hub is real there, and so is its queue. Latency, loss, repetition, order, the line down and partitions are applied
where a message arrives; the line up where it leaves. Each message has a due time of its own, so a delay bounds nobody's
rate. Times are kept to about a millisecond, as the event loop keeps its timers.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable, Sequence
from heapq import heappop, heappush

from consortium.core.membership import NodeId
from consortium.node.way import Source, publisher_of
from consortium.scenario.network.model import NetworkModel
from consortium.scenario.network.pipe import Pipe
from consortium.scenario.scenario import Line, Link, Network

HELD_BYTES_MAX = 24_000_000  # on their way from one sender; what comes on top is lost
EARLY_US = 100  # what is due so soon is due now: a timer would be late


class _Later:
    """Acts at their times, in the order of times, then of asking; one timer of the loop for all."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Callable[[int], None]]] = []
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None
        self._armed_us = 0

    @staticmethod
    def now_us() -> int:
        return time.monotonic_ns() // 1_000  # the loop's own time is cached, and in milliseconds with uvloop

    def at(self, time_us: int, act: Callable[[int], None]) -> None:
        """`act` is given the time that it was asked for."""
        self._count += 1
        heappush(self._heap, (time_us, self._count, act))
        self._arm()

    def _arm(self) -> None:
        if not self._heap:
            return
        due_us = self._heap[0][0]
        if self._timer is not None:
            if self._armed_us <= due_us:
                return
            self._timer.cancel()
        self._armed_us = due_us
        wait_us = max(0, due_us - self.now_us())
        self._timer = asyncio.get_running_loop().call_later(wait_us / 1e6, self._run)

    def _run(self) -> None:
        self._timer = None
        while self._heap and self._heap[0][0] <= self.now_us() + EARLY_US:
            due_us, _, act = heappop(self._heap)
            act(due_us)
        self._arm()


class DelayLine:
    """Delays, loses and repeats payloads by the scenario's link model, sends them through this member's line down, and
    cuts off members for a partition."""

    def __init__(self, me: NodeId, model: NetworkModel | None, deliver: Callable[[Source, list[bytes]], None]) -> None:
        self._me = me
        self._model = model
        self._deliver = deliver
        self._changed: NetworkModel | None = None  # by faults, while there are such
        self._later = _Later()
        self._began_us: int | None = None
        line = (model.line(me) if model is not None else None) or Line()
        self._pipe = Pipe(line.down_bits_per_s, line.queue_bytes)
        self._held_bytes: dict[NodeId, int] = {}  # on their way, by sender
        self.cut: frozenset[NodeId] = frozenset()

    def begin(self, monotonic_us: int) -> None:
        """When the run began, on the clock of the loop: the changes of the scenario's network count from there."""
        self._began_us = monotonic_us

    def change(self, changes: Sequence[tuple[list[str], dict[str, int | str]]]) -> None:
        """Faults of links from now on: patterns, and fields of `Link`; none: as the scenario says."""
        self._changed = None
        if self._model is not None:
            self._model.calm()
        if changes:
            self._changed = self._model or NetworkModel(Network(default=Link(mean_us=0)), zlib.crc32(self._me.encode()))
            for patterns, fields in changes:
                self._changed.change(patterns, fields)

    def arrive(self, source: Source, frames: list[bytes]) -> None:
        if self.cut and publisher_of(source) in self.cut:
            return
        model = self._changed or self._model
        if model is None:
            self._deliver(source, frames)
            return
        sender = publisher_of(source)
        now_us = self._later.now_us()
        if self._began_us is not None:
            model.turn_to(max(0, now_us - self._began_us))
        size_bytes = sum(map(len, frames))
        arrivals_us = model.link(sender, self._me).arrivals_us(now_us + model.to_hub_us(sender))
        for arrival_us in arrivals_us:
            held_bytes = self._held_bytes.get(sender, 0)
            if held_bytes and held_bytes + size_bytes > HELD_BYTES_MAX:
                return
            self._held_bytes[sender] = held_bytes + size_bytes
            self._later.at(arrival_us, lambda due_us: self._reach_line(due_us, source, frames, size_bytes))

    def _reach_line(self, due_us: int, source: Source, frames: list[bytes], size_bytes: int) -> None:
        through_us = self._pipe.leaves_us(due_us, size_bytes)
        if through_us is None:
            self._held_bytes[publisher_of(source)] -= size_bytes
        else:
            self._at(through_us, lambda _: self._leave(source, frames, size_bytes))

    def _leave(self, source: Source, frames: list[bytes], size_bytes: int) -> None:
        self._held_bytes[publisher_of(source)] -= size_bytes
        self._deliver(source, frames)

    def _at(self, time_us: int, act: Callable[[int], None]) -> None:
        if time_us <= self._later.now_us() + EARLY_US:
            act(time_us)
        else:
            self._later.at(time_us, act)


class UpLine:
    """This member's line up, in front of the bus: `publish(to, frames)` waits until the last bit would be through."""

    def __init__(
        self, me: NodeId, model: NetworkModel | None, publish: Callable[[NodeId | None, Sequence[bytes]], None]
    ) -> None:
        line = (model.line(me) if model is not None else None) or Line()
        self._publish = publish
        self._later = _Later()
        self._pipe = Pipe(line.up_bits_per_s, line.queue_bytes)
        self._is_bounded = line.up_bits_per_s > 0

    def publish(self, to: NodeId | None, frames: Sequence[bytes]) -> None:
        if not self._is_bounded:
            self._publish(to, frames)
            return
        through_us = self._pipe.leaves_us(self._later.now_us(), sum(map(len, frames)))
        if through_us is not None:
            self._later.at(through_us, lambda _: self._publish(to, frames))
