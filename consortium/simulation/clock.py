"""Virtual time: a heap of what is still to come. Ties are broken by a counter, so order never depends on chance."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Any


class Clock:
    """`now_us` counts from 0; `wall_origin_us` is what wall clocks showed then."""

    def __init__(self, wall_origin_us: int) -> None:
        self.now_us = 0
        self.wall_origin_us = wall_origin_us
        self._heap: list[tuple[int, int, Any]] = []
        self._counter = 0

    def push(self, delay_us: int, item: Any) -> None:
        assert delay_us >= 0
        self._counter += 1
        heappush(self._heap, (self.now_us + delay_us, self._counter, item))

    def pop(self) -> Any | None:
        """The next item; time moves on to it. None when nothing is to come."""
        if not self._heap:
            return None
        self.now_us, _, item = heappop(self._heap)
        return item

    def next_us(self) -> int | None:
        return self._heap[0][0] if self._heap else None
