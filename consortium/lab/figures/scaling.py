"""Figures of a sweep: against what was varied, messages beside their closed formulas, throughput against latency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from consortium.lab.figures.paper import Picture, legend_above, look, plain_axis
from consortium.lab.measures.message_counts import TOLD, deliveries
from consortium.lab.sweeps.results import Mean


class Dot(NamedTuple):
    """One point of a series: where it stands, and its figures with their confidence intervals. `few`: of them those
    that rest on few values."""

    x: float
    p50: Mean | None
    p95: Mean | None
    throughput: Mean | None
    label: str = ""
    p99: Mean | None = None
    few: frozenset[str] = frozenset()


class Series(NamedTuple):
    label: str
    dots: Sequence[Dot]


class Counted(NamedTuple):
    """Deliveries of ordering by block, as measured: (validators, deliveries)."""

    label: str
    protocol: str
    points: Sequence[tuple[int, float]]


def against(name: str, x_words: str, series: Sequence[Series], source: str, caption: str) -> Picture:
    """Latency above, throughput below, against what was varied. Bars: 95 % confidence intervals."""

    def paint(figure: Figure) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        for index, each in enumerate(series):
            _dots(upper, index, each.label, [(dot.x, dot.p50) for dot in each.dots])
            _dots(upper, index, "", [(dot.x, dot.p95) for dot in each.dots], is_thin=True)
            _dots(lower, index, "", [(dot.x, dot.throughput) for dot in each.dots])
        _x_axis(lower, [dot.x for each in series for dot in each.dots])
        for axes, words in ((upper, "latency (ms)\nthick: p50, thin: p95"), (lower, "transactions / s")):
            axes.margins(y=0.08)
            axes.set_ylim(bottom=0)
            axes.set_ylabel(words)
            plain_axis(axes.yaxis)
        lower.set_xlabel(x_words)
        if len(series) > 1:
            legend_above(upper, 3)

    rows = 0 if len(series) == 1 else -(-len(series) // 3)
    return Picture(name, f"Latency and throughput against {x_words}", caption, source, 3.6 + 0.16 * rows, paint)


def messages(counted: Sequence[Counted], source: str, caption: str) -> Picture:
    """Measured deliveries by block as marks, the closed formulas of all protocols as lines, both axes logarithmic."""
    sizes = sorted({n for each in counted for n, _ in each.points})

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for index, (protocol, words) in enumerate(TOLD.items()):
            dashes: Any = ("-", (0, (5, 2)), (0, (1, 1.5)))[index % 3]
            curve = [deliveries(protocol, n) or 0 for n in range(sizes[0], sizes[-1] + 1)]
            axes.plot(range(sizes[0], sizes[-1] + 1), curve, color="#606060", linestyle=dashes, linewidth=1.1,
                      label=f"formula, {protocol}: {words}")  # fmt: skip
        for index, each in enumerate(counted):
            drawn = look(index)
            axes.plot([n for n, _ in each.points], [value for _, value in each.points], drawn.marker,
                      color=drawn.colour, markersize=5 + 2.5 * index, markerfacecolor="none", markeredgewidth=1.2,
                      label=f"measured, {each.label}")  # fmt: skip
        axes.set_yscale("log")
        _x_axis(axes, sizes)
        plain_axis(axes.yaxis)
        axes.set_xlabel("validators")
        axes.set_ylabel("deliveries by block")
        legend_above(axes, 2)

    rows = -(-(len(TOLD) + len(counted)) // 2)
    return Picture("messages", "Messages by block against validators", caption, source, 2.5 + 0.16 * rows, paint)


class Curves(NamedTuple):
    """How a figure of throughput against latency is called, and what else stands in it. `saturation`: transactions a
    second, where it is known. `has_p99`: the 99th percentile, too, dotted."""

    name: str = "throughput-latency"
    title: str = "Throughput against latency"
    saturation: float | None = None
    has_p99: bool = False


def throughput_latency(series: Sequence[Series], source: str, caption: str, curves: Curves = Curves()) -> Picture:  # noqa: B008
    """Each load a dot: what was got through, and what it cost in time. Thin: the 95th percentile."""

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for index, each in enumerate(series):
            known = [dot for dot in each.dots if dot.throughput is not None and dot.p50 is not None]
            _curves(axes, index, each.label, known, has_p99=curves.has_p99)
            for dot in known if len(series) == 1 else ():
                assert dot.throughput is not None and dot.p50 is not None
                axes.annotate(dot.label, (dot.throughput.mean, dot.p50.mean), xytext=(4, -9), fontsize=6.5,
                              textcoords="offset points")  # fmt: skip
        if curves.saturation is not None:
            axes.axvline(curves.saturation, color="#606060", linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
            axes.annotate("saturation", (curves.saturation, 1), xycoords=("data", "axes fraction"), xytext=(-3, -3),
                          textcoords="offset points", ha="right", va="top", fontsize=6.5)  # fmt: skip
        is_wide = _is_wide(series)
        axes.margins(y=0.08)
        if is_wide:
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0)
        plain_axis(axes.yaxis)
        axes.set_xlim(left=0)
        plain_axis(axes.xaxis)
        axes.set_xlabel("throughput (transactions / s)")
        dotted = ", dotted: p99" if curves.has_p99 else ""
        axes.set_ylabel(f"latency (ms{', log scale' if is_wide else ''})\nthick: p50, thin: p95{dotted}")
        if len(series) > 1:
            legend_above(axes, 3)

    rows = 0 if len(series) == 1 else -(-len(series) // 3)
    return Picture(curves.name, curves.title, caption, source, 2.8 + 0.16 * rows, paint)


def _curves(axes: Axes, index: int, label: str, dots: Sequence[Dot], *, has_p99: bool) -> None:
    """One series; dots that rest on few values are hollow."""
    drawn = look(index)
    lines = [("p50", 1.4, drawn.dashes), ("p95", 0.7, drawn.dashes), *([("p99", 0.7, (0, (1, 2)))] if has_p99 else [])]
    for name, width, dashes in lines:
        places = [(dot.throughput, value) for dot in dots if dot.throughput and (value := getattr(dot, name))]
        xs, ys = [x.mean for x, _ in places], [y.mean for _, y in places]
        size = 4.5 if width > 1 else 3
        axes.errorbar(
            xs,
            ys,
            xerr=_errors([x for x, _ in places]),
            yerr=_errors([y for _, y in places]),
            color=drawn.colour,
            linestyle=dashes,
            linewidth=width,
            marker=drawn.marker,
            markersize=size,
            elinewidth=0.7,
            capsize=2,
            label=label if name == "p50" and label else None,
        )
        few = [(dot.throughput.mean, getattr(dot, name).mean) for dot in dots
               if dot.throughput and getattr(dot, name) and name in dot.few]  # fmt: skip
        axes.plot([x for x, _ in few], [y for _, y in few], drawn.marker, color=drawn.colour, markersize=size,
                  markerfacecolor="white", zorder=4)  # fmt: skip


def _is_wide(series: Sequence[Series]) -> bool:
    """Whether latencies span more than a decade."""
    means = [mean for each in series for dot in each.dots for mean in (dot.p50, dot.p95)]
    values = [mean.mean for mean in means if mean is not None and mean.mean > 0]
    return bool(values) and max(values) / min(values) > 12


def _dots(
    axes: Axes, index: int, label: str, places: Sequence[tuple[float, Mean | None]], *, is_thin: bool = False
) -> None:
    drawn = look(index)
    known = [(x, mean) for x, mean in places if mean is not None]
    axes.errorbar(
        [x for x, _ in known],
        [mean.mean for _, mean in known],
        yerr=_errors([mean for _, mean in known]),
        color=drawn.colour,
        linestyle=drawn.dashes,
        linewidth=0.7 if is_thin else 1.4,
        marker=drawn.marker,
        markersize=3 if is_thin else 4.5,
        elinewidth=0.8,
        capsize=2,
        label=label or None,
    )


def _errors(means: Sequence[Mean]) -> list[list[float]]:
    """Below and above the mean, for matplotlib; 0 where one run alone gave it."""
    return [
        [0.0 if mean.low is None else max(0.0, mean.mean - mean.low) for mean in means],
        [0.0 if mean.high is None else max(0.0, mean.high - mean.mean) for mean in means],
    ]


def _x_axis(axes: Axes, values: Sequence[float]) -> None:
    """Logarithmic where the values span more than a decade; a tick at each of few values."""
    distinct = sorted(set(values))
    if distinct and distinct[0] > 0 and distinct[-1] / distinct[0] > 12:
        axes.set_xscale("log")
    plain_axis(axes.xaxis)
    if len(distinct) <= 10:
        axes.set_xticks(distinct)
        axes.minorticks_off()
