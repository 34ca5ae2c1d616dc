"""Figures of a run, from its trace alone: what each number is, in which unit, and how it was counted."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from consortium.lab import series
from consortium.lab.deaths import leader_deaths
from consortium.lab.trace import Record

PHASES = ("order to prepared", "prepared to committed", "committed to executed", "executed to sealed")
COSTS = ("verify", "hash", "decode", "execute", "state", "store", "bus")
COLUMNS = ("name", "value", "unit", "what")


class Measure(NamedTuple):
    """One figure: a row of measures.csv."""

    name: str
    value: float
    unit: str
    what: str


class Measures:
    """The figures of one trace by name, in a fixed order."""

    def __init__(self, figures: Iterable[Measure]) -> None:
        self.figures: tuple[Measure, ...] = tuple(figures)
        self._by_name: Mapping[str, Measure] = {figure.name: figure for figure in self.figures}

    def __getitem__(self, name: str) -> float:
        return self._by_name[name].value

    def get(self, name: str) -> float | None:
        figure = self._by_name.get(name)
        return None if figure is None else figure.value

    def csv(self) -> str:
        """The columns are COLUMNS; numbers with a point, at most three digits behind it."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for name, value, unit, what in self.figures:
            writer.writerow((name, f"{round(value, 3):.12g}", unit, what))
        return out.getvalue()


def number(value: float, unit: str) -> str:
    """A figure for a person: counts whole, others with three or four significant digits."""
    text = f"{value:,.0f}" if unit == "1" or abs(value) >= 1000 else f"{value:.3g}"
    return text if unit == "1" else f"{text} {unit}"


def measure(trace: Sequence[Record]) -> Measures:
    """All figures of a trace; those that it says nothing of (CPU, say) are left out."""
    figures = [
        *_service_figures(trace),
        *_latency_figures(trace),
        *_phase_figures(trace),
        *_leader_figures(trace),
        *_death_figures(trace),
        *_cost_figures(trace),
    ]
    return Measures(figures)


def _service_figures(trace: Sequence[Record]) -> list[Measure]:
    executions = series.first_executions(trace)
    submissions = series.distinct_submissions(trace)
    transactions = sum(record["transactions"] for record in executions)
    start_us = min((record["t_us"] for record in submissions), default=0)
    busy_us = max((record["t_us"] for record in executions if record["transactions"]), default=start_us) - start_us
    rate = transactions * 1e6 / busy_us if busy_us > 0 else 0.0
    bins = series.throughput(trace, series.bin_width_us(series.duration_us(trace)))
    gaps = series.service_gaps(trace)
    ok = sum(record["ok"] for record in executions)
    return [
        Measure("duration", series.duration_us(trace) / 1e6, "s", "from the start to the last record of the trace"),
        Measure("blocks", len(executions), "1", "heights executed by at least one node"),
        Measure("transactions", transactions, "1", "transactions in those blocks"),
        Measure("transactions_ok", ok, "1", "of them: took effect"),
        Measure("transactions_refused", transactions - ok, "1", "of them: refused with a reason"),
        Measure("bundles_submitted", len(submissions), "1", "distinct signed bundles that members submitted"),
        Measure("throughput", rate, "tx/s", "transactions by the time from the first submission to the last block"),
        Measure("throughput_peak", max(bins.values, default=0.0), "tx/s", f"the best bin of {bins.width_us / 1e6:g} s"),
        Measure(
            "service_gap_total",
            sum(gap.length_us for gap in gaps) / 1e6,
            "s",
            f"time without service: intervals of at least {series.GAP_MIN_US / 1e6:g} s in which work waited and no "
            "node executed a block",
        ),
        Measure("service_gap_max", max((g.length_us for g in gaps), default=0) / 1e6, "s", "the longest of them"),
    ]


