"""The cores of a machine in virtual time: work waits for a free one, and holds it for a slice at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from consortium.simulation.clock import Clock, Due

SLICE_NS = 1_000_000  # then those who wait have their turn

Done = Callable[[], None]


class Cores:
    """First come, first served, in slices, so that long work keeps short work waiting no longer than it would on a
    real machine. Costs are whole nanoseconds; what is less than a microsecond is owed, not lost."""

    def __init__(self, clock: Clock, count: int) -> None:
        assert count >= 1
        self._clock = clock
        self._free = count
        self._waiting: deque[tuple[int, Done]] = deque()
        self._owed_ns = 0
        self.spent_ns = 0

    def take(self, cost_ns: int, done: Done) -> None:
        """`done` is called when this work has had its time."""
        self._waiting.append((cost_ns, done))
        self._begin()

    def _begin(self) -> None:
        while self._free and self._waiting:
            self._free -= 1
            self._run(*self._waiting.popleft())

    def _run(self, cost_ns: int, done: Done) -> None:
        now_ns = min(cost_ns, SLICE_NS)
        self.spent_ns += now_ns
        whole_us, self._owed_ns = divmod(self._owed_ns + now_ns, 1_000)

        def end() -> None:
            self._free += 1
            if cost_ns > now_ns:
                self._waiting.append((cost_ns - now_ns, done))
                self._begin()
            else:
                self._begin()
                done()

        self._clock.push(whole_us, Due(end))
