"""Bursts: Poisson arrivals for `on_us`, then none for `off_us`, again and again. All members burst together.

The rate is the mean over bursts and silences, so within a burst it is higher by the share of time that is silent.
"""

from __future__ import annotations

from collections.abc import Iterator

from consortium.scenario.arrivals.options import LoadOptions
from consortium.scenario.arrivals.poisson import poisson
from consortium.scenario.arrivals.process import Arrivals, Pace
from consortium.scenario.streams import Stream


def _times(pace: Pace, stream: Stream) -> Iterator[int]:
    on_us, cycle_us = pace.options.on_us, pace.options.on_us + pace.options.off_us
    for busy_us in poisson(pace.interval_us * on_us / cycle_us, stream):  # time within bursts alone
        bursts, within_us = divmod(busy_us, on_us)
        yield round(bursts * cycle_us + within_us)


def _explain(options: LoadOptions) -> str | None:
    if options.on_us < 1 or options.off_us < 1:
        return "bursty arrivals need on_us and off_us of 1 or more: how long a burst lasts, and a silence"
    return None


ARRIVALS = Arrivals(
    "bursty", "Poisson arrivals for on_us, then none for off_us, again and again", _times, ("on_us", "off_us"), _explain
)
