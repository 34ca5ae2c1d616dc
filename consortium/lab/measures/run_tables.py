"""One run's trace as tables: its figures, its bundles, their quantiles, its traffic, and what changed over time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from consortium.lab.measures import series, traffic
from consortium.lab.measures.bundles import bundles_of
from consortium.lab.measures.distributions import distributions, sketch
from consortium.lab.measures.measures import measure
from consortium.lab.measures.tables import Column, Table, Value
from consortium.runs.records import Records
from consortium.runs.trace import Record

Row = tuple[Value, ...]

_T_US = "microseconds since the run began"

MEASURES = (
    Column("name", "text", "", "the figure, as in docs/measures.md"),
    Column("value", "number", "", "in the unit beside it"),
    Column("unit", "text", "", "unit of the value; 1 is a count"),
    Column("what", "text", "", "how it was counted"),
)
BUNDLES = (
    Column("node", "text", "", "who submitted it"),
    Column("height", "integer", "1", "the block that it stands in"),
    Column("transactions", "integer", "1", "in the bundle"),
    Column("due_us", "integer", "us", f"when an open load wanted it submitted; else when it was; {_T_US}"),
    Column("submitted_us", "integer", "us", _T_US),
    Column("ordered_us", "integer", "us", f"first proposal of its block anywhere; {_T_US}"),
    Column("committed_us", "integer", "us", f"commit of its block at its submitter; {_T_US}"),
    Column("executed_us", "integer", "us", f"execution at its submitter; {_T_US}"),
    Column("latency_us", "integer", "us", "from when it was due to its execution"),
    Column("is_warm_up", "yes or no", "", "whether the rule of warm-up excludes it"),
)
QUANTILES = (
    Column("distribution", "text", "", "what is distributed, as in docs/measures.md"),
    Column("is_steady", "yes or no", "", "without warm-up"),
    Column("share", "number", "1", "so much of all values is at or below"),
    Column("value_ms", "number", "ms", "nearest rank"),
)
TRAFFIC = (
    Column("sender", "text", "", "node"),
    Column("receiver", "text", "", "node, or * where it was said to all"),
    Column("type", "text", "", "type of message"),
    Column("messages", "integer", "1", "frames published"),
    Column("bytes", "integer", "B", "bytes of these frames"),
)
SERIES = (
    Column("t_s", "number", "s", "since the run began; of bins the middle"),
    Column("series", "text", "", "throughput, latency_p50, latency_p95, messages, pool, inbox, outbox"),
    Column("node", "text", "", "empty: all together"),
    Column("value", "number", "", "in the unit beside it"),
    Column("unit", "text", "", "unit of the value"),
)


def measures_table(trace: Sequence[Record]) -> Table:
    return Table("measures", "a figure of the run", MEASURES, [tuple(figure) for figure in measure(trace).figures])


def bundles_table(trace: Sequence[Record]) -> Table:
    bundles = bundles_of(trace)
    cut = distributions(trace).warm_up.bundles
    rows: list[Row] = [(*bundle, bundle.latency_us, place < cut) for place, bundle in enumerate(bundles)]
    return Table("bundles", "a bundle that its submitter saw executed, in order of execution", BUNDLES, rows)


def quantiles_table(trace: Sequence[Record]) -> Table:
    found = distributions(trace)
    rows: list[Row] = []
    for is_steady, values in ((False, found.raw), (True, found.steady)):
        for name, ordered in values.items():
            rows += [(name, is_steady, share, value) for share, value in sketch(ordered)]
    return Table("quantiles", "a quantile of a distribution", QUANTILES, rows)


def traffic_table(trace: Sequence[Record]) -> Table:
    rows: list[Row] = [tuple(row) for row in traffic.said(trace)]
    return Table("traffic", "what one node said to one receiver (or all), by type of message", TRAFFIC, rows)


def series_table(trace: Sequence[Record]) -> Table:
    width_us = series.bin_width_us(series.duration_us(trace))
    bins = series.throughput(trace, width_us)
    rows: list[Row] = [
        ((place + 0.5) * width_us / 1e6, "throughput", "", value, "tx/s") for place, value in enumerate(bins.values)
    ]
    for name, share in (("latency_p50", 0.5), ("latency_p95", 0.95)):
        points = series.latency_quantiles(trace, width_us, share)
        rows += [(t_s, name, "", value, "ms") for t_s, value in points]
    rows += _message_rates(trace)
    rows += _queue_depths(trace)
    return Table("series", "a value at a time; queues where they changed", SERIES, rows)


def _message_rates(trace: Sequence[Record]) -> Iterator[Row]:
    """Between two `traffic` notes of a node, at the later one."""
    before: dict[tuple[str, int], tuple[int, int]] = {}
    for record in Records.of(trace).of_kind("traffic"):
        key = (record["node"], record["life"])
        count = sum(row[2] for row in record["sent"])
        t_us, counted = before.get(key, (0, 0))
        before[key] = (record["t_us"], count)
        if record["t_us"] > t_us:
            rate = (count - counted) * 1e6 / (record["t_us"] - t_us)
            yield record["t_us"] / 1e6, "messages", record["node"], rate, "1/s"


def _queue_depths(trace: Sequence[Record]) -> Iterator[Row]:
    for record in Records.of(trace).of_kind("queues"):
        for queue in traffic.QUEUES:
            yield record["t_us"] / 1e6, queue, record["node"], record.get(queue, 0), "1"


RUN_TABLES: Mapping[str, Callable[[Sequence[Record]], Table]] = {
    "measures": measures_table,
    "bundles": bundles_table,
    "quantiles": quantiles_table,
    "traffic": traffic_table,
    "series": series_table,
}
