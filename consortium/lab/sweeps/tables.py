"""The tables of a sweep, out of its plan and its runs' results: the same rows whoever ran them, in whatever order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from consortium.lab.measures.catalogue import catalogue
from consortium.lab.measures.confidence import LEVEL_PERCENT, interval
from consortium.lab.measures.distributions import SHARES
from consortium.lab.measures.run_tables import QUANTILES
from consortium.lab.measures.tables import Column, Table, Value, column_type
from consortium.lab.sweeps.plan import LOAD, MEMBERS, Plan, Point
from consortium.lab.sweeps.run import DIGITS, OUTCOMES, Done

Results = Mapping[tuple[int, int], Done]
Row = tuple[Value, ...]

_POINT = Column("point", "integer", "1", "number of the point, from 0; scenarios/NNNN.json is its scenario")
_REPEAT = Column("repeat", "integer", "1", "which run of the point, from 0")
_SEED = Column("seed", "integer", "1", "the scenario's seed in this run")


def sweep_tables(plan: Plan, results: Results) -> tuple[Table, ...]:
    """`results` by (point, repeat), of every run of the plan."""
    return (_runs(plan, results), _points(plan, results), _quantiles(plan, results), _traffic(plan, results))


_OWN = {MEMBERS: ("number of validators", "1"), LOAD: ("share of the configuration's saturation", "%")}


def _axes(plan: Plan) -> tuple[Column, ...]:
    columns = []
    for axis in plan.axes:
        kind = column_type(point.settings[axis] for point in plan.points)
        what = _OWN.get(axis, (f"what was varied: --set {axis}", ""))[0]
        unit = _OWN[axis][1] if axis in _OWN else next((u for u in ("us", "ppm", "fen") if axis.endswith(f"_{u}")), "")
        columns.append(Column(axis, kind, unit, what))
    return tuple(columns)


def _settings(plan: Plan, point: Point, columns: Sequence[Column]) -> Row:
    return tuple(_plain(point.settings[axis], column.type) for axis, column in zip(plan.axes, columns, strict=True))


def _plain(value: Any, kind: str) -> Value:
    if isinstance(value, str) or value is None:
        return value
    return value if kind != "text" else msgspec.json.encode(value).decode()


def _runs(plan: Plan, results: Results) -> Table:
    axes = _axes(plan)
    known = catalogue()
    columns = (
        _POINT,
        _REPEAT,
        _SEED,
        *axes,
        Column("outcome", "text", "", f"one of {', '.join(OUTCOMES)}; only runs of `holds` enter means"),
        Column("why", "text", "", "the first thing that a check found wrong, or the error; empty where all holds"),
        Column("warm_up_rule", "text", "", "what the rule of warm-up found: cut, nothing to cut, too few bundles, …"),
        Column(
            "fingerprint", "text", "", "SHA-256 of the run's trace; `consortium run` of scenario and seed repeats it"
        ),
        *(Column(figure.name, "number", figure.unit, figure.what) for figure in known),
    )
    rows: list[Row] = []
    for point in plan.points:
        for repeat, seed in enumerate(plan.seeds):
            result = results[point.number, repeat].result
            about = (result.outcome, result.why, result.warm_up_rule, result.fingerprint)
            figures = tuple(result.figures.get(figure.name) for figure in known)
            rows.append((point.number, repeat, seed, *_settings(plan, point, axes), *about, *figures))
    return Table("runs", "a run: one point with one seed", columns, rows)


def _points(plan: Plan, results: Results) -> Table:
    axes = _axes(plan)
    level = f"of the {LEVEL_PERCENT} % confidence interval of the mean (Student's t over the runs)"
    columns = (
        _POINT,
        *axes,
        Column("seeds", "text", "", "of the point's runs, first-last"),
        Column("runs", "integer", "1", "runs of the point"),
        Column("failed", "integer", "1", "of them: a check failed, no progress, nothing checked, or an error"),
        Column("figure", "text", "", "as in docs/measures.md"),
        Column("unit", "text", "", "of the figure"),
        Column("values", "integer", "1", "runs that hold and have the figure: the sample"),
        Column("mean", "number", "", "of the sample"),
        Column("deviation", "number", "", "standard deviation of the sample"),
        Column("low", "number", "", f"lower end {level}"),
        Column("high", "number", "", f"upper end {level}"),
        Column("least", "number", "", "of the sample"),
        Column("greatest", "number", "", "of the sample"),
    )
    seeds = f"{plan.seeds[0]}-{plan.seeds[-1]}"
    rows: list[Row] = []
    known = catalogue()
    for point in plan.points:
        done = [results[point.number, repeat].result for repeat in range(len(plan.seeds))]
        held = [result for result in done if result.outcome == "holds"]
        head = (point.number, *_settings(plan, point, axes), seeds, len(done), len(done) - len(held))
        for figure in known:
            values = [result.figures[figure.name] for result in held if figure.name in result.figures]
            rows.append((*head, figure.name, figure.unit, *_summary(values)))
    return Table("points", "a figure at a point, over its runs", columns, rows)


def _summary(values: Sequence[float]) -> Row:
    if not values:
        return (0, None, None, None, None, None, None)
    found = interval(values)
    rounded = [None if each is None else round(each, DIGITS) for each in found[1:]]
    return (found.values, *rounded, min(values), max(values))


def _quantiles(plan: Plan, results: Results) -> Table:
    axes = _axes(plan)
    rows: list[Row] = []
    for point in plan.points:
        for repeat, seed in enumerate(plan.seeds):
            head = (point.number, repeat, seed, *_settings(plan, point, axes))
            for name, pair in results[point.number, repeat].result.quantiles.items():
                for is_steady, values in zip((False, True), pair, strict=True):
                    shares = SHARES if values else ()
                    rows += [
                        (*head, name, is_steady, share / 1_000, value)
                        for share, value in zip(shares, values, strict=True)
                    ]
    return Table(
        "quantiles", "a quantile of a distribution in a run", (_POINT, _REPEAT, _SEED, *axes, *QUANTILES), rows
    )


def _traffic(plan: Plan, results: Results) -> Table:
    axes = _axes(plan)
    columns = (
        _POINT,
        _REPEAT,
        _SEED,
        *axes,
        Column("type", "text", "", "type of message"),
        Column("messages", "integer", "1", "frames published; one to all counts once"),
        Column("deliveries", "integer", "1", "the same, one to all counted once for each other node"),
        Column("bytes", "integer", "B", "bytes of these frames as published"),
    )
    rows: list[Row] = []
    for point in plan.points:
        for repeat, seed in enumerate(plan.seeds):
            head = (point.number, repeat, seed, *_settings(plan, point, axes))
            for kind, sums in results[point.number, repeat].result.traffic.items():
                rows.append((*head, kind, *sums))
    return Table("traffic", "a type of message in a run, over all nodes", columns, rows)


TIMINGS = (
    _POINT,
    _REPEAT,
    Column("wall_s", "number", "s", "what simulating, checking and measuring took"),
    Column("cpu_s", "number", "s", "CPU of the process meanwhile"),
    Column("rss_mb", "integer", "MB", "the most memory that the process ever held"),
    Column("machine", "text", "", "where it ran"),
)


def timings_table(plan: Plan, results: Results) -> Table:
    """Apart from the results: it is another one every time."""
    rows: list[Row] = []
    for point in plan.points:
        for repeat in range(len(plan.seeds)):
            timing = results[point.number, repeat].timing
            rows.append((point.number, repeat, timing.wall_s, timing.cpu_s, timing.rss_mb, timing.machine))
    return Table("timings", "what a run took", TIMINGS, rows)
