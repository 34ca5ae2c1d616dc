"""Figures of load: what was asked for, what reached the nodes, what their pools took, what was executed, by one clock.

All four are rates over the same time: of an open load from the first to the last moment at which something was due, of
a closed loop (of which nothing is asked but what is under way) from the first submission to the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from consortium.core.words import ENGLISH, Words, mark
from consortium.lab.measures import series
from consortium.lab.measures.catalogue import Figure, Measure
from consortium.lab.measures.distributions import Distributions
from consortium.lab.measures.measures import Measures
from consortium.runs.records import Records

LATE_US = 50_000  # so long after the last moment that something was due, it still counts as offered in time
SHORT = 0.01  # a load of which this share was not offered fell short

FIGURES = (
    Figure("load_asked", "tx/s", "transactions of the scenario's open load by the time over which they were due"),
    Figure("load_offered", "tx/s", "of them: given to their members' nodes within that time"),
    Figure("load_accepted", "tx/s", "of those: found room in their own node's pool"),
    Figure("load_executed", "tx/s", "transactions executed within that time"),
    Figure("late_max", "s", "the longest that a bundle was given to its node after it was due"),
)


class _Span(NamedTuple):
    """`transactions` of an open load; 0: nothing was asked."""

    from_us: int
    to_us: int
    transactions: int

    def rate(self, transactions: int) -> float:
        return transactions * 1e6 / (self.to_us - self.from_us)


def _span(trace: Records) -> _Span:
    """A member tells of its load whenever it boots."""
    asked = {record["node"]: record for record in trace.of_kind("load")}
    if asked:
        from_us, to_us = (min(r["from_us"] for r in asked.values()), max(r["to_us"] for r in asked.values()))
        return _Span(from_us, to_us, sum(r["transactions"] for r in asked.values()))
    times = [record["t_us"] for record in series.distinct_submissions(trace)]
    return _Span(min(times, default=0), max(times, default=0), 0)


def _take(trace: Records, found: Distributions) -> Iterator[tuple[str, float]]:
    span = _span(trace)
    if span.to_us <= span.from_us:
        return
    submitted = series.distinct_submissions(trace)
    in_time = [record for record in submitted if record["t_us"] <= span.to_us + LATE_US]
    offered = sum(record["transactions"] for record in in_time)
    turned_away = sum(r["transactions"] for r in trace.of_kind("no_room").between(0, span.to_us + LATE_US))
    executed = [r for r in series.first_executions(trace) if r["t_us"] <= span.to_us + LATE_US]
    if span.transactions:
        yield "load_asked", span.rate(span.transactions)
    yield "load_offered", span.rate(offered)
    yield "load_accepted", span.rate(offered - turned_away)
    yield "load_executed", span.rate(sum(record["transactions"] for record in executed))
    late_us = [record["late_us"] for record in submitted if "late_us" in record]
    if span.transactions:
        yield "late_max", max(late_us, default=0) / 1e6


_SHORT = mark("The load fell short: {offered} of {asked} transactions a second were offered ({percent} % fewer)."
              " Latency counts from when they were due.")  # fmt: skip


def fell_short(measures: Measures, words: Words = ENGLISH) -> str:
    """A sentence where less was offered than was asked for; else an empty string."""
    asked, offered = measures.get("load_asked"), measures.get("load_offered")
    if asked is None or offered is None or offered >= (1 - SHORT) * asked:
        return ""
    percent = round(100 * (1 - offered / asked))
    return words(_SHORT, offered=f"{offered:,.1f}", asked=f"{asked:,.1f}", percent=max(1, percent))


MEASURE = Measure("load", FIGURES, _take, order=15)
