"""The figures of a sweep over the load: latency against the throughput that was reached.

Where loads are shares of saturation there is one for each protocol, with the saturation that was found in it.
"""

from __future__ import annotations

from collections.abc import Iterator

from consortium.lab.figures.drawing import Drawing
from consortium.lab.figures.paper import Picture
from consortium.lab.figures.scaling import Curves, Series, throughput_latency
from consortium.lab.figures.sweep_points import caption_of, dot_of, lines_of, steady_suffix
from consortium.lab.sweeps.plan import ALIASES, LOAD
from consortium.lab.sweeps.results import SweepResults, axis_words

_WORKLOAD = "workload."
_HOLLOW = "Hollow: fewer than ten values lie beyond that quantile."


def _pictures(results: SweepResults, source: str) -> Iterator[Picture]:
    """Where the load varies."""
    axis = next((a for a in results.axes if _is_load(a) and results.is_numeric(a)), None)
    if axis is None or len(results.values(axis)) < 2:
        return
    yield _picture(results, axis, source, Curves())
    protocols = list(dict.fromkeys(point.scenario.protocol for point in results.points))
    for protocol in protocols if axis == LOAD and len(protocols) > 1 else ():
        own = results._replace(points=tuple(p for p in results.points if p.scenario.protocol == protocol))
        words = f"Throughput against latency: {protocol}"
        yield _picture(own, axis, source, Curves(f"throughput-latency-{protocol}", words))


def _is_load(axis: str) -> bool:
    return axis == LOAD or ALIASES.get(axis, axis).startswith(_WORKLOAD)


def _picture(results: SweepResults, axis: str, source: str, curves: Curves) -> Picture:
    suffix = steady_suffix(results)
    series = []
    for label, points in lines_of(results, axis):
        dots = [dot_of(point, axis, suffix) for point in points]
        series.append(Series(label, sorted(dots, key=lambda dot: dot.x, reverse=axis.endswith("interval_us"))))
    if axis == LOAD and len(series) == 1:
        curves = curves._replace(saturation=results.points[0].saturation, has_p99=True)
    first = f"Each dot is a load ({axis_words(axis)}). Thick: median latency; thin: the 95th percentile."
    return throughput_latency(series, source, f"{caption_of(results, first)} {_HOLLOW}", curves)


FIGURE = Drawing("latency by load", of_sweep=_pictures, order=30)
