"""The figures of a sweep: which of them its axes have something to draw for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from consortium.lab.figures.curves import Curve, Stack, latency_cdf, phase_stack
from consortium.lab.figures.paper import LOOKS, Picture
from consortium.lab.figures.scaling import Counted, Dot, Series, against, messages, throughput_latency
from consortium.lab.figures.source import each_of
from consortium.lab.measures.catalogue import PHASES, STEADY
from consortium.lab.measures.confidence import LEVEL_PERCENT
from consortium.lab.sweeps.plan import ALIASES, MEMBERS
from consortium.lab.sweeps.results import (
    Mean,
    PointResult,
    ReplicaContext,
    SweepResults,
    axis_words,
    scale_of,
    setting_words,
)
from consortium.runs.machine_words import machine_words

SERIES_MAX = len(LOOKS)
BARS_MAX = 24
LOAD = "workload."


def figures_of_sweep(results: SweepResults) -> list[Picture]:
    """Of every numeric axis one; then what applies."""
    source = sweep_source(results)
    pictures = [
        _against(results, axis, source)
        for axis in results.axes
        if results.is_numeric(axis) and len(results.values(axis)) > 1
    ]
    pictures += _messages(results, source) + _throughput_latency(results, source)
    pictures += _distributions(results, source) + _phases(results, source)
    return pictures


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


def _steady(results: SweepResults) -> str:
    """The suffix of figures without warm-up, where all points have them."""
    known = all(f"latency{STEADY}_p50" in point.figures for point in results.points)
    return STEADY if known else ""


def _lines(results: SweepResults, axis: str) -> list[tuple[str, list[PointResult]]]:
    """Points that differ along `axis` alone, together; the label says what the others are. At most SERIES_MAX."""
    others = [other for other in results.axes if other != axis and len(results.values(other)) > 1]
    groups: dict[tuple[ReplicaContext, ...], list[PointResult]] = {}
    for point in results.points:
        groups.setdefault(tuple(point.settings[other] for other in others), []).append(point)
    return [
        (", ".join(setting_words(other, value) for other, value in zip(others, values, strict=True)), points)
        for values, points in list(groups.items())[:SERIES_MAX]
    ]


def _dot(point: PointResult, axis: str, suffix: str) -> Dot:
    value = point.settings[axis]
    assert isinstance(value, int | float)
    factor, _ = scale_of(axis)
    figure: Callable[[str], Mean | None] = point.figures.get
    p50, p95 = figure(f"latency{suffix}_p50"), figure(f"latency{suffix}_p95")
    return Dot(value * factor, p50, p95, figure(f"throughput{suffix}"), setting_words(axis, value))


def _caption(results: SweepResults, first: str) -> str:
    runs = len(results.seeds)
    bars = (
        f"Bars: {LEVEL_PERCENT} % confidence intervals of the mean over {runs} runs. " if runs > 1 else "One run each. "
    )
    warm = "Without warm-up (MSER-5)." if _steady(results) else "Warm-up included."
    failed = sum(point.failed for point in results.points)
    return f"{first} {bars}{warm}" + (f" {failed} runs that failed are left out." if failed else "")


def _against(results: SweepResults, axis: str, source: str) -> Picture:
    suffix = _steady(results)
    series = [Series(label, [_dot(point, axis, suffix) for point in points]) for label, points in _lines(results, axis)]
    caption = _caption(results, "Thick: median latency of a bundle; thin: the 95th percentile; below: throughput.")
    return against(f"by-{axis.rpartition('.')[2].replace('_', '-')}", axis_words(axis), series, source, caption)


def _messages(results: SweepResults, source: str) -> list[Picture]:
    if MEMBERS not in results.axes or len(results.values(MEMBERS)) < 2:
        return []
    counted = []
    for label, points in _lines(results, MEMBERS):
        known = [(point.validators, point.ordering) for point in points if point.ordering is not None]
        protocol = points[0].scenario.protocol
        if known:
            counted.append(Counted(label or protocol, protocol, known))
    caption = (
        "Marks: deliveries of the messages of the normal case (PBFT: PRE-PREPARE, PREPARE, COMMIT; HotStuff: proposals "
        "and votes; solo: orders and their answers) by block, measured. Lines: what the closed formulas say for one "
        "height with an honest leader, nothing lost, and for HotStuff every block carrying a height. Log scale."
    )
    return [messages(counted, source, caption)] if counted else []


def _throughput_latency(results: SweepResults, source: str) -> list[Picture]:
    """Where the load varies."""
    axis = next((a for a in results.axes if ALIASES.get(a, a).startswith(LOAD) and results.is_numeric(a)), None)
    if axis is None or len(results.values(axis)) < 2:
        return []
    suffix = _steady(results)
    series = []
    for label, points in _lines(results, axis):
        dots = [_dot(point, axis, suffix) for point in points]
        series.append(Series(label, sorted(dots, key=lambda dot: dot.x, reverse=axis.endswith("interval_us"))))
    first = f"Each dot is a load ({axis_words(axis)}). Thick: median latency; thin: the 95th percentile."
    return [throughput_latency(series, source, _caption(results, first))]


def _distributions(results: SweepResults, source: str) -> list[Picture]:
    is_steady = bool(_steady(results))
    known = [(p, p.quantiles[key]) for p in results.points if (key := ("latency", is_steady)) in p.quantiles]
    if not known or len(known) > SERIES_MAX:
        return []
    curves = [
        Curve(point_words(results, point), [value for _, value in shares], [share * 100 for share, _ in shares])
        for point, shares in known
    ]
    warm = "without warm-up (MSER-5)" if is_steady else "warm-up included"
    caption = (
        f"Quantiles of bundles' latency, each the mean of the runs' own, {warm}. Marks: median and 95th percentile."
    )
    return [latency_cdf(curves, source, caption)]


def _phases(results: SweepResults, source: str) -> list[Picture]:
    suffix = _steady(results)
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


def point_words(results: SweepResults, point: PointResult) -> str:
    axes: Sequence[str] = [axis for axis in results.axes if len(results.values(axis)) > 1] or results.axes
    return ", ".join(setting_words(axis, point.settings[axis]) for axis in axes) or results.name
