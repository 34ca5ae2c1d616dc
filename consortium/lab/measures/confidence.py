"""Mean and confidence interval of a few independent runs: Student's t, two-sided, 95 %.

The seeds of a point are independent replications, so their values (not the transactions inside a run, which hang
together) are the sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, sqrt
from typing import NamedTuple

LEVEL_PERCENT = 95
_NORMAL = 1.959963984540054
_STUDENT = (  # the 0.975 quantile for 1 to 30 degrees of freedom
    12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004, 2.262157, 2.228139,
    2.200985, 2.178813, 2.160369, 2.144787, 2.131450, 2.119905, 2.109816, 2.100922, 2.093024, 2.085963,
    2.079614, 2.073873, 2.068658, 2.063899, 2.059539, 2.055529, 2.051831, 2.048407, 2.045230, 2.042272,
)  # fmt: skip


class Interval(NamedTuple):
    """Of so many `values`. `deviation` (of the sample), `low` and `high` are None where there is one value alone."""

    values: int
    mean: float
    deviation: float | None
    low: float | None
    high: float | None


def student(freedom: int) -> float:
    """The 0.975 quantile of Student's distribution; beyond the table by expansion about the normal one."""
    assert freedom >= 1
    if freedom <= len(_STUDENT):
        return _STUDENT[freedom - 1]
    z = _NORMAL
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3


def interval(values: Sequence[float]) -> Interval:
    """`values` holds at least one."""
    count = len(values)
    mean = fsum(values) / count
    if min(values) == max(values):  # the mean of equals may differ from them in the last bit, and ± 1e-14 is nonsense
        mean = values[0]
    if count == 1:
        return Interval(1, mean, None, None, None)
    deviation = sqrt(fsum((value - mean) ** 2 for value in values) / (count - 1))
    half = student(count - 1) * deviation / sqrt(count)
    return Interval(count, mean, deviation, mean - half, mean + half)
