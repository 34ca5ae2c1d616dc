"""Poisson arrivals: independent of one another, with exponential times between two of them."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

from consortium.scenario.arrivals.process import Arrivals, Pace
from consortium.scenario.streams import Stream


def poisson(interval_us: float, stream: Stream) -> Iterator[float]:
    """When they come, in microseconds, with this mean between two."""
    at_us = 0.0
    while True:
        at_us -= interval_us * log(stream.uniform())
        yield at_us


def _times(pace: Pace, stream: Stream) -> Iterator[int]:
    return map(round, poisson(pace.interval_us, stream))


ARRIVALS = Arrivals("poisson", "independent arrivals: the times between two are exponential", _times)