def _latency_figures(trace: Sequence[Record]) -> list[Measure]:
    ordered = sorted(latency for _, latency in series.latencies(trace))
    if not ordered:
        return []
    what = "a bundle's time from its submission to its execution at its submitter"
    figures = [
        Measure(
            f"latency_p{share}", series.quantile(ordered, share / 100) / 1e3, "ms", f"{what}; {share} in 100 are faster"
        )
        for share in (50, 95, 99)
    ]
    return [*figures, Measure("latency_max", ordered[-1] / 1e3, "ms", f"{what}; the slowest")]


def phase_latencies(trace: Sequence[Record]) -> dict[str, list[int]]:
    """Microseconds per phase of PHASES, one value per node and height, in ascending order.

    The first phase runs from the leader's proposal (in the view that prepared) to `prepared` at each node; the others
    are between two notes of one node. A block counts as sealed with the first seal at or above it.
    """
    proposed: dict[tuple[int, int], int] = {}
    last: dict[tuple[str, int, str], int] = {}
    seals: dict[str, list[tuple[int, int]]] = {}
    found: dict[str, list[int]] = {phase: [] for phase in PHASES}
    for record in trace:
        kind, node, t_us = record["kind"], record["node"], record["t_us"]
        if kind == "proposed":
            proposed.setdefault((record["view"], record["height"]), t_us)
        elif kind == "prepared":
            start = proposed.get((record["view"], record["height"]))
            if start is not None and (node, record["height"], kind) not in last:
                found[PHASES[0]].append(t_us - start)
            last[node, record["height"], kind] = t_us
        elif kind in ("committed", "executed"):
            before = last.get((node, record["height"], "prepared" if kind == "committed" else "committed"))
            if before is not None and (node, record["height"], kind) not in last:
                found[PHASES[1] if kind == "committed" else PHASES[2]].append(t_us - before)
            last.setdefault((node, record["height"], kind), t_us)
        elif kind == "sealed":
            seals.setdefault(node, []).append((record["height"], t_us))
    found[PHASES[3]] = _seal_latencies(last, seals)
    return {phase: sorted(values) for phase, values in found.items()}


def _seal_latencies(
    last: Mapping[tuple[str, int, str], int], seals: Mapping[str, Sequence[tuple[int, int]]]
) -> list[int]:
    executed: dict[str, list[tuple[int, int]]] = {}
    for (node, height, kind), t_us in last.items():
        if kind == "executed":
            executed.setdefault(node, []).append((height, t_us))
    values = []
    for node, heights in executed.items():
        waiting = sorted(heights)
        index = 0
        for sealed_height, t_us in sorted(seals.get(node, ())):
            while index < len(waiting) and waiting[index][0] <= sealed_height:
                values.append(max(0, t_us - waiting[index][1]))
                index += 1
    return values


def _phase_figures(trace: Sequence[Record]) -> list[Measure]:
    figures = []
    for phase, values in phase_latencies(trace).items():
        if values:
            name = "phase_" + phase.replace(" ", "_")
            what = f"{phase}, over all nodes and heights"
            figures.append(Measure(f"{name}_p50", series.quantile(values, 0.50) / 1e3, "ms", f"{what}; median"))
            figures.append(Measure(f"{name}_p99", series.quantile(values, 0.99) / 1e3, "ms", f"{what}; 99 in 100"))
    return figures


def _leader_figures(trace: Sequence[Record]) -> list[Measure]:
    spans = series.leader_spans(trace)
    changes = [record for record in trace if record["kind"] == "view_change"]
    entered = {record["view"] for record in trace if record["kind"] == "new_view" and record["view"] > 0}
    figures = [
        Measure("view_changes", len(entered), "1", "views above 0 that at least one node entered"),
        Measure("view_change_votes", len(changes), "1", "times that a node asked for a new view"),
    ]
    recoveries = [end_us - start_us for start_us, end_us in _recoveries(trace, spans)]
    if recoveries:
        what = (
            "from what cost a leader its place (a fault, or the first doubt) to the first block under the next; longest"
        )
        figures.append(Measure("recovery_max", max(recoveries) / 1e6, "s", what))
    return figures


