"""The figure of how latency is distributed: of runs each bundle, of a sweep the quantiles of its points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from consortium.lab.figures.curves import Curve, empirical, latency_cdf
from consortium.lab.figures.drawing import Drawing, Shown
from consortium.lab.figures.paper import Picture
from consortium.lab.figures.sweep_points import SERIES_MAX, point_words, steady_suffix
from consortium.lab.measures.distributions import Distributions
from consortium.lab.sweeps.results import SweepResults


def _of_runs(runs: Sequence[Shown], source: str) -> Iterator[Picture]:
    heard = [shown for shown in runs if shown.found.raw.get("latency")]
    if heard:
        founds = [shown.found for shown in heard]
        curves = [empirical(shown.label, values) for shown, values in zip(heard, _latencies(founds), strict=True)]
        yield latency_cdf(curves, source, _cdf_caption(founds))


def _latencies(founds: Sequence[Distributions]) -> list[Sequence[int]]:
    """Without warm-up where the rule could judge all of them, else raw: never a mixture."""
    if _is_steady(founds):
        return [found.steady["latency"] for found in founds]
    return [found.raw["latency"] for found in founds]


def _is_steady(founds: Sequence[Distributions]) -> bool:
    return all(found.steady.get("latency") for found in founds)


def _cdf_caption(founds: Sequence[Distributions]) -> str:
    counts = " and ".join(f"{len(values):,}" for values in _latencies(founds))
    without = "without warm-up (MSER-5)" if _is_steady(founds) else "warm-up included"
    return (
        f"From the submission of a bundle to its execution at the node that submitted it; {counts} bundles, {without}. "
        "Marks: the median and the 95th percentile."
    )


def _of_sweep(results: SweepResults, source: str) -> list[Picture]:
    is_steady = bool(steady_suffix(results))
    known = [(p, p.quantiles[key]) for p in results.points if (key := ("latency", is_steady)) in p.quantiles]
    if not known or len(known) > SERIES_MAX:
        return []
    curves = [
        Curve(point_words(results, point), [value for _, value in shares], [share * 100 for share, _ in shares])
        for point, shares in known
    ]
    warm = "without warm-up (MSER-5)" if is_steady else "warm-up included"
    caption = (
        f"Quantiles of bundles' latency, each the mean of the runs' own, {warm}. Marks: median and 95th percentile."
    )
    return [latency_cdf(curves, source, caption)]


FIGURE = Drawing("latency distribution", _of_runs, _of_sweep, order=40)
