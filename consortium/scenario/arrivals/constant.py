"""Arrivals at a constant rate: a bundle after each interval, with a rest after so many of them where that is asked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from consortium.scenario.arrivals.options import CONSTANT, LoadOptions
from consortium.scenario.arrivals.process import Arrivals, Pace
from consortium.scenario.streams import Stream


def _times(pace: Pace, stream: Stream) -> Iterator[int]:
    rest_every = pace.options.rest_every
    longer_us = pace.options.rest_us - pace.interval_us if rest_every else 0.0
    for index in count():
        rests = index // rest_every if rest_every else 0
        yield round((index + pace.begins) * pace.interval_us + rests * longer_us)


def _explain(options: LoadOptions) -> str | None:
    if options.rest_us and not options.rest_every:
        return "rest_us is how long a load rests; say with rest_every after how many bundles"
    return None


ARRIVALS = Arrivals(
    CONSTANT,
    "one bundle after another at equal intervals; members take turns, so that no two begin together",
    _times,
    ("rest_every", "rest_us"),
    _explain,
)
