"""The figure of where a block's time goes: one bar a run or point, one part a phase."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from consortium.lab.figures.curves import Stack, phase_stack
from consortium.lab.figures.drawing import Drawing, Shown
from consortium.lab.figures.paper import Picture
from consortium.lab.figures.sweep_points import point_words, steady_suffix
from consortium.lab.measures.catalogue import PHASES, STEADY
from consortium.lab.measures.measures import Measures
from consortium.lab.sweeps.results import PointResult, SweepResults

BARS_MAX = 24
_FIRST = "submission to order"
_WHOLE = "order to committed"


def _of_runs(runs: Sequence[Shown], source: str) -> Iterator[Picture]:
    stacks = [stack for shown in runs if (stack := stack_of(shown.label, shown.measures))]
    if stacks:
        yield phase_stack(stacks, source, _phases_caption([shown.measures for shown in runs]))


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


def _of_sweep(results: SweepResults, source: str) -> list[Picture]:
    suffix = steady_suffix(results)
    stacks = [stack for point in results.points if (stack := _stack(results, point, suffix)) is not None]
    if not stacks or len(stacks) > BARS_MAX:
        return []
    caption = (
        "Means over nodes, heights and runs: of a bundle until its block is first proposed, then of a block at each "
        f"node, from the leader's proposal. {'Without warm-up.' if suffix else 'Warm-up included.'}"
    )
    return [phase_stack(stacks, source, caption)]


def _stack(results: SweepResults, point: PointResult, suffix: str) -> Stack | None:
    def mean(name: str) -> float | None:
        found = point.figures.get(f"{name}{suffix}_mean")
        return None if found is None else found.mean

    parts = {phase: mean(f"phase_{phase.replace(' ', '_')}") for phase in PHASES[:3]}
    if parts[PHASES[0]] is None:
        parts = {"order to committed": mean("phase_order_to_committed")}
    parts = {"submission to order": mean("submit_to_order"), **parts}
    told = {phase: value for phase, value in parts.items() if value is not None}
    return Stack(point_words(results, point), told) if told else None


FIGURE = Drawing("block phases", _of_runs, _of_sweep, order=50)
