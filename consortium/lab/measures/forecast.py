"""What comes next, out of what was, with an interval that says how sure that is.

Of a series of equal periods, without a trend that is asked for, the sum of the next `ahead` periods is forecast as
`ahead` times their mean. The interval is the one of prediction under independent normal periods: with n periods of
deviation s the sum of the next h lies within t(n−1) · s · √(h + h²/n), in 95 of 100 cases. The second term is what the
mean itself is unsure of. It is stated and tested; a season within the year makes s large and the interval wide, which
is what one year of data can honestly say.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, sqrt
from typing import NamedTuple

from consortium.lab.measures.confidence import student

PERIODS_MIN = 3


class Forecast(NamedTuple):
    """Of the sum of the next periods; in the unit of the series."""

    expected: float
    low: float
    high: float


def forecast_sum(periods: Sequence[float], ahead: int) -> Forecast | None:
    """None where fewer than `PERIODS_MIN` periods are known: two values say nothing of how they vary."""
    count = len(periods)
    if count < PERIODS_MIN or ahead < 1:
        return None
    mean = fsum(periods) / count
    deviation = sqrt(fsum((value - mean) ** 2 for value in periods) / (count - 1))
    half = student(count - 1) * deviation * sqrt(ahead + ahead * ahead / count)
    return Forecast(ahead * mean, ahead * mean - half, ahead * mean + half)
