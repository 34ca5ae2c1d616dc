"""The figures of a sweep that a person sees first, in the terminal and in its report: the same ones, told alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from consortium.lab.measures.told import MARK, is_few, plus_minus, steady_of, told_names, values_name
from consortium.lab.sweeps.plan import LOAD
from consortium.lab.sweeps.results import Mean

SHOWN = {
    "load_offered": "offered, tx/s",
    "throughput": "tx/s",
    "latency_p50": "p50, ms",
    "latency_p95": "p95, ms",
    "latency_p99": "p99, ms",
    "latency_p999": "p99.9, ms",
    "messages_per_block": "messages a block",
    "view_change_votes": "views asked for",
}
_OF_LOAD = ("load_offered",)
WITHOUT, WITH = "without warm-up (MSER-5)", "warm-up included, for it could not be told apart at all points"


class Columns:
    """What is shown of these points. `names`: what each column's figure is called, without warm-up where all points
    have it so."""

    def __init__(self, axes: Iterable[str], points: Iterable[Mapping[str, object]]) -> None:
        wanted = [name for name in SHOWN if LOAD in axes or name not in _OF_LOAD]
        held = [point for point in points if point]
        known = set.intersection(*(set(point) for point in held)) if held else set[str]()
        self.names = told_names(wanted, known)
        self.heads = [SHOWN[name] for name in wanted]

    @property
    def warm_up(self) -> str:
        is_without = self.names["throughput"] == steady_of("throughput")
        return WITHOUT if is_without else WITH

    def cells(self, figures: Mapping[str, Mean]) -> list[str]:
        """One a column."""
        return [cell(name, figures) for name in self.names.values()]


def cell(name: str, figures: Mapping[str, Mean]) -> str:
    """Mean and interval, marked where a run's own quantile rests on few values."""
    found = figures.get(name)
    if found is None:
        return "-"
    values = figures.get(values_name(name))
    few = MARK if is_few(name, None if values is None else values.mean) else ""
    half = None if found.low is None else found.mean - found.low
    return plus_minus(found.mean, half, found.values) + few
