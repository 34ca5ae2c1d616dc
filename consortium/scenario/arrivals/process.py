"""What a process of arrivals is: each lies in a file of its own that offers one value `ARRIVALS`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from consortium.scenario.arrivals.options import LoadOptions
from consortium.scenario.streams import Stream


def _nothing(options: LoadOptions) -> str | None:
    return None


class Pace(NamedTuple):
    """What a process goes by. `interval_us`: between two bundles in the mean. `begins`: which part of such an interval
    has passed when the run begins, from 0 to 1; members that keep a beat of their own do not beat together."""

    interval_us: float
    begins: float
    options: LoadOptions


class Arrivals(NamedTuple):
    """`times(pace, stream)`: when bundles are due, in microseconds since the run began, ascending and without end.
    `fields`: the options that it takes beside the pace, and that mean nothing to others. `explain(options)`: why these
    cannot be meant, in a sentence; None: they can."""

    name: str
    sentence: str
    times: Callable[[Pace, Stream], Iterator[int]]
    fields: tuple[str, ...] = ()
    explain: Callable[[LoadOptions], str | None] = _nothing
