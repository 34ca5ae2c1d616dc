"""The pictures of a report, as SVG: matplotlib draws, this file says what. See docs/decisions/010-plots.md.

Every picture is a function of figures that `series` and `measures` took from a trace; none reads a file. The same
input gives the same bytes. Text stays text (no glyph outlines), in Latin letters only.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from consortium.lab.measures.series import Bins, Span, quantile

# Okabe and Ito's colours, which people who see colours differently can tell apart.
BLUE, ORANGE, GREEN, RED, SKY, PINK, YELLOW = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#d55e00",
    "#56b4e9",
    "#cc79a7",
    "#f0e442",
)
INK, MUTED, GRID, GAP_FILL = "#1b2733", "#5b6875", "#d9dfe5", "#fbe3d6"

STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that the layout is the same everywhere
    "font.size": 10.5,
    "axes.titlesize": 11,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
}
WIDTH_INCHES = 9.2
FONTS = "'DejaVu Sans', Verdana, sans-serif"  # a reader without the first has one of the same widths


class Moment(NamedTuple):
    """Something to mark on a time axis: a fault, say."""

    t_us: int
    label: str


def draw(name: str, height_inches: float, paint: Any) -> str:
    """An SVG document; `paint(figure)` fills the figure. `name` keeps the ids within it stable."""
    rc: Any = {**STYLE, "svg.hashsalt": name}
    with matplotlib.rc_context(rc):
        figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
        FigureCanvasSVG(figure)
        paint(figure)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, facecolor="white")
    return out.getvalue().replace("'DejaVu Sans'", FONTS)


def _seconds(axes: Axes, end_s: float) -> None:
    axes.set_xlim(0, max(end_s, 0.001))
    axes.set_xlabel("time since the start of the run (s)")


def _mark(axes: Axes, gaps: Sequence[Span], moments: Sequence[Moment]) -> None:
    """Shade time without service, and draw a line for every fault, labelled above the axes."""
    for gap in gaps:
        axes.axvspan(gap.start_us / 1e6, gap.end_us / 1e6, color=GAP_FILL, zorder=0, linewidth=0)
    ends: list[float] = []  # right ends of the labels drawn so far, by row
    span = axes.get_xlim()[1] - axes.get_xlim()[0]
    for moment in moments:
        at = moment.t_us / 1e6
        axes.axvline(at, color=RED, linewidth=1, linestyle=(0, (4, 2)))
        row = next((index for index, end in enumerate(ends) if at > end), len(ends))
        width = span * 0.0105 * (len(moment.label) + 1)
        ends[row : row + 1] = [at + width]
        axes.annotate(
            moment.label,
            (at, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(2, 4 + 12 * row),
            textcoords="offset points",
            color=RED,
            fontsize=9,
            annotation_clip=False,
        )


def milliseconds(value: float) -> str:
    """Three significant digits, and never an exponent: `0.71 ms`, `14 ms`, `1,830 ms`."""
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"


def _thousands(value: float, _: object) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:g}"


def throughput(bins: Bins, end_us: int, gaps: Sequence[Span], moments: Sequence[Moment]) -> str:
    """Committed transactions a second over time."""

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        edges = [index * bins.width_us / 1e6 for index in range(len(bins.values) + 1)]
        axes.stairs(bins.values, edges, fill=True, color=SKY, alpha=0.55)
        axes.stairs(bins.values, edges, color=BLUE, linewidth=1.4)
        axes.set_ylim(0, max(1.0, max(bins.values, default=0)) * 1.08)
        axes.set_ylabel("committed transactions / s")
        axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
        _seconds(axes, end_us / 1e6)
        _mark(axes, gaps, moments)

    return draw("throughput", 3.1, paint)


def latency(
    p50: Sequence[tuple[float, float]],
    p99: Sequence[tuple[float, float]],
    end_us: int,
    gaps: Sequence[Span],
    moments: Sequence[Moment],
) -> str:
    """Median and 99th percentile of latency over time, on a logarithmic scale."""

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for points, colour, label in ((p99, ORANGE, "99 in 100 are faster (p99)"), (p50, BLUE, "median (p50)")):
            times, values = [point[0] for point in points], [point[1] for point in points]
            axes.plot(times, values, color=colour, marker="o", markersize=2.8, label=label)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
        axes.set_ylabel("latency (ms, log scale)")
        _seconds(axes, end_us / 1e6)
        _mark(axes, gaps, moments)
        axes.legend(loc="upper left", ncols=2)
        low, high = axes.get_ylim()
        axes.set_ylim(low, high * (high / low) ** 0.18)  # room for the legend

    return draw("latency", 3.1, paint)


def latency_distribution(ordered_us: Sequence[int]) -> str:
    """The share of bundles that were executed within a time (empirical distribution function)."""

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        step = max(1, len(ordered_us) // 1_000)
        indexes = [*range(0, len(ordered_us), step), len(ordered_us) - 1]
        times = [max(0.001, ordered_us[index] / 1e3) for index in indexes]
        axes.plot(times, [(index + 1) * 100 / len(ordered_us) for index in indexes], color=BLUE, drawstyle="steps-post")
        for share, colour in ((50, GREEN), (95, ORANGE), (99, RED)):
            at = max(0.001, quantile(ordered_us, share / 100) / 1e3)
            axes.plot([at], [share], "o", color=colour, markersize=6, label=f"p{share} = {milliseconds(at)}")
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(_thousands))
        axes.set_ylim(0, 104)
        axes.set_xlabel("latency from submission to execution at the submitter (ms, log scale)")
        axes.set_ylabel("bundles within it (%)")
        axes.legend(loc="lower right")

    return draw("distribution", 3.1, paint)


def phases(latencies: Mapping[str, Sequence[int]]) -> str:
    """Per phase: a thin line from p5 to p99, a thick one over the middle half, a dot at the median."""

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        shown = [(phase, values) for phase, values in latencies.items() if values]
        for row, (_, values) in enumerate(shown):
            p5, p25, p50, p75, p99 = (
                max(0.01, quantile(values, share) / 1e3) for share in (0.05, 0.25, 0.5, 0.75, 0.99)
            )
            middle = milliseconds(quantile(values, 0.5) / 1e3)
            axes.plot([p5, p99], [row, row], color=SKY, linewidth=3, solid_capstyle="round")
            axes.plot([p25, p75], [row, row], color=BLUE, linewidth=9, solid_capstyle="butt")
            axes.plot([p50], [row], "o", color="white", markeredgecolor=INK, markersize=6.5)
            axes.annotate(
                middle,
                (p50, row),
                xytext=(0, 9),
                textcoords="offset points",
                ha="center",
                fontsize=9.5,
            )
        axes.set_yticks(range(len(shown)), [phase for phase, _ in shown])
        axes.set_ylim(len(shown) - 0.4, -0.7)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(_thousands))
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("milliseconds (log scale); dot: median, thick: middle half, thin: 5 to 99 in 100")

    return draw("phases", 2.7, paint)


def money(funds: Sequence[tuple[str, int, int]]) -> str:
    """What each fund paid out during the run, and what is left in it: (name, paid_fen, left_fen)."""

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, sharey=True)
        names = [name for name, _, _ in funds]
        panels = ((left, 1, ORANGE, "paid out during the run (yuan)"), (right, 2, GREEN, "left at the end (yuan)"))
        for axes, index, colour, label in panels:
            yuan = [float(fund[index]) / 100 for fund in funds]
            axes.barh(range(len(funds)), yuan, color=colour, height=0.62)
            reach = max(max(yuan, default=0.0), 1.0)
            for row, value in enumerate(yuan):
                axes.annotate(
                    f"{value:,.2f}",
                    (max(value, 0), row),
                    xytext=(4, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=9,
                )
            axes.set_xlim(min(0.0, *yuan) * 1.1, reach * 1.38)
            axes.set_xlabel(label)
            axes.grid(visible=False, axis="y")
            axes.xaxis.set_major_formatter(FuncFormatter(_compact))
            axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(4))
        left.set_yticks(range(len(funds)), names)
        left.set_ylim(len(funds) - 0.4, -0.6)

    return draw("money", 1.0 + 0.36 * len(funds), paint)


def _compact(value: float, _: object) -> str:
    """12,000,000 as 12 M."""
    for scale, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= scale:
            return f"{value / scale:g} {letter}"
    return f"{value:g}"


def costs(per_transaction: Sequence[tuple[str, float]]) -> str:
    """CPU per committed transaction by cost, over all nodes: (cost, microseconds)."""

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        values = [value for _, value in per_transaction]
        axes.barh(range(len(values)), values, color=BLUE, height=0.62)
        for row, value in enumerate(values):
            axes.annotate(f"{value:,.1f}", (value, row), xytext=(4, 0), textcoords="offset points", va="center")
        axes.set_yticks(range(len(values)), [name for name, _ in per_transaction])
        axes.set_ylim(len(values) - 0.4, -0.6)
        axes.set_xlim(0, max(1.0, *values) * 1.12)
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_formatter(FuncFormatter(_thousands))
        axes.set_xlabel("CPU microseconds per committed transaction, all nodes together")

    return draw("costs", 1.0 + 0.3 * len(per_transaction), paint)
