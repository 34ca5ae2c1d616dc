"""How a figure for a paper looks, and how it becomes PNG and SVG.

As wide as a page's text, letters as outlines in both (no font is needed to read them), lines told apart by dashes and
marks and not by colour alone, and at its foot where the figures come from. The same input gives the same bytes.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from consortium.lab.figures.plots import BLUE, GREEN, INK, MUTED, ORANGE, PINK, RED, SKY
from consortium.lab.measures.tables import write_whole

WIDTH_INCHES = 6.6
DOTS_PER_INCH = 200
SOURCE_SIZE = 6.2
SOURCE_LINE_INCHES = 0.112
SOURCE_CHARACTERS_AN_INCH = 23

STYLE: dict[str, Any] = {
    "svg.fonttype": "path",
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.labelsize": 8.5,
    "axes.edgecolor": INK,
    "axes.labelcolor": "black",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#d0d0d0",
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.5,
    "hatch.linewidth": 0.7,
}


class Look(NamedTuple):
    """How one series is told from the others, also without colour."""

    colour: str
    dashes: Any
    marker: str


LOOKS = (
    Look(BLUE, "-", "o"),
    Look(RED, (0, (5, 2)), "s"),
    Look(GREEN, (0, (1, 1.2)), "^"),
    Look(INK, (0, (6, 2, 1, 2)), "D"),
    Look(PINK, (0, (3, 1.5)), "v"),
    Look(ORANGE, (0, (6, 1.5, 1, 1.5, 1, 1.5)), "P"),
    Look(SKY, (0, (8, 3)), "X"),
    Look(MUTED, (0, (2, 2)), "*"),
)


class Fill(NamedTuple):
    """How one part of a stack is told from the others, also without colour."""

    colour: str
    hatch: str


FILLS = (
    Fill("#2c5f8a", ""),
    Fill("#f0b95b", "////"),
    Fill("#f2f2f2", "...."),
    Fill("#9fc6b5", "xxx"),
    Fill(PINK, "--"),
)


class Picture(NamedTuple):
    """A figure that is not drawn yet. `name`: of its files; `alt`: for those who do not see it; `caption`: what is
    shown and how it was counted; `source`: scenario, seed, version, machine, for its foot."""

    name: str
    alt: str
    caption: str
    source: str
    height_inches: float
    paint: Callable[[Figure], None]


def look(index: int) -> Look:
    return LOOKS[index % len(LOOKS)]


def draw_svg(picture: Picture) -> str:
    out = io.StringIO()
    _draw(picture, FigureCanvasSVG, out, "svg", {"Date": None, "Creator": None, "Description": picture.source})
    return out.getvalue()


def draw_png(picture: Picture) -> bytes:
    out = io.BytesIO()
    _draw(picture, FigureCanvasAgg, out, "png", {"Software": None, "Description": picture.source})
    return out.getvalue()


def _draw(picture: Picture, canvas: Any, out: Any, kind: str, metadata: dict[str, Any]) -> None:
    rc: Any = {**STYLE, "svg.hashsalt": picture.name}
    lines = textwrap.wrap(picture.source, int(WIDTH_INCHES * SOURCE_CHARACTERS_AN_INCH)) or [""]
    foot_inches = 0.06 + SOURCE_LINE_INCHES * len(lines)
    height_inches = picture.height_inches + foot_inches
    with matplotlib.rc_context(rc):
        figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained")
        canvas(figure)
        engine: Any = figure.get_layout_engine()
        engine.set(rect=(0, foot_inches / height_inches, 1, 1 - foot_inches / height_inches))
        picture.paint(figure)
        figure.text(
            0.008, 0.03 / height_inches, "\n".join(lines), fontsize=SOURCE_SIZE, color="#404040", va="bottom",
            linespacing=1.25,
        ).set_in_layout(False)  # fmt: skip
        figure.savefig(out, format=kind, dpi=DOTS_PER_INCH, metadata=metadata, facecolor="white")


def save(pictures: Sequence[Picture], folder: Path) -> list[Path]:
    """NAME.svg and NAME.png of each, in a folder that is made. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for picture in pictures:
        for suffix, data in ((".svg", draw_svg(picture).encode()), (".png", draw_png(picture))):
            path = folder / f"{picture.name}{suffix}"
            write_whole(path, data)
            written.append(path)
    return written


def plain_number(value: float, _: object = None) -> str:
    """Never an exponent: `0.5`, `12`, `1,500`."""
    return f"{value:,.0f}" if abs(value) >= 10 or value == int(value) else f"{value:.3g}"


def plain_axis(axis: Any) -> None:
    """Numbers without exponents; on a log scale at 1, 2 and 5 of each decade where there are few decades."""
    axis.set_major_formatter(FuncFormatter(plain_number))
    axis.set_minor_formatter(NullFormatter())
    if axis.get_scale() == "log":
        low, high = axis.get_view_interval()
        few = high < low * 200
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))


def legend_above(axes: Axes, columns: int = 4) -> None:
    """Outside the data, where it hides nothing."""
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=columns, borderaxespad=0.2, columnspacing=1.4)
