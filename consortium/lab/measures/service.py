"""Figures of service: what was executed and how fast, and how long nothing was."""

from __future__ import annotations

from collections.abc import Iterator

from consortium.lab.measures import series
from consortium.lab.measures.catalogue import Figure, Measure
from consortium.lab.measures.distributions import Distributions
from consortium.runs.records import Records

_GAP = "intervals longer than is ordinary here (`service_gap_least`) in which work waited and no node executed a block"
FIGURES = (
    Figure("duration", "s", "from the start to the last record of the trace"),
    Figure("blocks", "1", "heights executed by at least one node"),
    Figure("transactions", "1", "transactions in those blocks"),
    Figure("transactions_ok", "1", "of them: took effect"),
    Figure("transactions_refused", "1", "of them: refused with a reason"),
    Figure("bundles_submitted", "1", "distinct signed bundles that members submitted"),
    Figure("warm_up", "s", "the beginning of the run that the rule MSER-5 excludes from steady figures"),
    Figure("warm_up_bundles", "1", "bundles that it excludes"),
    Figure("throughput", "tx/s", "transactions by the time from the first submission to the last block"),
    Figure("throughput_steady", "tx/s", "transactions after the warm-up by the time from there to the last block"),
    Figure("throughput_peak", "tx/s", "the best of 20 to 120 equal bins of the run"),
    Figure("service_gap_total", "s", f"time without service: {_GAP}"),
    Figure("service_gap_max", "s", "the longest of them"),
    Figure("service_gap_least", "s", "the shortest such interval: 0.5 s, or more by network and protocol"),
)


def _take(trace: Records, found: Distributions) -> Iterator[tuple[str, float]]:
    warm_up = found.warm_up
    executions = series.first_executions(trace)
    submissions = series.distinct_submissions(trace)
    transactions = sum(record["transactions"] for record in executions)
    start_us = min((record["t_us"] for record in submissions), default=0)
    busy_us = max((record["t_us"] for record in executions if record["transactions"]), default=start_us)
    ok = sum(record["ok"] for record in executions)
    yield "duration", series.duration_us(trace) / 1e6
    yield "blocks", len(executions)
    yield "transactions", transactions
    yield "transactions_ok", ok
    yield "transactions_refused", transactions - ok
    yield "bundles_submitted", len(submissions)
    yield "throughput", transactions * 1e6 / (busy_us - start_us) if busy_us > start_us else 0.0
    if warm_up.is_judged:
        begun_us = max(start_us, warm_up.end_us)
        later = sum(record["transactions"] for record in executions if record["t_us"] > begun_us)
        yield "warm_up", max(0, warm_up.end_us) / 1e6
        yield "warm_up_bundles", warm_up.bundles
        yield "throughput_steady", later * 1e6 / (busy_us - begun_us) if busy_us > begun_us else 0.0
    bins = series.throughput(trace, series.bin_width_us(series.duration_us(trace)))
    yield "throughput_peak", max(bins.values, default=0.0)
    gaps = series.service_gaps(trace)
    yield "service_gap_total", sum(gap.length_us for gap in gaps) / 1e6
    yield "service_gap_max", max((gap.length_us for gap in gaps), default=0) / 1e6
    yield "service_gap_least", trace.silence_us / 1e6


MEASURE = Measure("service", FIGURES, _take, order=10)
