"""How long a sweep still takes: from what its runs took so far, point by point.

A point that has run costs what its runs took in the mean. Of one that has not, the cost follows from those that have:
so much a transaction, times a power of the number of members that fits them best (least squares of logarithms); with
one size alone the power is assumed to be between 1 and 2, and the forecast says so by its range.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import exp, fsum, log
from typing import NamedTuple

POWERS = (1.0, 2.0)  # of the members, where runs of one size alone are known


class Size(NamedTuple):
    """What a point's cost is guessed from."""

    members: int
    transactions: int


class Forecast:
    """`sizes`: by point."""

    def __init__(self, sizes: Mapping[int, Size]) -> None:
        self._sizes = sizes
        self._took_s: dict[int, list[float]] = {}

    def add(self, point: int, seconds: float) -> None:
        self._took_s.setdefault(point, []).append(max(seconds, 1e-3))

    def left_s(self, points: Iterable[int]) -> tuple[float, float] | None:
        """The least and the most that runs of these points take, one after another; None: nothing is known yet."""
        if not self._took_s:
            return None
        waiting = list(points)
        sums = [fsum(self._cost(point, power) for point in waiting) for power in self._powers()]
        return min(sums), max(sums)

    def _cost(self, point: int, power: float) -> float:
        took = self._took_s.get(point)
        if took:
            return fsum(took) / len(took)
        size = self._sizes[point]
        each = [_unit(self._sizes[known], power, fsum(took) / len(took)) for known, took in self._took_s.items()]
        unit_s = exp(fsum(map(log, each)) / len(each))
        return float(unit_s * max(1, size.transactions) * max(1, size.members) ** power)

    def _powers(self) -> tuple[float, ...]:
        """The power that fits what is known; those of POWERS where all of it has one size."""
        dots = [(log(max(1, self._sizes[point].members)), log(_unit(self._sizes[point], 0.0, fsum(took) / len(took))))
                for point, took in self._took_s.items()]  # fmt: skip
        mean_x, mean_y = fsum(x for x, _ in dots) / len(dots), fsum(y for _, y in dots) / len(dots)
        spread = fsum((x - mean_x) ** 2 for x, _ in dots)
        if spread < 1e-9:
            return POWERS
        return (fsum((x - mean_x) * (y - mean_y) for x, y in dots) / spread,)


def _unit(size: Size, power: float, seconds: float) -> float:
    return float(seconds / max(1, size.transactions) / max(1, size.members) ** power)
