"""The figures of a run, and of several runs over one another."""

from __future__ import annotations

from collections.abc import Sequence

from consortium.lab.comparison.compare import Side
from consortium.lab.figures.curves import OverTime, Stack, empirical, latency_cdf, over_time, phase_stack
from consortium.lab.figures.paper import Picture
from consortium.lab.figures.source import source_of
from consortium.lab.figures.views import views_and_faults
from consortium.lab.measures import series
from consortium.lab.measures.catalogue import PHASES, STEADY
from consortium.lab.measures.distributions import Distributions
from consortium.lab.measures.measures import Measures
from consortium.runs.run import Run

_FIRST = "submission to order"
_WHOLE = "order to committed"


def figures_of_run(run: Run, found: Distributions, measures: Measures) -> list[Picture]:
    """Those that there is something to draw for."""
    source, name = source_of([run]), run.scenario.name
    pictures = []
    if found.raw.get("latency"):
        pictures.append(latency_cdf([empirical(name, _latencies([found])[0])], source, _cdf_caption([found])))
    if stack := stack_of(name, measures):
        pictures.append(phase_stack([stack], source, _phases_caption([measures])))
    pictures.append(_over_time([(name, run)], source))
    pictures.append(views_and_faults(run.trace, [member.name for member in run.scenario.members], source))
    return pictures


def figures_of_sides(sides: Sequence[Side]) -> list[Picture]:
    """The same of several runs, over one another."""
    source = source_of([side.run for side in sides])
    pictures = []
    heard = [side for side in sides if side.found.raw.get("latency")]
    if heard:
        founds = [side.found for side in heard]
        curves = [empirical(side.label, values) for side, values in zip(heard, _latencies(founds), strict=True)]
        pictures.append(latency_cdf(curves, source, _cdf_caption(founds)))
    stacks = [stack for side in sides if (stack := stack_of(side.label, side.measures))]
    if stacks:
        pictures.append(phase_stack(stacks, source, _phases_caption([side.measures for side in sides])))
    pictures.append(_over_time([(side.label, side.run) for side in sides], source))
    return pictures


def _latencies(founds: Sequence[Distributions]) -> list[Sequence[int]]:
    """Without warm-up where the rule could judge all of them, else raw: never a mixture."""
    if _is_steady(founds):
        return [found.steady["latency"] for found in founds]
    return [found.raw["latency"] for found in founds]


def _is_steady(founds: Sequence[Distributions]) -> bool:
    return all(found.steady.get("latency") for found in founds)


def _cdf_caption(founds: Sequence[Distributions]) -> str:
    counts = " and ".join(f"{len(values):,}" for values in _latencies(founds))
    without = "without warm-up (MSER-5)" if _is_steady(founds) else "warm-up included"
    return (
        f"From the submission of a bundle to its execution at the node that submitted it; {counts} bundles, {without}. "
        "Marks: the median and the 95th percentile."
    )


def stack_of(label: str, measures: Measures) -> Stack | None:
    """Means of the phases; None where the trace tells of none. A protocol that prepares nothing has one phase for
    two."""
    suffix = _steadiness([measures])
    parts = {phase: measures.get(f"phase_{phase.replace(' ', '_')}{suffix}_mean") for phase in PHASES[:3]}
    if parts[PHASES[0]] is None:
        parts = {_WHOLE: measures.get(f"phase_order_to_committed{suffix}_mean")}
    parts = {_FIRST: measures.get(f"submit_to_order{suffix}_mean"), **parts}
    told = {phase: value for phase, value in parts.items() if value is not None}
    return Stack(label, told) if told else None


def _steadiness(measures: Sequence[Measures]) -> str:
    return STEADY if all(each.get(f"latency{STEADY}_mean") is not None for each in measures) else ""


def _phases_caption(measures: Sequence[Measures]) -> str:
    without = "without warm-up where the rule MSER-5 could judge it" if _steadiness(measures) else "warm-up included"
    return (
        "Means: of a bundle until its block is first proposed, then of a block at each node (from the leader's "
        f"proposal); {without}. The whole is near the mean latency, not equal: a block of many bundles counts once."
    )


def _over_time(runs: Sequence[tuple[str, Run]], source: str) -> Picture:
    longest_us = max(series.duration_us(run.trace) for _, run in runs)
    width_us = series.bin_width_us(longest_us)
    drawn = [
        OverTime(
            label,
            series.throughput(run.trace, width_us),
            series.latency_quantiles(run.trace, width_us, 0.5),
            series.latency_quantiles(run.trace, width_us, 0.95),
            [record["t_us"] / 1e6 for record in run.records.of_kind("fault")],
        )
        for label, run in runs
    ]
    caption = (
        f"In bins of {width_us / 1e6:g} s: transactions by the first node that executed them; latency of bundles by "
        "the time of their execution at their submitter. Dotted lines: faults."
    )
    return over_time(drawn, source, caption)
