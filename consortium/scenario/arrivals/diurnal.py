"""A day: Poisson arrivals whose rate goes up and down by `swing_percent` of its mean in each `period_us`.

The run begins in the middle of the night. Drawn by thinning (Lewis & Shedler 1979): arrivals at the rate of noon, each
of which is kept with the share that its hour has of noon's.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import cos, pi

from consortium.scenario.arrivals.options import LoadOptions
from consortium.scenario.arrivals.poisson import poisson
from consortium.scenario.arrivals.process import Arrivals, Pace
from consortium.scenario.streams import Stream


def _times(pace: Pace, stream: Stream) -> Iterator[int]:
    swing, period_us = pace.options.swing_percent / 100, pace.options.period_us
    for at_us in poisson(pace.interval_us / (1 + swing), stream):
        share = (1 - swing * cos(2 * pi * at_us / period_us)) / (1 + swing)
        if stream.uniform() < share:
            yield round(at_us)


def _explain(options: LoadOptions) -> str | None:
    if options.period_us < 1:
        return "diurnal arrivals need a period_us of 1 or more: how long a day lasts"
    if not 0 <= options.swing_percent <= 100:
        return f"swing_percent={options.swing_percent}: expected 0 to 100 percent of the mean rate"
    return None


ARRIVALS = Arrivals(
    "diurnal",
    "Poisson arrivals whose rate goes up and down within each period_us",
    _times,
    ("period_us", "swing_percent"),
    _explain,
)
