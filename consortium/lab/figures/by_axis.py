"""The figure of a sweep against one axis: latency and throughput by a number that was varied."""

from __future__ import annotations

from collections.abc import Iterator

from consortium.lab.figures.drawing import Drawing
from consortium.lab.figures.paper import Picture
from consortium.lab.figures.scaling import Series, against
from consortium.lab.figures.sweep_points import caption_of, dot_of, lines_of, steady_suffix
from consortium.lab.sweeps.results import SweepResults, axis_words


def _of_sweep(results: SweepResults, source: str) -> Iterator[Picture]:
    for axis in results.axes:
        if results.is_numeric(axis) and len(results.values(axis)) > 1:
            yield _against(results, axis, source)


def _against(results: SweepResults, axis: str, source: str) -> Picture:
    suffix = steady_suffix(results)
    series = [
        Series(label, [dot_of(point, axis, suffix) for point in points]) for label, points in lines_of(results, axis)
    ]
    caption = caption_of(results, "Thick: median latency of a bundle; thin: the 95th percentile; below: throughput.")
    return against(f"by-{axis.rpartition('.')[2].replace('_', '-')}", axis_words(axis), series, source, caption)


FIGURE = Drawing("by axis", of_sweep=_of_sweep, order=10)
