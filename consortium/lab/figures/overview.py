"""The picture that answers: service, waiting, every node and what was done to it, over the whole run on one time axis.

Strips, each left out where it has nothing to show:
service    transactions a second; shaded where work waited and nothing was executed, with the seconds written on it
waiting    one dot a bundle: how long its submitter waited for it, at the time of its execution
nodes      a lane each, and one of the network: condition, leader, faults, lies
behind     how many blocks each node lacks of the highest that an honest one has
rejected   messages a second that nodes rejected, by reason
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, NullFormatter

from consortium.lab.figures import timeline
from consortium.lab.figures.plots import (
    BLUE,
    GAP_FILL,
    GREEN,
    INK,
    MUTED,
    ORANGE,
    PINK,
    RED,
    SKY,
    YELLOW,
    draw,
    milliseconds,
)
from consortium.lab.measures import series
from consortium.lab.measures.disturbances import Disturbance, disturbances
from consortium.lab.measures.series import Span
from consortium.runs.records import Records
from consortium.runs.trace import Record, reject_reason, waited_us

NETWORK = "network"
BAND = "#eef1f4"  # behind everything, while something is done to the run
LIE, FATE = RED, YELLOW
REASON_COLOURS = (RED, ORANGE, PINK, SKY, MUTED)
MEMBER_COLOURS = (BLUE, ORANGE, GREEN, PINK, SKY, RED, MUTED)
LAG_MIN = 5  # blocks; a node that never lacks so many is not drawn
LAG_POINTS = 240
SLOW_RATIO = 3  # a submitter that waits so many times longer than the others is drawn apart
LABEL_SHARE = 0.0085  # of the width of the picture, for a letter
GAPS_LABELLED_MAX = 12


class Strip(NamedTuple):
    """`paint` fills the axes; `inches` is its share of the height."""

    label: str
    inches: float
    paint: Callable[[Axes], None]


def overview(trace: Sequence[Record], honest: Sequence[str], order: Sequence[str]) -> str:
    """An SVG. `honest`: whose height the others lack blocks of. `order`: of the lanes, else by name."""
    strips = _strips(trace, honest, order)
    end_s = max(series.duration_us(trace), 1_000) / 1e6
    done = disturbances(trace)

    def paint(figure: Figure) -> None:
        heights = [strip.inches for strip in strips]
        rows = figure.subplots(len(strips), 1, sharex=True, squeeze=False, height_ratios=heights)
        for (axes,), strip in zip(rows, strips, strict=True):
            for each in done:
                axes.axvspan(each.start_us / 1e6, each.end_us / 1e6, color=BAND, zorder=-1, linewidth=0)
            for gap in series.service_gaps(trace):
                axes.axvspan(gap.start_us / 1e6, gap.end_us / 1e6, color=GAP_FILL, zorder=0, linewidth=0)
            axes.set_xlim(0, end_s)
            strip.paint(axes)
            axes.set_ylabel(strip.label, fontsize=9.5)
        rows[-1][0].set_xlabel("time since the start of the run (s)")
        figure.align_ylabels()
        _legend(figure, trace, order)

    return draw("overview", 1.1 + sum(strip.inches for strip in strips), paint)


def _strips(trace: Sequence[Record], honest: Sequence[str], order: Sequence[str]) -> list[Strip]:
    spans = series.node_spans(trace)
    nodes = [node for node in order if node in spans] or list(spans)
    strips = [Strip("transactions\nexecuted / s", 1.35, lambda axes: _service(axes, trace))]
    if series.latencies(trace):
        strips.append(Strip("a bundle\nwaited", 1.35, lambda axes: _waiting(axes, trace)))
    strips.append(Strip("", 0.3 + 0.33 * (1 + len(nodes)), lambda axes: _lanes(axes, trace, nodes, spans)))
    behind = {node: lag for node, lag in lags(trace, honest).items() if max(lag) >= LAG_MIN}
    if behind:
        strips.append(Strip("blocks\nbehind", 1.15, lambda axes: _behind(axes, trace, behind)))
    reasons = _rejections(trace)
    if reasons:
        strips.append(Strip("messages\nrejected / s", 1.25, lambda axes: _rejected(axes, trace, reasons)))
    return strips


def _thousands(value: float, _: object) -> str:
    return f"{value:,.0f}" if abs(value) >= 1 or value == 0 else f"{value:g}"


# --- service and waiting ----------------------------------------------------------------------------------------------


def _service(axes: Axes, trace: Sequence[Record]) -> None:
    bins = series.throughput(trace, series.bin_width_us(series.duration_us(trace)))
    edges = [index * bins.width_us / 1e6 for index in range(len(bins.values) + 1)]
    axes.stairs(bins.values, edges, fill=True, color=SKY, alpha=0.55)
    axes.stairs(bins.values, edges, color=BLUE, linewidth=1.2)
    top = max(1.0, max(bins.values, default=0)) * 1.08
    axes.set_ylim(0, top)
    axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
    gaps = sorted(series.service_gaps(trace), key=lambda gap: -gap.length_us)[:GAPS_LABELLED_MAX]
    for gap in gaps:
        middle_s = (gap.start_us + gap.end_us) / 2e6
        axes.text(
            middle_s,
            top * 0.5,
            f"{gap.length_us / 1e6:.2f} s\nwithout\nservice" if gap is gaps[0] else f"{gap.length_us / 1e6:.2f} s",
            color=RED,
            fontsize=8.5,
            ha="center",
            va="center",
            zorder=6,
        )


def _waiting(axes: Axes, trace: Sequence[Record]) -> None:
    """The one submitter that waits far longer than the others in a colour of its own."""
    by_node: dict[str, list[tuple[float, float]]] = {}
    for record in Records.of(trace).of_kind("included"):
        point = (record["t_us"] / 1e6, max(0.01, waited_us(record) / 1e3))
        by_node.setdefault(record["node"], []).append(point)
    slow = slowest_submitter(trace)
    for node, points in sorted(by_node.items(), key=lambda item: item[0] == slow):
        axes.plot(
            [x for x, _ in points],
            [y for _, y in points],
            "o",
            color=ORANGE if node == slow else BLUE,
            markersize=3.2 if node == slow else 2.2,
            alpha=0.9,
            markeredgewidth=0,
            linestyle="none",
        )
    waits = [y for points in by_node.values() for _, y in points]
    low, high = min(waits), max(waits)
    axes.set_yscale("log")
    axes.set_ylim(min(low / 1.5, high / 40), max(high * 1.8, low * 40))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: milliseconds(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    if slow:
        axes.text(0.005, 0.93, f"orange: those of {slow}", transform=axes.transAxes, fontsize=8.5, va="top", color=INK)


def slowest_submitter(trace: Sequence[Record]) -> str:
    """Whose slow bundles (nine in ten are faster) wait SLOW_RATIO times longer than those of each other; or empty."""
    waits: dict[str, list[int]] = {}
    for record in Records.of(trace).of_kind("included"):
        waits.setdefault(record["node"], []).append(waited_us(record))
    ranked = sorted(((series.quantile(sorted(held), 0.9), node) for node, held in waits.items()), reverse=True)
    if len(ranked) > 1 and ranked[0][0] > SLOW_RATIO * max(1, ranked[1][0]):
        return ranked[0][1]
    return ""


# --- lanes ------------------------------------------------------------------------------------------------------------


def _lanes(axes: Axes, trace: Sequence[Record], nodes: Sequence[str], spans: Mapping[str, Sequence[Span]]) -> None:
    done = disturbances(trace)
    lanes = [*([NETWORK] if any(each.target not in nodes for each in done) else []), *nodes]
    rows = {lane: row for row, lane in enumerate(lanes)}
    whole = timeline.Window(0, series.duration_us(trace))
    timeline.paint_conditions(axes, {node: rows[node] for node in nodes}, spans)
    timeline.paint_leaders(axes, rows, series.leader_spans(trace), spans)
    _paint_observing(axes, rows, trace)
    _paint_done(axes, rows, done, whole.end_us)
    _paint_fork(axes, rows, trace)
    timeline.paint_votes(axes, rows, trace)
    axes.set_yticks(range(len(lanes)), lanes)
    axes.set_ylim(len(lanes) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")


def _paint_done(axes: Axes, rows: Mapping[str, int], done: Sequence[Disturbance], whole_us: int) -> None:
    """A strip on the upper edge of its lane, with words where there is room, to the right of the last one."""
    width_s = max(whole_us, 1) / 1e6
    taken: dict[tuple[int, str], float] = {}
    for each in done:
        row = rows.get(each.target, 0)  # the network's
        start_s, length_s = each.start_us / 1e6, max((each.end_us - each.start_us) / 1e6, width_s * 0.004)
        axes.barh(row - 0.32, length_s, left=start_s, height=0.18, color=LIE if each.is_lie else FATE, zorder=5,
                  linewidth=0.4, edgecolor=INK)  # fmt: skip
        if not each.is_lie and each.words in ("down", "paused"):
            continue  # the lane says so
        at_s = max(start_s, taken.get((row, ""), 0.0))
        reach_s = at_s + width_s * LABEL_SHARE * (len(each.words) + 1)
        if at_s > start_s + length_s and at_s > start_s:
            continue
        taken[row, ""] = reach_s
        is_at_end = reach_s > width_s
        axes.text(
            width_s if is_at_end else at_s,
            row + 0.02,
            each.words,
            fontsize=8,
            color=INK,
            ha="right" if is_at_end else "left",
            va="center",
            zorder=7,
            bbox={"facecolor": "white", "alpha": 0.72, "linewidth": 0, "pad": 0.8},
        )


def observing_spans(trace: Sequence[Record]) -> list[Span]:
    """From a node's word that it only observes to its next boot, its word that it votes again, or the end; labelled by
    the node."""
    begun: dict[str, int] = {}
    found: list[Span] = []
    for record in Records.of(trace).of_kind("observing", "booted", "votes_again"):
        node = record["node"]
        if record["kind"] == "observing":
            begun.setdefault(node, record["t_us"])
        elif node in begun:
            found.append(Span(begun.pop(node), record["t_us"], node))
    end_us = series.duration_us(trace)
    found += [Span(since, end_us, node) for node, since in begun.items()]
    return sorted(found)


def _paint_observing(axes: Axes, rows: Mapping[str, int], trace: Sequence[Record]) -> None:
    for span in observing_spans(trace):
        if span.label in rows:
            axes.barh(rows[span.label], span.length_us / 1e6, left=span.start_us / 1e6, height=0.56, facecolor="none",
                      hatch="////", edgecolor="white", linewidth=0, zorder=3)  # fmt: skip


def camps(trace: Sequence[Record]) -> dict[str, tuple[int, int, str]]:
    """Of a forked ledger: per node when and at which height it first executed what others did not, and its camp, A on.
    Empty where all agree."""
    headers: dict[int, dict[str, dict[str, int]]] = {}
    for record in Records.of(trace).of_kind("executed"):
        held = headers.setdefault(record["height"], {}).setdefault(record["header"], {})
        held.setdefault(record["node"], record["t_us"])
    height = min((height for height, held in headers.items() if len(held) > 1), default=None)
    if height is None:
        return {}
    found = {}
    for place, nodes in enumerate(headers[height].values()):
        for node, t_us in nodes.items():
            found[node] = (t_us, height, "ABCDEFGH"[min(place, 7)])
    return found


def _paint_fork(axes: Axes, rows: Mapping[str, int], trace: Sequence[Record]) -> None:
    end_s = series.duration_us(trace) / 1e6
    for node, (t_us, height, camp) in camps(trace).items():
        if node in rows:
            colour = MEMBER_COLOURS[2 + "ABCDEFGH".index(camp) % 2]
            axes.plot([t_us / 1e6, end_s], [rows[node] + 0.2] * 2, color=colour, linewidth=4, solid_capstyle="butt")
            words = f"ledger {camp} from height {height} on"
            axes.text(end_s, rows[node], words, fontsize=8, ha="right", va="center", color=INK, zorder=7,
                      bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 0.8})  # fmt: skip


# --- behind, rejected -------------------------------------------------------------------------------------------------


def lags(trace: Sequence[Record], honest: Sequence[str]) -> dict[str, list[int]]:
    """Per node how many blocks it lacks, at LAG_POINTS moments of the run; 0 before it was first there."""
    end_us = max(series.duration_us(trace), 1)
    heights: dict[str, int] = {}
    found: dict[str, list[int]] = {}
    moments = iter(range(1, LAG_POINTS + 1))
    moment = next(moments)

    def look() -> None:
        head = max((heights.get(node, 0) for node in honest), default=0)
        for node, height in heights.items():
            found.setdefault(node, [0] * (moment - 1)).append(max(0, head - height))

    for record in Records.of(trace).of_kind("executed", "snapshot", "caught_up"):
        while record["t_us"] > moment * end_us // LAG_POINTS:
            look()
            moment = next(moments)
        heights[record["node"]] = max(heights.get(record["node"], 0), record["height"])
    while end_us > moment * end_us // LAG_POINTS:
        look()
        moment = next(moments)
    look()
    return dict(sorted(found.items()))


def _behind(axes: Axes, trace: Sequence[Record], behind: Mapping[str, Sequence[int]]) -> None:
    end_s = series.duration_us(trace) / 1e6
    for (node, lag), colour in zip(sorted(behind.items()), MEMBER_COLOURS * 10, strict=False):
        times = [(index + 1) * end_s / LAG_POINTS for index in range(len(lag))]
        axes.plot(times, lag, color=colour, linewidth=1.4, label=node)
    axes.set_ylim(0, None)
    axes.legend(loc="upper right", fontsize=8, ncols=min(4, len(behind)))


def _rejections(trace: Sequence[Record]) -> list[tuple[str, list[int]]]:
    """The most frequent reasons and the times of each; the others together."""
    times: dict[str, list[int]] = {}
    for record in Records.of(trace).of_kind("rejected"):
        times.setdefault(reject_reason(record), []).append(record["t_us"])
    ranked = sorted(times.items(), key=lambda item: (-len(item[1]), item[0]))
    kept, rest = ranked[: len(REASON_COLOURS) - 1], ranked[len(REASON_COLOURS) - 1 :]
    if rest:
        kept.append((f"{len(rest)} other reasons", [t_us for _, each in rest for t_us in each]))
    return kept


def _rejected(axes: Axes, trace: Sequence[Record], reasons: Sequence[tuple[str, Sequence[int]]]) -> None:
    width_us = series.bin_width_us(series.duration_us(trace))
    count = series.duration_us(trace) // width_us + 1
    edges = [index * width_us / 1e6 for index in range(count + 1)]
    base = [0.0] * count
    for (reason, times), colour in zip(reasons, REASON_COLOURS, strict=False):
        held = Counter(t_us // width_us for t_us in times)
        top = [low + held[index] * 1e6 / width_us for index, low in enumerate(base)]
        axes.stairs(top, edges, baseline=base, fill=True, color=colour, label=f"{reason} ({len(times):,})")
        base = top
    axes.set_ylim(0, max(1.0, *base) * (1.25 + 0.16 * len(reasons)))
    axes.yaxis.set_major_formatter(FuncFormatter(_thousands))
    axes.legend(loc="upper left", fontsize=7.5, ncols=2, borderpad=0.1, labelspacing=0.2)


def _legend(figure: Figure, trace: Sequence[Record], order: Sequence[str]) -> None:
    met = {span.label for spans in series.node_spans(trace).values() for span in spans}
    done = disturbances(trace)
    handles: list[Patch | Line2D] = [Line2D([], [], color=BLUE, linewidth=4.5, label="leads")]
    handles += timeline.condition_handles(met)
    if observing_spans(trace):
        handles.append(Patch(facecolor=SKY, hatch="////", edgecolor="white", label="observes, does not vote"))
    if any(not each.is_lie for each in done):
        handles.append(Patch(facecolor=FATE, edgecolor=INK, linewidth=0.4, label="a fault"))
    if any(each.is_lie for each in done):
        handles.append(Patch(facecolor=LIE, edgecolor=INK, linewidth=0.4, label="does not keep to the protocol"))
    if series.service_gaps(trace):
        handles.append(Patch(color=GAP_FILL, label="no service"))
    if Records.of(trace).of_kind("view_change"):
        handles.append(Line2D([], [], marker="v", color=INK, markersize=5, linestyle="none", label="asks for a view"))
    figure.legend(handles=handles, loc="outside upper center", ncols=5, fontsize=8.5, handlelength=1.6)
