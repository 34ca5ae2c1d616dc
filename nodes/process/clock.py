"""What the clocks of one node show: those of the machine, and what faults of the scenario have bent them by."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from consortium.core.machine import Now

PPM = 1_000_000


class Bend(NamedTuple):
    """At `at_us` of the machine's monotonic clock this node's clocks jump by so much, and gain so much from then on."""

    at_us: int
    wall_us: int
    monotonic_us: int
    wall_ppm: int
    monotonic_ppm: int


def now() -> Now:
    """Of the machine."""
    return Now(time.monotonic_ns() // 1_000, time.time_ns() // 1_000)


class NodeClock:
    """`bend` is given all bends so far, oldest first, also again: after a restart the clocks are as they were."""

    def __init__(self) -> None:
        self._bends: tuple[Bend, ...] = ()

    def bend(self, bends: Sequence[Sequence[int]]) -> None:
        self._bends = tuple(Bend(*each) for each in bends)

    def now(self) -> Now:
        return self.shown(now()) if self._bends else now()

    def shown(self, true: Now) -> Now:
        """What this node's clocks show when those of the machine show `true`."""
        wall_us, monotonic_us = true.wall_us, true.monotonic_us
        for index, each in enumerate(self._bends):
            last = index + 1 == len(self._bends)
            passed_us = (true.monotonic_us if last else self._bends[index + 1].at_us) - each.at_us
            wall_us += each.wall_us + passed_us * each.wall_ppm // PPM
            monotonic_us += each.monotonic_us + passed_us * each.monotonic_ppm // PPM
        return Now(monotonic_us, wall_us)

    def true_delay_us(self, delay_us: int) -> int:
        """How long a timer of `delay_us` on this node really takes."""
        ppm = self._bends[-1].monotonic_ppm if self._bends else 0
        return delay_us if ppm == 0 else -(-delay_us * PPM // (PPM + ppm))
