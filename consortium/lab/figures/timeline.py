"""The picture of who was up and who led: one row per node, over the whole run or around one leader change."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Container, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from consortium.lab.figures.plots import BLUE, GAP_FILL, GREEN, INK, MUTED, ORANGE, PINK, RED, SKY, draw
from consortium.lab.measures import series
from consortium.lab.measures.series import Span
from consortium.runs.records import Records
from consortium.runs.trace import Record

CONDITION_COLOURS = {
    "up": SKY,
    "changing": ORANGE,
    "down": "#c9d0d6",
    "paused": "#c9d0d6",
    "catching up": PINK,
}
CONDITION_WORDS = {
    "up": "in service",
    "changing": "wants a new leader",
    "down": "down",
    "paused": "paused",
    "catching up": "catching up",
}


class Window(NamedTuple):
    start_us: int
    end_us: int


def leader_change_windows(trace: Sequence[Record]) -> list[Window]:
    """A window around every leader change of the run: from a little before its cause to service being back."""
    leaders = series.leader_spans(trace)
    executions = [record["t_us"] for record in series.first_executions(trace)]
    end_us = series.duration_us(trace)
    windows: list[Window] = []
    for before, after in pairwise(leaders):
        earlier, later = bisect_left(executions, after.start_us), bisect_right(executions, after.start_us)
        cause_us = executions[earlier - 1] if earlier else before.start_us
        back_us = executions[later] if later < len(executions) else end_us
        margin_us = max(50_000, (back_us - cause_us) // 3)
        window = Window(max(0, cause_us - margin_us), min(end_us, back_us + margin_us))
        if windows and window.start_us < windows[-1].end_us:
            windows[-1] = Window(windows[-1].start_us, window.end_us)
        else:
            windows.append(window)
    return windows


class Step(NamedTuple):
    """One step in the life of a leader change."""

    t_us: int
    words: str


def steps_in(trace: Sequence[Record], window: Window) -> list[Step]:
    """What happened in a window around a leader change, from the last block before to the first block after."""
    records = Records.of(trace)
    entries = records.of_kind("new_view").between(*window)
    if not entries:
        return []
    executions = [record["t_us"] for record in series.first_executions(trace)]
    steps = [Step(record["t_us"], series.fault_words(record)) for record in records.of_kind("fault").between(*window)]
    asks = records.of_kind("view_change").between(*window)
    if asks:
        before = max((t_us for t_us in executions if t_us < asks[0]["t_us"]), default=None)
        if before is not None:
            steps.append(Step(before, "the last block before"))
        doubts = records.of_kind("suspect").between(max(window.start_us, before or 0), asks[0]["t_us"])
        if doubts:
            steps.append(Step(doubts[0]["t_us"], f"{doubts[0]['node']} is the first to suspect the leader"))
        steps.append(Step(asks[0]["t_us"], f"{asks[0]['node']} is the first to ask for view {asks[0]['view']}"))
    first, last = entries[0], entries[-1]
    steps.append(Step(first["t_us"], f"{first['node']} is the first to enter view {first['view']}"))
    steps.append(Step(last["t_us"], f"{last['node']} is the last to enter view {last['view']}; {last['leader']} leads"))
    after = min((t_us for t_us in executions if t_us > first["t_us"]), default=None)
    if after is not None:
        steps.append(Step(after, "the first block after"))
    return sorted(steps)


def timeline(trace: Sequence[Record], window: Window, name: str, order: Sequence[str] = ()) -> str:
    """Rows of nodes (in `order`, else by name) with conditions, leaders, votes, blocks, service gaps."""
    spans = series.node_spans(trace)
    nodes = [node for node in order if node in spans] or list(spans)
    is_close = window.end_us - window.start_us < series.duration_us(trace)

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        rows = {node: row for row, node in enumerate(nodes)}
        for gap in series.service_gaps(trace):
            axes.axvspan(gap.start_us / 1e6, gap.end_us / 1e6, color=GAP_FILL, zorder=0, linewidth=0)
        conditions = paint_conditions(axes, rows, spans)
        paint_leaders(axes, rows, series.leader_spans(trace), spans)
        _paint_marks(axes, rows, trace, window, is_close)
        axes.set_yticks(range(len(nodes)), nodes)
        axes.set_ylim(len(nodes) - 0.4, -0.6)
        axes.set_xlim(window.start_us / 1e6, max(window.end_us, window.start_us + 1_000) / 1e6)
        axes.set_xlabel("time since the start of the run (s)")
        axes.grid(visible=False, axis="y")
        _legend(figure, conditions, is_close)

    return draw(name, 1.5 + 0.36 * max(1, len(nodes)), paint)


def paint_conditions(axes: Axes, rows: Mapping[str, int], spans: Mapping[str, Sequence[Span]]) -> list[str]:
    """Bars; the conditions that occur, in the order of the legend."""
    met: dict[str, None] = {}
    for node, row in rows.items():
        for span in spans[node]:
            met[span.label] = None
            axes.barh(
                row,
                span.length_us / 1e6,
                left=span.start_us / 1e6,
                height=0.56,
                color=CONDITION_COLOURS[span.label],
                linewidth=0,
            )
    return [condition for condition in CONDITION_COLOURS if condition in met and condition != "paused"]


def condition_handles(met: Container[str]) -> list[Patch]:
    """For a legend: the conditions that occur."""
    return [
        Patch(color=colour, label=CONDITION_WORDS[name]) for name, colour in CONDITION_COLOURS.items() if name in met
    ]


def paint_votes(axes: Axes, rows: Mapping[str, int], trace: Sequence[Record]) -> None:
    """A mark wherever a node asks for a new view."""
    asked = [record for record in Records.of(trace).of_kind("view_change") if record["node"] in rows]
    axes.plot(
        [record["t_us"] / 1e6 for record in asked],
        [rows[record["node"]] + 0.1 for record in asked],
        "v",
        color=INK,
        markersize=5,
        markeredgecolor="white",
        markeredgewidth=0.6,
        linestyle="none",
        zorder=6,
    )


def paint_leaders(
    axes: Axes, rows: Mapping[str, int], leaders: Sequence[Span], spans: Mapping[str, Sequence[Span]]
) -> None:
    """A dark line on the row of the leader, for as long as it is there to lead."""
    for leader in leaders:
        for span in spans.get(leader.label, ()):
            start_us, end_us = max(leader.start_us, span.start_us), min(leader.end_us, span.end_us)
            if leader.label in rows and start_us < end_us and span.label not in ("down", "paused"):
                row = rows[leader.label]
                axes.plot([start_us / 1e6, end_us / 1e6], [row, row], color=BLUE, linewidth=4.5, solid_capstyle="butt")


def _paint_marks(axes: Axes, rows: Mapping[str, int], trace: Sequence[Record], window: Window, is_close: bool) -> None:
    """Faults always; votes for a new view, entries into it and executed blocks only where the picture is close."""
    points: dict[tuple[str, str, float], list[tuple[float, int]]] = {}
    kinds = ("fault", "view_change", "new_view", "executed") if is_close else ("fault",)
    for record in Records.of(trace).of_kind(*kinds).between(*window):
        kind, node = record["kind"], record["node"]
        if kind == "fault":
            node = record["target"]
            style = ("^", GREEN, 9.0) if series.is_repair(record) else ("X", RED, 9.0)
            if not node:  # of the network, or of the broker: it meets everybody
                axes.axvline(record["t_us"] / 1e6, color=style[1], linewidth=1.0, linestyle=":", zorder=4)
        elif kind == "view_change":
            style = ("v", INK, 6.0)
        elif kind == "new_view":
            style = ("D", INK, 5.0)
        elif record["transactions"]:
            style = ("|", "white", 6.0)
        else:
            continue
        if node in rows:
            points.setdefault(style, []).append((record["t_us"] / 1e6, rows[node]))
    for (marker, colour, size), places in points.items():
        axes.plot(
            [x for x, _ in places],
            [y for _, y in places],
            marker,
            color=colour,
            markersize=size,
            markeredgecolor="white" if marker in "X^vD" else colour,
            markeredgewidth=0.8,
            linestyle="none",
            zorder=5,
        )


def _legend(figure: Figure, conditions: Sequence[str], is_close: bool) -> None:
    handles: list[Patch | Line2D] = [Line2D([], [], color=BLUE, linewidth=4.5, label="leads")]
    handles += [Patch(color=CONDITION_COLOURS[c], label=CONDITION_WORDS[c]) for c in conditions]
    handles.append(Patch(color=GAP_FILL, label="no service"))
    handles.append(
        Line2D([], [], marker="X", color=RED, markersize=8, linestyle="none", label="a fault, or its beginning")
    )
    handles.append(Line2D([], [], marker="^", color=GREEN, markersize=8, linestyle="none", label="its end"))
    if is_close:
        handles.append(Line2D([], [], marker="v", color=INK, markersize=6, linestyle="none", label="asks for a view"))
        handles.append(Line2D([], [], marker="D", color=INK, markersize=5, linestyle="none", label="enters it"))
        handles.append(
            Line2D([], [], marker="|", color=MUTED, markersize=8, linestyle="none", label="executes a block")
        )
    figure.legend(handles=handles, loc="outside upper center", ncols=5, fontsize=9, handlelength=1.6)