def _death_figures(trace: Sequence[Record]) -> list[Measure]:
    deaths = leader_deaths(trace)
    if not deaths:
        return []
    waits = sorted(death.resumed_us - death.t_us for death in deaths if death.resumed_us is not None)
    what = "from the kill of a leader to the first block with transactions that was proposed and executed after it"
    figures = [Measure("leader_deaths", len(deaths), "1", "times that the member that proposed last was killed")]
    for share in (50, 99):
        if waits:
            wait_us = series.quantile(waits, share / 100)
            figures.append(Measure(f"leader_death_p{share}", wait_us / 1e6, "s", f"{what}; {share} in 100 are faster"))
    return [*figures, *([Measure("leader_death_max", waits[-1] / 1e6, "s", f"{what}; the longest")] if waits else [])]


DISTURBING = ("kill", "pause", "partition", "broker_kill")


def _recoveries(trace: Sequence[Record], leaders: Sequence[series.Span]) -> list[tuple[int, int]]:
    """For every leader change that was survived: (its cause, the first block with transactions after it)."""
    executions = [record["t_us"] for record in series.first_executions(trace) if record["transactions"]]
    found = []
    for before, after in pairwise(leaders):
        within = [r for r in trace if before.start_us <= r["t_us"] <= after.start_us]
        faults = [r["t_us"] for r in within if r["kind"] == "fault" and r["act"] in DISTURBING]
        doubts = [r["t_us"] for r in within if r["kind"] == "view_change"]
        cause = faults[-1] if faults else min(doubts, default=after.start_us)
        back = min((t_us for t_us in executions if t_us > after.start_us), default=None)
        if back is not None:
            found.append((cause, back))
    return found


def cpu_costs(trace: Iterable[Record]) -> dict[str, dict[str, int]]:
    """Per node the sums of its `cost` records over all its lives; the counters begin anew at every boot."""
    total: dict[str, dict[str, int]] = {}
    current: dict[str, dict[str, int]] = {}

    def fold(node: str) -> None:
        sums = total.setdefault(node, {})
        for name, value in current.pop(node, {}).items():
            sums[name] = sums.get(name, 0) + value

    for record in trace:
        node = record["node"]
        if record["kind"] == "booted" and node in current:
            fold(node)
        elif record["kind"] == "cost":
            current[node] = {k: v for k, v in record.items() if k not in ("t_us", "node", "kind") and type(v) is int}
    for node in list(current):
        fold(node)
    return dict(sorted(total.items()))


def _cost_figures(trace: Sequence[Record]) -> list[Measure]:
    costs = cpu_costs(trace)
    transactions = sum(record["transactions"] for record in series.first_executions(trace))
    if not costs or not transactions:
        return []
    figures = []
    for name in (*COSTS, "cpu"):
        spent = sum(node.get(f"{name}_us", 0) for node in costs.values())
        what = "all CPU of all nodes" if name == "cpu" else f"CPU spent on {name} over all nodes"
        figures.append(
            Measure(
                f"cpu_{'all' if name == 'cpu' else name}",
                spent / transactions,
                "us/tx",
                f"{what}, per committed transaction",
            )
        )
    named = sum(node.get(f"{name}_us", 0) for node in costs.values() for name in COSTS) / transactions
    if named > 0:
        what = f"{_cores(trace)} cores doing nothing but what is counted above: {', '.join(COSTS)}"
        figures.append(Measure("ceiling", _cores(trace) * 1e6 / named, "tx/s", what))
    return figures


def _cores(trace: Iterable[Record]) -> int:
    """Of the machine of the run, where its first record tells; else of this one."""
    started = next((record for record in trace if record["kind"] == "run"), {})
    return int(started.get("cores") or os.cpu_count() or 1)
