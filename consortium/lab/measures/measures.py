"""Figures of a run, from its trace alone: what each number is, in which unit, and how it was counted."""

from __future__ import annotations

import csv
import io
import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

from consortium.lab.measures import series, traffic
from consortium.lab.measures.catalogue import BY_NAME, CATALOGUE, COSTS, DISTRIBUTIONS, PHASES, STATISTICS, STEADY
from consortium.lab.measures.deaths import leader_deaths
from consortium.lab.measures.distributions import Distributions, distributions, phase_latencies, statistics
from consortium.lab.measures.warm_up import WarmUp
from consortium.runs.records import Records
from consortium.runs.trace import Record
from consortium.scenario.faults import find_act

COLUMNS = ("name", "value", "unit", "what")
_Values = Iterator[tuple[str, float]]


class Measure(NamedTuple):
    """One figure: a row of measures.csv."""

    name: str
    value: float
    unit: str
    what: str


class Measures:
    """The figures of one trace by name, in the order of the catalogue. `warm_up`: what the rule found."""

    def __init__(self, figures: Iterable[Measure], warm_up: WarmUp | None = None) -> None:
        self.warm_up = warm_up
        self.figures: tuple[Measure, ...] = tuple(figures)
        self._by_name: Mapping[str, Measure] = {figure.name: figure for figure in self.figures}

    def __getitem__(self, name: str) -> float:
        return self._by_name[name].value

    def get(self, name: str) -> float | None:
        figure = self._by_name.get(name)
        return None if figure is None else figure.value

    @property
    def single(self) -> list[Measure]:
        """Those that are no statistic of a distribution."""
        of_many = {
            f"{name}{steady}_{each}" for name, _ in DISTRIBUTIONS for steady in ("", STEADY) for each in STATISTICS
        }
        return [figure for figure in self.figures if figure.name not in of_many]

    def spreads(self) -> Iterator[tuple[str, str, bool, tuple[float, ...]]]:
        """(name, what, without warm-up?, milliseconds by STATISTICS) of every distribution that there is."""
        for name, what in DISTRIBUTIONS:
            for is_steady, suffix in ((False, ""), (True, STEADY)):
                if f"{name}{suffix}_mean" in self._by_name:
                    yield name, what, is_steady, tuple(self[f"{name}{suffix}_{each}"] for each in STATISTICS)

    def csv(self) -> str:
        """The columns are COLUMNS; numbers with a point, at most three digits behind it."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for name, value, unit, what in self.figures:
            writer.writerow((name, f"{round(value, 3):.12g}", unit, what))
        return out.getvalue()


def number(value: float, unit: str) -> str:
    """A figure for a person: what is whole as it is, the rest with three or four significant digits."""
    is_whole = value == int(value) and unit == "1"
    text = f"{value:,.0f}" if is_whole or abs(value) >= 1000 else f"{value:.3g}"
    return text if unit == "1" else f"{text} {unit}"


def measure(trace: Sequence[Record], known: Distributions | None = None) -> Measures:
    """All figures of a trace; those that it says nothing of (CPU, say) are left out. `known`: its distributions."""
    found = known or distributions(trace)
    values = dict(
        chain(
            _service_figures(trace, found.warm_up),
            _distribution_figures(found),
            _leader_figures(trace),
            _death_figures(trace),
            _traffic_figures(trace),
            _cost_figures(trace),
        )
    )
    assert values.keys() <= BY_NAME.keys()
    figures = []
    for name, unit, what in CATALOGUE:
        if name in values:
            told = f"{what}: {found.warm_up.verdict}" if name == "warm_up" else what
            figures.append(Measure(name, values[name], unit, told))
    return Measures(figures, found.warm_up)


def _service_figures(trace: Sequence[Record], warm_up: WarmUp) -> _Values:
    executions = series.first_executions(trace)
    submissions = series.distinct_submissions(trace)
    transactions = sum(record["transactions"] for record in executions)
    start_us = min((record["t_us"] for record in submissions), default=0)
    busy_us = max((record["t_us"] for record in executions if record["transactions"]), default=start_us)
    ok = sum(record["ok"] for record in executions)
    yield "duration", series.duration_us(trace) / 1e6
    yield "blocks", len(executions)
    yield "transactions", transactions
    yield "transactions_ok", ok
    yield "transactions_refused", transactions - ok
    yield "bundles_submitted", len(submissions)
    yield "throughput", transactions * 1e6 / (busy_us - start_us) if busy_us > start_us else 0.0
    if warm_up.is_judged:
        begun_us = max(start_us, warm_up.end_us)
        later = sum(record["transactions"] for record in executions if record["t_us"] > begun_us)
        yield "warm_up", max(0, warm_up.end_us) / 1e6
        yield "warm_up_bundles", warm_up.bundles
        yield "throughput_steady", later * 1e6 / (busy_us - begun_us) if busy_us > begun_us else 0.0
    bins = series.throughput(trace, series.bin_width_us(series.duration_us(trace)))
    yield "throughput_peak", max(bins.values, default=0.0)
    gaps = series.service_gaps(trace)
    yield "service_gap_total", sum(gap.length_us for gap in gaps) / 1e6
    yield "service_gap_max", max((gap.length_us for gap in gaps), default=0) / 1e6


def _distribution_figures(found: Distributions) -> _Values:
    for suffix, values in (("", found.raw), (STEADY, found.steady)):
        for name, ordered in values.items():
            for statistic, value in statistics(ordered).items():
                yield f"{name}{suffix}_{statistic}", value


def _traffic_figures(trace: Sequence[Record]) -> _Values:
    said = traffic.said(trace)
    if said:
        blocks = len(series.first_executions(trace))
        transactions = sum(record["transactions"] for record in series.first_executions(trace))
        kinds = traffic.by_kind(said, len(traffic.nodes_of(trace))).values()
        messages, deliveries, size = (sum(kind[place] for kind in kinds) for place in range(3))
        yield "messages", messages
        yield "deliveries", deliveries
        yield "bytes_published", size
        if blocks:
            yield "messages_per_block", messages / blocks
            yield "deliveries_per_block", deliveries / blocks
        if transactions:
            yield "bytes_per_transaction", size / transactions
    for queue in traffic.QUEUES:
        depth = traffic.queue_means(trace, queue)
        if depth is not None:
            yield f"{queue}_mean", depth[0]
            yield f"{queue}_max", depth[1]
    held = traffic.storage(trace)
    if held:
        yield "ledger_bytes", sum(ledger for ledger, _ in held.values()) / len(held)
        yield "votes_bytes", sum(votes for _, votes in held.values()) / len(held)


def _leader_figures(trace: Sequence[Record]) -> _Values:
    records = Records.of(trace)
    spans = series.leader_spans(records)
    yield "view_changes", len({r["view"] for r in records.of_kind("new_view") if r["view"] > 0})
    yield "view_change_votes", len(records.of_kind("view_change"))
    recoveries = [end_us - start_us for start_us, end_us in _recoveries(records, spans)]
    if recoveries:
        yield "recovery_max", max(recoveries) / 1e6


def _death_figures(trace: Sequence[Record]) -> _Values:
    deaths = leader_deaths(trace)
    if not deaths:
        return
    waits = sorted(death.resumed_us - death.t_us for death in deaths if death.resumed_us is not None)
    yield "leader_deaths", len(deaths)
    if waits:
        yield "leader_death_p50", series.quantile(waits, 0.5) / 1e6
        yield "leader_death_p99", series.quantile(waits, 0.99) / 1e6
        yield "leader_death_max", waits[-1] / 1e6


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


def cpu_costs(trace: Iterable[Record]) -> dict[str, dict[str, int]]:
    """Per node the sums of its `cost` records over all its lives; the counters begin anew at every boot."""
    total: dict[str, dict[str, int]] = {}
    current: dict[str, dict[str, int]] = {}

    def fold(node: str) -> None:
        sums = total.setdefault(node, {})
        for name, value in current.pop(node, {}).items():
            sums[name] = sums.get(name, 0) + value

    for record in Records.of(trace).of_kind("booted", "cost"):
        node = record["node"]
        if record["kind"] == "booted":
            if node in current:
                fold(node)
        else:
            current[node] = {k: v for k, v in record.items() if k not in ("t_us", "node", "kind") and type(v) is int}
    for node in list(current):
        fold(node)
    return dict(sorted(total.items()))


def _cost_figures(trace: Sequence[Record]) -> _Values:
    costs = cpu_costs(trace)
    transactions = sum(record["transactions"] for record in series.first_executions(trace))
    if not costs or not transactions:
        return
    for name in (*COSTS, "cpu"):
        spent = sum(node.get(f"{name}_us", 0) for node in costs.values())
        yield f"cpu_{'all' if name == 'cpu' else name}", spent / transactions
    named = sum(node.get(f"{name}_us", 0) for node in costs.values() for name in COSTS) / transactions
    if named > 0:
        yield "ceiling", _cores(trace) * 1e6 / named


def _cores(trace: Iterable[Record]) -> int:
    """Of the machine of the run, where its first record tells; else of this one."""
    started = next(iter(Records.of(trace).of_kind("run")), {})
    return int(started.get("cores") or os.cpu_count() or 1)


__all__ = ["COLUMNS", "COSTS", "PHASES", "Measure", "Measures", "cpu_costs", "measure", "number", "phase_latencies"]
