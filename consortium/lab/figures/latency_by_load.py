"""The figure of a sweep over the load: latency against the throughput that was reached."""

from __future__ import annotations

from consortium.lab.figures.drawing import Drawing
from consortium.lab.figures.paper import Picture
from consortium.lab.figures.scaling import Series, throughput_latency
from consortium.lab.figures.sweep_points import caption_of, dot_of, lines_of, steady_suffix
from consortium.lab.sweeps.plan import ALIASES
from consortium.lab.sweeps.results import SweepResults, axis_words

LOAD = "workload."


def _throughput_latency(results: SweepResults, source: str) -> list[Picture]:
    """Where the load varies."""
    axis = next((a for a in results.axes if ALIASES.get(a, a).startswith(LOAD) and results.is_numeric(a)), None)
    if axis is None or len(results.values(axis)) < 2:
        return []
    suffix = steady_suffix(results)
    series = []
    for label, points in lines_of(results, axis):
        dots = [dot_of(point, axis, suffix) for point in points]
        series.append(Series(label, sorted(dots, key=lambda dot: dot.x, reverse=axis.endswith("interval_us"))))
    first = f"Each dot is a load ({axis_words(axis)}). Thick: median latency; thin: the 95th percentile."
    return [throughput_latency(series, source, caption_of(results, first))]


FIGURE = Drawing("latency by load", of_sweep=_throughput_latency, order=30)
