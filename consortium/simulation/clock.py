"""Virtual time: a heap of what is still to come, and the clocks of single nodes, which may be wrong.

Ties in the heap are broken by a counter, so order never depends on chance.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, NamedTuple

from consortium.core.machine import Now

PPM = 1_000_000


class Due(NamedTuple):
    """Something that the driver itself does when its time has come: the network's, a core's."""

    act: Callable[[], None]


class Clock:
    """`now_us` counts from 0; `wall_origin_us` is what wall clocks showed then."""

    def __init__(self, wall_origin_us: int) -> None:
        self.now_us = 0
        self.order = 0  # of what comes now, among all that comes at this time
        self.wall_origin_us = wall_origin_us
        self.heap: list[tuple[int, int, Any]] = []
        self._counter = 0

    def push(self, delay_us: int, item: Any) -> None:
        assert delay_us >= 0
        self._counter += 1
        heappush(self.heap, (self.now_us + delay_us, self._counter, item))

    def reserve(self, count: int) -> int:
        """So many places in the order of pushing; what is pushed into them later comes as if it were pushed now. The
        first one."""
        first = self._counter + 1
        self._counter += count
        return first

    def push_at(self, at_us: int, place: int, item: Any) -> None:
        """Into a place that was reserved."""
        heappush(self.heap, (at_us, place, item))

    def pop(self) -> Any | None:
        """The next item; time moves on to it. None when nothing is to come."""
        if not self.heap:
            return None
        self.now_us, self.order, item = heappop(self.heap)
        return item

    def next_us(self) -> int | None:
        return self.heap[0][0] if self.heap else None


class _Hand:
    """One clock of one node: true time until it is bent, then piecewise linear."""

    __slots__ = ("_at_us", "_shown_us", "ppm")

    def __init__(self, shown_us: int) -> None:
        self._at_us = 0
        self._shown_us = shown_us
        self.ppm = 0

    def shows_us(self, true_us: int) -> int:
        passed_us = true_us - self._at_us
        return self._shown_us + passed_us + passed_us * self.ppm // PPM

    def bend(self, true_us: int, jump_us: int, ppm: int) -> None:
        self._shown_us = self.shows_us(true_us) + jump_us
        self._at_us = true_us
        self.ppm = ppm


class NodeClock:
    """What one node's clocks show. Timers follow the monotonic one."""

    def __init__(self, wall_origin_us: int) -> None:
        self._wall = _Hand(wall_origin_us)
        self._monotonic = _Hand(0)

    def now(self, true_us: int) -> Now:
        return Now(self._monotonic.shows_us(true_us), self._wall.shows_us(true_us))

    def true_delay_us(self, delay_us: int) -> int:
        """How long a timer of `delay_us` on this node really takes."""
        ppm = self._monotonic.ppm
        return delay_us if ppm == 0 else -(-delay_us * PPM // (PPM + ppm))

    def jump(self, true_us: int, wall_us: int, monotonic_us: int) -> None:
        """A monotonic clock only ever jumps forward (a machine that slept)."""
        assert monotonic_us >= 0
        self._wall.bend(true_us, wall_us, self._wall.ppm)
        self._monotonic.bend(true_us, monotonic_us, self._monotonic.ppm)

    def drift(self, true_us: int, wall_ppm: int, monotonic_ppm: int) -> None:
        """From now on the clocks gain so many microseconds a second (lose, where negative)."""
        self._wall.bend(true_us, 0, wall_ppm)
        self._monotonic.bend(true_us, 0, monotonic_ppm)
