"""Which part of a run's beginning is warm-up: found by a rule, MSER-5, never by hand.

White, *An effective truncation heuristic for bias reduction in simulation output*, Simulation 69(6), 1997, and White,
Cobb & Spratt, WSC 2000. The latencies of bundles, in the order of their execution, are averaged in batches of 5. For
each d the mean squared error of the mean of what is left without the first d of k batches is estimated as
`sum((batch - mean)²) / (k - d)²`; the d ≤ k/2 that makes it smallest is the warm-up. A minimum at that bound says that
the series never became steady.

How we deviate: we do not look at what comes after the first fault of the scenario, so that a fault is never mistaken
for warm-up. What begins before the first bundle is executed is a condition of the run, not an event.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from consortium.lab.measures.bundles import Bundle
from consortium.runs.records import Records
from consortium.runs.trace import Record

BATCH = 5
BATCHES_MIN = 10


class WarmUp(NamedTuple):
    """`verdict`: `cut` (the first `bundles` bundles, up to `end_us`), `nothing to cut`, `too few bundles` or
    `not steady`; with the last two there are no steady figures."""

    verdict: str
    end_us: int  # what happened at or before this is warm-up; -1 where nothing is
    bundles: int

    @property
    def is_judged(self) -> bool:
        return self.verdict in ("cut", "nothing to cut")


def find_warm_up(bundles: Sequence[Bundle], trace: Sequence[Record]) -> WarmUp:
    """`bundles` in the order of their execution."""
    end_us = _first_fault_us(trace, bundles[0].executed_us) if bundles else None
    series = [bundle.latency_us for bundle in bundles if end_us is None or bundle.executed_us < end_us]
    batches = [sum(series[at : at + BATCH]) for at in range(0, len(series) - BATCH + 1, BATCH)]
    if len(batches) < BATCHES_MIN:
        return WarmUp("too few bundles", -1, 0)
    cut = truncation_point(batches)
    if cut == len(batches) // 2:
        return WarmUp("not steady", -1, 0)
    if cut == 0:
        return WarmUp("nothing to cut", -1, 0)
    return WarmUp("cut", bundles[cut * BATCH - 1].executed_us, cut * BATCH)


def truncation_point(batches: Sequence[int]) -> int:
    """The d ≤ k/2 that makes MSER smallest, the least of equals. Exact: integers."""
    count = len(batches)
    best: tuple[int, int, int] | None = None  # numerator, denominator, d
    total = squares = 0
    for d in range(count - 1, -1, -1):
        total += batches[d]
        squares += batches[d] * batches[d]
        left = count - d
        if 2 * d > count:
            continue
        numerator, denominator = squares * left - total * total, left * left * left
        if best is None or numerator * best[1] <= best[0] * denominator:
            best = (numerator, denominator, d)
    return best[2] if best is not None else 0


def _first_fault_us(trace: Sequence[Record], begun_us: int) -> int | None:
    return next((r["t_us"] for r in Records.of(trace).of_kind("fault") if r["t_us"] > begun_us), None)
