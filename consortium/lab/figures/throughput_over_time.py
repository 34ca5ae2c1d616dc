"""The figure of throughput and latency over the time of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from consortium.lab.figures.curves import OverTime, over_time
from consortium.lab.figures.drawing import Drawing, Shown
from consortium.lab.figures.paper import Picture
from consortium.lab.measures import series


def _of_runs(runs: Sequence[Shown], source: str) -> Iterator[Picture]:
    longest_us = max(series.duration_us(shown.run.trace) for shown in runs)
    width_us = series.bin_width_us(longest_us)
    drawn = [
        OverTime(
            label,
            series.throughput(run.trace, width_us),
            series.latency_quantiles(run.trace, width_us, 0.5),
            series.latency_quantiles(run.trace, width_us, 0.95),
            [record["t_us"] / 1e6 for record in run.records.of_kind("fault")],
        )
        for label, run, _, _ in runs
    ]
    caption = (
        f"In bins of {width_us / 1e6:g} s: transactions by the first node that executed them; latency of bundles by "
        "the time of their execution at their submitter. Dotted lines: faults."
    )
    yield over_time(drawn, source, caption)


FIGURE = Drawing("over time", _of_runs, order=60)
