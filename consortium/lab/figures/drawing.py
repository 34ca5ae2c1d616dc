"""What a figure is: drawn of one run, of several over one another, or of a sweep.

A new figure is one new file with a value `FIGURE = Drawing(…)`, in this folder or as a plug-in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from consortium.core.discovery import offered_by_name
from consortium.lab.figures.paper import Picture
from consortium.lab.measures.distributions import Distributions
from consortium.lab.measures.measures import Measures
from consortium.lab.sweeps.results import SweepResults
from consortium.runs.run import Run


class Shown(NamedTuple):
    """A run as figures show it; `label` is what a legend calls it."""

    label: str
    run: Run
    found: Distributions
    measures: Measures


def _nothing_of_runs(runs: Sequence[Shown], source: str) -> Iterable[Picture]:
    return ()


def _nothing_of_sweep(results: SweepResults, source: str) -> Iterable[Picture]:
    return ()


class Drawing(NamedTuple):
    """One sort of figure. Each function gives its pictures, none where there is nothing to draw; `source` is the line
    for their foot. `of_runs` is given one run, or several to draw over one another. `order`: its place on a page; equal
    ones stand by name."""

    name: str
    of_runs: Callable[[Sequence[Shown], str], Iterable[Picture]] = _nothing_of_runs
    of_sweep: Callable[[SweepResults, str], Iterable[Picture]] = _nothing_of_sweep
    order: int = 1_000


def drawings() -> tuple[Drawing, ...]:
    """Every `FIGURE` of this folder's modules and of plug-ins, in order. Raises NameTaken where two have one name."""
    found = offered_by_name(__package__, "FIGURE", Drawing).values()
    return tuple(sorted(found, key=lambda drawing: (drawing.order, drawing.name)))
