"""Figures of a run, from its trace alone: what each number is, in which unit, and how it was counted."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from consortium.lab.measures.catalogue import DISTRIBUTIONS, PHASES, STATISTICS, STEADY, measures_offered
from consortium.lab.measures.costs import COSTS, cpu_costs
from consortium.lab.measures.distributions import Distributions, distributions, phase_latencies
from consortium.lab.measures.warm_up import WarmUp
from consortium.runs.records import Records
from consortium.runs.trace import Record

COLUMNS = ("name", "value", "unit", "what")


class Measured(NamedTuple):
    """One figure of a run: a row of measures.csv."""

    name: str
    value: float
    unit: str
    what: str


class Measures:
    """The figures of one trace by name, in the order of the catalogue. `warm_up`: what the rule found. `counts`: how
    many values each distribution has, by its name."""

    def __init__(
        self,
        figures: Iterable[Measured],
        warm_up: WarmUp | None = None,
        counts: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        self.warm_up = warm_up
        self.counts = counts
        self.figures: tuple[Measured, ...] = tuple(figures)
        self._by_name: Mapping[str, Measured] = {figure.name: figure for figure in self.figures}

    def __getitem__(self, name: str) -> float:
        return self._by_name[name].value

    def get(self, name: str) -> float | None:
        figure = self._by_name.get(name)
        return None if figure is None else figure.value

    @property
    def single(self) -> list[Measured]:
        """Those that are no statistic of a distribution."""
        of_many = {
            f"{name}{steady}_{each}" for name, _ in DISTRIBUTIONS for steady in ("", STEADY) for each in STATISTICS
        }
        return [figure for figure in self.figures if figure.name not in of_many]

    def spreads(self) -> Iterator[tuple[str, str, bool, tuple[float, ...]]]:
        """(name, what, without warm-up?, milliseconds by STATISTICS) of every distribution that there is."""
        for name, what in DISTRIBUTIONS:
            for is_steady, suffix in ((False, ""), (True, STEADY)):
                if f"{name}{suffix}_mean" in self._by_name:
                    yield name, what, is_steady, tuple(self[f"{name}{suffix}_{each}"] for each in STATISTICS)

    def csv(self) -> str:
        """The columns are COLUMNS; numbers with a point, at most three digits behind it."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        for name, value, unit, what in self.figures:
            writer.writerow((name, f"{round(value, 3):.12g}", unit, what))
        return out.getvalue()


def number(value: float, unit: str) -> str:
    """A figure for a person: what is whole as it is, the rest with three or four significant digits."""
    is_whole = value == int(value) and unit == "1"
    text = f"{value:,.0f}" if is_whole or abs(value) >= 1000 else f"{value:.3g}"
    return text if unit == "1" else f"{text} {unit}"


def measure(trace: Sequence[Record], known: Distributions | None = None) -> Measures:
    """All figures of a trace; those that it says nothing of (CPU, say) are left out. `known`: its distributions."""
    records = Records.of(trace)
    found = known or distributions(records)
    figures = []
    for family in measures_offered():
        values = dict(family.take(records, found))
        assert values.keys() <= {figure.name for figure in family.figures}, (
            f"{family.name}: a figure that it does not name"
        )
        for name, unit, what in family.figures:
            if name in values:
                told = f"{what}: {found.warm_up.verdict}" if name == "warm_up" else what
                figures.append(Measured(name, values[name], unit, told))
    counts = {f"{name}{suffix}": len(values) for suffix, held in (("", found.raw), (STEADY, found.steady))
              for name, values in held.items()}  # fmt: skip
    return Measures(figures, found.warm_up, counts)


__all__ = ["COLUMNS", "COSTS", "PHASES", "Measured", "Measures", "cpu_costs", "measure", "number", "phase_latencies"]
