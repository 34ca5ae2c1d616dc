"""The figure of who led, who was up and what was done to them: readable without colour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from consortium.lab.figures.drawing import Drawing, Shown
from consortium.lab.figures.paper import Fill, Picture
from consortium.lab.measures import series
from consortium.runs.records import Records
from consortium.runs.trace import Record

CONDITIONS = {
    "up": ("in service", Fill("#dbe7f0", "")),
    "changing": ("wants a new view", Fill("#f0b95b", "////")),
    "catching up": ("catching up", Fill("#d9b3cc", "....")),
    "down": ("down", Fill("white", "xxx")),
    "paused": ("paused", Fill("white", "\\\\\\\\")),
}
ROWS_MAX = 40


def views_and_faults(trace: Sequence[Record], order: Sequence[str], source: str) -> Picture:
    """One row a node; the leader has a dark bar; views by number above; shaded: no service."""
    spans = series.node_spans(trace)
    nodes = [node for node in order if node in spans][:ROWS_MAX]
    left_out = len(spans) - len(nodes)
    leaders, views = _led(trace), _views(trace)
    end_s = max(series.duration_us(trace), 1_000) / 1e6

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for gap in series.service_gaps(trace):
            axes.axvspan(gap.start_us / 1e6, gap.end_us / 1e6, color="#ececec", zorder=0, linewidth=0)
        met = {}
        for row, node in enumerate(nodes):
            for span in spans[node]:
                words, fill = CONDITIONS[span.label]
                met[span.label] = Patch(facecolor=fill.colour, hatch=fill.hatch, edgecolor="#404040", label=words)
                axes.barh(row, span.length_us / 1e6, left=span.start_us / 1e6, height=0.62, color=fill.colour,
                          hatch=fill.hatch, edgecolor="#404040", linewidth=0.4)  # fmt: skip
        for leader in leaders:
            for span in spans.get(leader.label, ()) if leader.label in nodes else ():
                start_us, end_us = max(leader.start_us, span.start_us), min(leader.end_us, span.end_us)
                if start_us < end_us and span.label not in ("down", "paused"):
                    row = nodes.index(leader.label)
                    axes.plot([start_us / 1e6, end_us / 1e6], [row, row], color="black", linewidth=3.2,
                              solid_capstyle="butt")  # fmt: skip
        _mark_views(axes, views, end_s)
        handles: list[Patch | Line2D] = [Line2D([], [], color="black", linewidth=3.2, label="leads")]
        handles += [met[label] for label in CONDITIONS if label in met]
        handles += _mark_faults(axes, trace, nodes)
        if series.service_gaps(trace):
            handles.append(Patch(color="#ececec", label="no service"))
        axes.set_yticks(range(len(nodes)), nodes)
        axes.set_ylim(len(nodes) - 0.4, -0.6)
        axes.set_xlim(0, end_s)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("time since the start of the run (s)")
        figure.legend(handles=handles, loc="outside upper left", ncols=5)

    more = f" {left_out} further nodes are not drawn." if left_out > 0 else ""
    caption = (
        "One row a node: its condition, and a black bar while it leads. Above: the view, where the first node entered "
        f"it. Shaded: work waited and for at least {series.silence_words(trace)} no node executed a block.{more}"
    )
    return Picture("views-and-faults", "Views and faults over time", caption, source, 1.35 + 0.2 * len(nodes), paint)


def _led(trace: Sequence[Record]) -> list[series.Span]:
    """Who led, views of one leader in a row together."""
    found: list[series.Span] = []
    for span in series.leader_spans(trace):
        if found and found[-1].label == span.label:
            span = span._replace(start_us=found.pop().start_us)
        found.append(span)
    return found


def _views(trace: Sequence[Record]) -> list[tuple[float, int]]:
    """(seconds, view) of the first entry into each view that was led long enough to be told."""
    found: list[tuple[float, int]] = []
    for record in Records.of(trace).of_kind("new_view"):
        if not found or record["view"] > found[-1][1]:
            found.append((record["t_us"] / 1e6, record["view"]))
    return found


def _mark_views(axes: Axes, views: Sequence[tuple[float, int]], end_s: float) -> None:
    last = -1.0
    for at_s, view in views:
        axes.axvline(at_s, color="#404040", linewidth=0.6)
        if last < 0 or at_s - last > end_s * 0.045:
            axes.annotate(f"v{view}", (at_s, 1.0), xycoords=("data", "axes fraction"), xytext=(1, 2),
                          textcoords="offset points", fontsize=7, annotation_clip=False)  # fmt: skip
            last = at_s


def _mark_faults(axes: Axes, trace: Sequence[Record], nodes: Sequence[str]) -> list[Patch | Line2D]:
    kinds = {}
    for record in Records.of(trace).of_kind("fault"):
        is_end, target = series.is_repair(record), record["target"]
        colour = "#00704f" if is_end else "#b3200a"
        style = {"color": colour, "markersize": 7, "markeredgecolor": "white", "linestyle": "none"}
        mark: dict[str, Any] = {**style, "marker": "^" if is_end else "X"}
        kinds[is_end] = Line2D([], [], label="its end" if is_end else "a fault", **mark)
        if target in nodes:
            axes.plot([record["t_us"] / 1e6], [nodes.index(target)], zorder=5, **mark)
        else:
            axes.axvline(record["t_us"] / 1e6, color=colour, linewidth=1.0, linestyle=(0, (1, 2)), zorder=4)
    return [kinds[is_end] for is_end in sorted(kinds)]


def _of_runs(runs: Sequence[Shown], source: str) -> Iterator[Picture]:
    """Of one run alone: the rows of several would not be told apart."""
    if len(runs) == 1:
        run = runs[0].run
        yield views_and_faults(run.trace, [member.name for member in run.scenario.members], source)


FIGURE = Drawing("views and faults", _of_runs, order=70)
