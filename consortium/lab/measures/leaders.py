"""Figures of leader changes: how many, how often asked for, and how long each cost service."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from consortium.lab.measures import series
from consortium.lab.measures.catalogue import Figure, Measure
from consortium.lab.measures.distributions import Distributions
from consortium.runs.records import Records
from consortium.runs.trace import Record
from consortium.scenario.faults import find_act

_RECOVERY = "from what cost a leader its place (a fault, or the first doubt) to the first block under the next"
FIGURES = (
    Figure("view_changes", "1", "views above 0 that at least one node entered"),
    Figure("view_change_votes", "1", "times that a node asked for a new view"),
    Figure("slow_leader_notes", "1", "times that a node noted that a leader took more than half of T for a block"),
    Figure("recovery_max", "s", f"{_RECOVERY}; longest"),
)


def _take(trace: Records, found: Distributions) -> Iterator[tuple[str, float]]:
    spans = series.leader_spans(trace)
    yield "view_changes", len({r["view"] for r in trace.of_kind("new_view") if r["view"] > 0})
    yield "view_change_votes", len(trace.of_kind("view_change"))
    slow = trace.of_kind("slow_leader")
    if slow:
        yield "slow_leader_notes", len(slow)
    recoveries = [end_us - start_us for start_us, end_us in _recoveries(trace, spans)]
    if recoveries:
        yield "recovery_max", max(recoveries) / 1e6


def _recoveries(trace: Records, leaders: Sequence[series.Span]) -> list[tuple[int, int]]:
    """For every leader change that was survived: (its cause, the first block with transactions after it)."""
    executions = [record["t_us"] for record in series.first_executions(trace) if record["transactions"]]
    found = []
    for before, after in pairwise(leaders):
        within = before.start_us, after.start_us
        faults = [r["t_us"] for r in trace.of_kind("fault").between(*within) if _is_silencing(r)]
        doubts = trace.of_kind("view_change").between(*within)
        cause = faults[-1] if faults else min((r["t_us"] for r in doubts), default=after.start_us)
        later = bisect_right(executions, after.start_us)
        if later < len(executions):
            found.append((cause, executions[later]))
    return found


def _is_silencing(record: Record) -> bool:
    act = find_act(record["act"])
    return act is not None and act.is_silencing


MEASURE = Measure("leaders", FIGURES, _take, order=30)
