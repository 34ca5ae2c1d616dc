"""The message-sequence (Lamport) diagram of one height: a line a node, time to the right, an arrow a message."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from consortium.lab.figures.paper import Picture, look, plain_axis
from consortium.lab.figures.sequence import PHASES, Diagram, counts

LANES_MAX = 12
MARKS = {"proposed": ("D", 5.5), "prepared": ("s", 5.0), "committed": ("o", 5.5), "executed": ("^", 6.5)}


def lamport(shown: Diagram, source: str) -> Picture:
    lanes = shown.nodes[:LANES_MAX]
    kinds = sorted(counts(shown), key=lambda kind: min(a.said_us for a in shown.arrows if a.kind == kind))
    rows = {node: row for row, node in enumerate(lanes)}

    def paint(figure: Figure) -> None:
        axes = figure.subplots()
        for row in rows.values():
            axes.axhline(row, color="black", linewidth=0.8, zorder=1)
        _paint_arrows(axes, shown, kinds, rows)
        _paint_marks(axes, shown, rows)
        axes.set_yticks(range(len(lanes)), lanes)
        axes.set_ylim(len(lanes) - 0.55, -0.45)
        span_ms = max(shown.end_us - shown.begin_us, 100) / 1e3
        axes.set_xlim(-0.02 * span_ms, span_ms * 1.03)
        axes.grid(visible=False)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
        plain_axis(axes.xaxis)
        axes.set_xlabel(f"time since {shown.begin_us / 1e6:,.6f} s of the run (ms)")
        _legend(figure, shown, kinds)

    left_out = len(shown.nodes) - len(lanes)
    told = ", ".join(f"{count} {kind}" for kind, count in counts(shown).items())
    caption = (
        f"Height {shown.height}, from its first order to its execution{_stragglers(shown)}. {shown.how}"
        + (f" Messages: {told}." if told else "")
        + (
            f" The first {len(lanes)} of {len(shown.nodes)} nodes, and what they said to one another."
            if left_out > 0
            else ""
        )
    )
    name = f"sequence-{shown.height}"
    legend_rows = -(-(len(kinds) + len(_met(shown)) + 1) // 5)
    return Picture(
        name,
        f"Messages about height {shown.height}",
        caption,
        source,
        0.8 + 0.17 * legend_rows + 0.42 * len(lanes),
        paint,
    )


def _stragglers(shown: Diagram) -> str:
    """Words for who is not seen to execute it."""
    late = [node for node in shown.nodes if not any(m.node == node and m.kind == "executed" for m in shown.marks)]
    return f" ({', '.join(late)} executed it much later, or never)" if late else " at every node"


def _paint_arrows(axes: Axes, shown: Diagram, kinds: list[str], rows: dict[str, int]) -> None:
    dense = len(shown.arrows) > 120
    for arrow in shown.arrows:
        if arrow.sender not in rows or arrow.receiver not in rows:
            continue
        drawn = look(kinds.index(arrow.kind))
        start = ((arrow.said_us - shown.begin_us) / 1e3, rows[arrow.sender])
        if arrow.heard_us is None:
            toward = start[1] + (0.3 if rows[arrow.receiver] > start[1] else -0.3)
            axes.plot([start[0]], [toward], "x", color=drawn.colour, markersize=4, zorder=3)
            continue
        end = ((arrow.heard_us - shown.begin_us) / 1e3, rows[arrow.receiver])
        style = {
            "arrowstyle": "-|>,head_width=0.12,head_length=0.3",
            "color": drawn.colour,
            "linestyle": drawn.dashes,
            "linewidth": 0.6 if dense else 0.9,
            "shrinkA": 0,
            "shrinkB": 0,
            "alpha": 0.75 if dense else 1.0,
        }
        axes.annotate("", end, start, arrowprops=style, zorder=2, annotation_clip=False)


def _met(shown: Diagram) -> list[str]:
    return [phase for phase in PHASES if any(mark.kind == phase for mark in shown.marks)]


def _paint_marks(axes: Axes, shown: Diagram, rows: dict[str, int]) -> None:
    for mark in shown.marks:
        if mark.node in rows:
            marker, size = MARKS[mark.kind]
            axes.plot([(mark.t_us - shown.begin_us) / 1e3], [rows[mark.node]], marker, markersize=size, color="white",
                      markeredgecolor="black", markeredgewidth=0.9, zorder=4)  # fmt: skip


def _legend(figure: Figure, shown: Diagram, kinds: list[str]) -> None:
    handles = [
        Line2D([], [], color=look(i).colour, linestyle=look(i).dashes, linewidth=1.1, label=kind)
        for i, kind in enumerate(kinds)
    ]
    for phase in _met(shown):
        marker, size = MARKS[phase]
        handles.append(Line2D([], [], marker=marker, markersize=size, color="white", markeredgecolor="black",
                              linestyle="none", label=phase))  # fmt: skip
    if any(arrow.heard_us is None for arrow in shown.arrows):
        handles.append(Line2D([], [], marker="x", color="#404040", markersize=4, linestyle="none", label="not heard"))
    figure.legend(handles=handles, loc="outside upper left", ncols=5)
