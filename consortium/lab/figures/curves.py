"""Figures of one run or of several over one another: distributions of latency, phases, and what changed over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from consortium.lab.figures.paper import FILLS, Picture, legend_above, look, plain_axis, plain_number
from consortium.lab.measures.catalogue import PHASES
from consortium.lab.measures.series import Bins

POINTS_MAX = 1_000


class Curve(NamedTuple):
    """One line: x and y in the units that the figure names."""

    label: str
    xs: Sequence[float]
    ys: Sequence[float]


class Stack(NamedTuple):
    """One bar of parts, milliseconds by phase."""

    label: str
    parts: Mapping[str, float]


class OverTime(NamedTuple):
    """A run over time: throughput in bins, and (seconds, milliseconds) of the median and of the 95th percentile.
    `faults_s`: when something was done to it."""

    label: str
    throughput: Bins
    p50: Sequence[tuple[float, float]]
    p95: Sequence[tuple[float, float]]
    faults_s: Sequence[float] = ()


def empirical(label: str, ordered_us: Sequence[int]) -> Curve:
    """The empirical distribution function: milliseconds against the share of values at or below, in percent."""
    count = len(ordered_us)
    step = max(1, count // POINTS_MAX)
    indexes = sorted({*range(0, count, step), count - 1})
    return Curve(label, [ordered_us[i] / 1e3 for i in indexes], [(i + 1) * 100 / count for i in indexes])


def latency_cdf(curves: Sequence[Curve], source: str, caption: str, name: str = "latency-cdf") -> Picture:
    """`curves`: as `empirical`, or quantiles of several runs."""

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for index, curve in enumerate(curves):
            drawn = look(index)
            xs = [max(0.001, x) for x in curve.xs]
            axes.plot(
                xs, curve.ys, color=drawn.colour, linestyle=drawn.dashes, drawstyle="steps-post", label=curve.label
            )
            for share in (50, 95):
                at = next((x for x, y in zip(xs, curve.ys, strict=True) if y >= share), xs[-1])
                axes.plot([at], [share], drawn.marker, color=drawn.colour, markeredgecolor="white", markeredgewidth=0.5)
        for share in (50, 95):
            axes.axhline(share, color="#909090", linewidth=0.6, linestyle=(0, (1, 3)), zorder=1)
        lows, highs = [max(0.001, c.xs[0]) for c in curves], [max(0.001, c.xs[-1]) for c in curves]
        if max(highs) / min(lows) > 12:
            axes.set_xscale("log")
        else:
            axes.set_xlim(left=0)
        plain_axis(axes.xaxis)
        axes.set_ylim(0, 102)
        axes.set_yticks([0, 25, 50, 75, 95, 100])
        log = ", log scale" if axes.get_xscale() == "log" else ""
        axes.set_xlabel(f"latency from submission to execution at the submitter (ms{log})")
        axes.set_ylabel("bundles within it (%)")
        if len(curves) > 1:
            legend_above(axes, 3 if max(len(curve.label) for curve in curves) < 30 else 1)

    rows = 0 if len(curves) == 1 else -(-len(curves) // (3 if max(len(c.label) for c in curves) < 30 else 1))
    return Picture(name, "Distribution of latency", caption, source, 2.5 + 0.16 * rows, paint)


def phase_stack(stacks: Sequence[Stack], source: str, caption: str) -> Picture:
    """One bar a run or point: what a block spends in each phase on average."""
    shown = [phase for phase in stack_phases() if any(stack.parts.get(phase) for stack in stacks)]

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        whole = max((sum(stack.parts.get(phase, 0.0) for phase in shown) for stack in stacks), default=1.0) or 1.0
        for row, stack in enumerate(stacks):
            left = 0.0
            for phase in shown:
                value = stack.parts.get(phase, 0.0)
                fill = FILLS[shown.index(phase) % len(FILLS)]
                axes.barh(row, value, left=left, height=0.6, color=fill.colour, hatch=fill.hatch, edgecolor="black",
                          linewidth=0.6, label=phase if row == 0 else None)  # fmt: skip
                left += value
            axes.annotate(
                f"{plain_number(left)} ms", (left, row), xytext=(4, 0), textcoords="offset points", va="center"
            )
        axes.set_yticks(range(len(stacks)), [stack.label for stack in stacks])
        axes.set_ylim(len(stacks) - 0.4, -0.6)
        axes.set_xlim(0, whole * 1.14)
        plain_axis(axes.xaxis)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("milliseconds (the means of the phases, one after another)")
        legend_above(axes, 3)

    rows = -(-len(shown) // 3)
    return Picture("phases", "Time of a block by phase", caption, source, 0.75 + 0.17 * rows + 0.3 * len(stacks), paint)


def stack_phases() -> tuple[str, ...]:
    """The parts of a stack, in order: a bundle's wait for its block, then the block's phases. What a block
    waits for its seal is left out: it is no part of a transaction's latency."""
    return ("submission to order", *PHASES[:3], "order to committed")


def over_time(runs: Sequence[OverTime], source: str, caption: str) -> Picture:
    """Throughput above, latency below (log scale), on one axis of time."""

    def paint(figure: Figure) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True)
        _paint_throughput(upper, runs)
        _paint_latency(lower, runs)
        for run in runs:
            for at_s in run.faults_s:
                for axes in (upper, lower):
                    axes.axvline(at_s, color="black", linewidth=0.7, linestyle=(0, (1, 2)))
        upper.set_xlim(left=0)
        lower.set_xlabel("time since the start of the run (s)" + ("; dotted: a fault" if runs[0].faults_s else ""))

    return Picture("over-time", "Throughput and latency over time", caption, source, 3.6, paint)


def _paint_throughput(axes: Axes, runs: Sequence[OverTime]) -> None:
    for index, run in enumerate(runs):
        bins, drawn = run.throughput, look(index)
        edges = [place * bins.width_us / 1e6 for place in range(len(bins.values) + 1)]
        axes.stairs(bins.values, edges, color=drawn.colour, linestyle=drawn.dashes, linewidth=1.2, label=run.label)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("transactions / s")
    plain_axis(axes.yaxis)
    if len(runs) > 1:
        legend_above(axes, 3)


def _paint_latency(axes: Axes, runs: Sequence[OverTime]) -> None:
    for index, run in enumerate(runs):
        drawn = look(index)
        for points, width in ((run.p50, 1.4), (run.p95, 0.7)):
            axes.plot(
                [x for x, _ in points],
                [max(0.001, y) for _, y in points],
                color=drawn.colour,
                linestyle=drawn.dashes,
                linewidth=width,
                marker=drawn.marker if len(points) < 40 else None,
                markersize=2.5,
            )
    axes.set_yscale("log")
    plain_axis(axes.yaxis)
    axes.set_ylabel("latency (ms)\nthick: p50, thin: p95")
