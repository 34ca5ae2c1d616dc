"""All that a run's trace has many values of: per bundle and per phase, raw and without warm-up; and their quantiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from consortium.lab.measures import series
from consortium.lab.measures.bundles import Bundle, bundles_of
from consortium.lab.measures.catalogue import DISTRIBUTIONS, PHASES, STATISTICS, STEADY, Figure, Measure
from consortium.lab.measures.warm_up import WarmUp, find_warm_up
from consortium.runs.records import Records
from consortium.runs.trace import Record

SHARES = (0, 10, 25, *range(50, 1_000, 50), 975, 990, 995, 999, 1_000)  # of 1,000 values so many are at or below


class Distributions(NamedTuple):
    """Microseconds in ascending order, by name (catalogue.DISTRIBUTIONS). `steady` is empty where the rule of warm-up
    could not judge."""

    raw: Mapping[str, Sequence[int]]
    steady: Mapping[str, Sequence[int]]
    warm_up: WarmUp


def distributions(trace: Sequence[Record]) -> Distributions:
    bundles = bundles_of(trace)
    warm_up = find_warm_up(bundles, trace)
    raw = _of(bundles, trace, -1)
    steady: dict[str, list[int]] = {}
    if warm_up.is_judged:
        later = [bundle for bundle in bundles if bundle.executed_us > warm_up.end_us]
        steady = _of(later, trace, warm_up.end_us) if warm_up.bundles else raw
    return Distributions(raw, steady, warm_up)


def _of(bundles: Sequence[Bundle], trace: Sequence[Record], after_us: int) -> dict[str, list[int]]:
    phases = phase_latencies(trace, after_us)
    found = {
        "latency": [bundle.latency_us for bundle in bundles],
        "submit_to_execute": [bundle.submit_to_execute_us for bundle in bundles],
        "submit_to_order": [us for bundle in bundles if (us := bundle.submit_to_order_us) is not None],
        "submit_to_commit": [us for bundle in bundles if (us := bundle.submit_to_commit_us) is not None],
        "commit_to_execute": [us for bundle in bundles if (us := bundle.commit_to_execute_us) is not None],
        **{f"phase_{phase.replace(' ', '_')}": values for phase, values in phases.items()},
        "phase_order_to_committed": _order_to_committed(trace, after_us),
    }
    assert list(found) == [name for name, _ in DISTRIBUTIONS]
    return {name: sorted(values) for name, values in found.items() if values}


def statistics(ordered: Sequence[int]) -> dict[str, float]:
    """In milliseconds, by the names of STATISTICS; `ordered` holds at least one value in microseconds."""
    shares = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "p999": 0.999, "max": 1.0}
    found = {name: series.quantile(ordered, share) / 1e3 for name, share in shares.items()}
    found["mean"] = sum(ordered) / len(ordered) / 1e3
    return {name: found[name] for name in STATISTICS}


def sketch(ordered: Sequence[int]) -> Iterator[tuple[float, float]]:
    """(share, milliseconds) for each of SHARES, nearest rank: what is left of a distribution in a table."""
    for share in SHARES:
        yield share / 1_000, series.quantile(ordered, share / 1_000) / 1e3


def _order_to_committed(trace: Sequence[Record], after_us: int) -> list[int]:
    """From the first proposal of the batch that a node committed (the last one before, if its view proposed none)."""
    proposed: dict[str, int] = {}
    last: dict[int, int] = {}
    seen: set[tuple[str, int]] = set()
    found: list[int] = []
    for record in Records.of(trace).of_kind("proposed", "committed"):
        if record["kind"] == "proposed":
            proposed.setdefault(record.get("digest", ""), record["t_us"])
            last[record["height"]] = record["t_us"]
        elif (record["node"], record["height"]) not in seen:
            seen.add((record["node"], record["height"]))
            start = proposed.get(record.get("digest", ""), last.get(record["height"]))
            if start is not None and record["t_us"] > after_us:
                found.append(record["t_us"] - start)
    return found


def phase_latencies(trace: Sequence[Record], after_us: int = -1) -> dict[str, list[int]]:
    """Microseconds per phase of PHASES, one value per node and height, in ascending order; of phases that end after
    `after_us`.

    The first phase runs from the leader's proposal (in the view that prepared) to `prepared` at each node; the others
    are between two notes of one node. A block counts as sealed with the first seal at or above it.
    """
    proposed: dict[tuple[int, int], int] = {}
    last: dict[tuple[str, int, str], int] = {}
    seals: dict[str, list[tuple[int, int]]] = {}
    found: dict[str, list[int]] = {phase: [] for phase in PHASES}
    for record in Records.of(trace).of_kind("proposed", "prepared", "committed", "executed", "sealed"):
        kind, node, t_us = record["kind"], record["node"], record["t_us"]
        if kind == "proposed":
            proposed.setdefault((record["view"], record["height"]), t_us)
        elif kind == "prepared":
            start = proposed.get((record["view"], record["height"]))
            if start is not None and (node, record["height"], kind) not in last and t_us > after_us:
                found[PHASES[0]].append(t_us - start)
            last[node, record["height"], kind] = t_us
        elif kind in ("committed", "executed"):
            before = last.get((node, record["height"], "prepared" if kind == "committed" else "committed"))
            if before is not None and (node, record["height"], kind) not in last and t_us > after_us:
                found[PHASES[1] if kind == "committed" else PHASES[2]].append(t_us - before)
            last.setdefault((node, record["height"], kind), t_us)
        else:
            seals.setdefault(node, []).append((record["height"], t_us))
    found[PHASES[3]] = _seal_latencies(last, seals, after_us)
    return {phase: sorted(values) for phase, values in found.items()}


def _seal_latencies(
    last: Mapping[tuple[str, int, str], int], seals: Mapping[str, Sequence[tuple[int, int]]], after_us: int
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
                if t_us > after_us:
                    values.append(max(0, t_us - waiting[index][1]))
                index += 1
    return values


_WORDS = {
    "mean": "mean",
    "p50": "median",
    "p95": "95 in 100 are faster",
    "p99": "99 in 100 are faster",
    "p999": "999 in 1,000 are faster",
    "max": "slowest",
}


def _figures_of(name: str, what: str) -> Iterator[Figure]:
    for steady, words in (("", ""), (STEADY, "; without warm-up")):
        for statistic in STATISTICS:
            yield Figure(f"{name}{steady}_{statistic}", "ms", f"{what}; {_WORDS[statistic]}{words}")


def _take(trace: Records, found: Distributions) -> Iterator[tuple[str, float]]:
    for suffix, values in (("", found.raw), (STEADY, found.steady)):
        for name, ordered in values.items():
            for statistic, value in statistics(ordered).items():
                yield f"{name}{suffix}_{statistic}", value
        if "latency" in values:
            yield f"latency{suffix}_values", len(values["latency"])


_VALUES = (
    Figure("latency_values", "1", "bundles whose latency is known"),
    Figure(f"latency{STEADY}_values", "1", "of them: after the warm-up"),
)
MEASURE = Measure(
    "distributions",
    (*(figure for name, what in DISTRIBUTIONS for figure in _figures_of(name, what)), *_VALUES),
    _take,
    order=20,
)
