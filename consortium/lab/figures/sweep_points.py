"""What the figures of a sweep have in common: which points make a line, what they are called, the foot and caption."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from consortium.lab.figures.paper import LOOKS
from consortium.lab.figures.scaling import Dot
from consortium.lab.figures.source import each_of
from consortium.lab.measures.catalogue import STEADY
from consortium.lab.measures.confidence import LEVEL_PERCENT
from consortium.lab.measures.told import is_few
from consortium.lab.sweeps.results import (
    Mean,
    PointResult,
    SettingValue,
    SweepResults,
    scale_of,
    setting_words,
)
from consortium.runs.machine_words import machine_words

SERIES_MAX = len(LOOKS)


def sweep_source(results: SweepResults) -> str:
    scenarios = " and ".join(dict.fromkeys(point.scenario.name for point in results.points))
    protocols = each_of(point.scenario.protocol for point in results.points)
    members = ", ".join(dict.fromkeys(str(point.validators) for point in results.points))
    seeds = f"seeds {results.seeds[0]} to {results.seeds[-1]}" if len(results.seeds) > 1 else f"seed {results.seeds[0]}"
    costs = f"profile {results.profile}" if results.profile else "CPU free"
    return (
        f"sweep {results.name} of scenario {scenarios}, {seeds}; {protocols}, {members} validators; simulator (virtual "
        f"time, {costs}); consortium {results.version}; drawn on {machine_words()}"
    )


def steady_suffix(results: SweepResults) -> str:
    """The suffix of figures without warm-up, where all points have them."""
    known = all(f"latency{STEADY}_p50" in point.figures for point in results.points)
    return STEADY if known else ""


def lines_of(results: SweepResults, axis: str) -> list[tuple[str, list[PointResult]]]:
    """Points that differ along `axis` alone, together; the label says what the others are. At most SERIES_MAX."""
    others = [other for other in results.axes if other != axis and len(results.values(other)) > 1]
    groups: dict[tuple[SettingValue, ...], list[PointResult]] = {}
    for point in results.points:
        groups.setdefault(tuple(point.settings[other] for other in others), []).append(point)
    return [
        (", ".join(setting_words(other, value) for other, value in zip(others, values, strict=True)), points)
        for values, points in list(groups.items())[:SERIES_MAX]
    ]


def dot_of(point: PointResult, axis: str, suffix: str) -> Dot:
    value = point.settings[axis]
    assert isinstance(value, int | float)
    factor, _ = scale_of(axis)
    figure: Callable[[str], Mean | None] = point.figures.get
    p50, p95, p99 = (figure(f"latency{suffix}_{share}") for share in ("p50", "p95", "p99"))
    values = figure(f"latency{suffix}_values")
    few = frozenset(
        each for each in ("p50", "p95", "p99") if is_few(f"_{each}", None if values is None else values.mean)
    )
    return Dot(value * factor, p50, p95, figure(f"throughput{suffix}"), setting_words(axis, value), p99, few)


def caption_of(results: SweepResults, first: str) -> str:
    runs = len(results.seeds)
    bars = (
        f"Bars: {LEVEL_PERCENT} % confidence intervals of the mean over {runs} runs. " if runs > 1 else "One run each. "
    )
    warm = "Without warm-up (MSER-5)." if steady_suffix(results) else "Warm-up included."
    failed = sum(point.failed for point in results.points)
    return f"{first} {bars}{warm}" + (f" {failed} runs that failed are left out." if failed else "")


def point_words(results: SweepResults, point: PointResult) -> str:
    axes: Sequence[str] = [axis for axis in results.axes if len(results.values(axis)) > 1] or results.axes
    return ", ".join(setting_words(axis, point.settings[axis]) for axis in axes) or results.name
