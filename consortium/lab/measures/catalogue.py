"""Every figure that a run can have: its name, its unit, and what it is. docs/measures.md says the same at length.

A new figure is one new file with a value `MEASURE = Measure(…)`, in this folder or as a plug-in: its figures and the
function that takes them from a trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from consortium.core.discovery import NameTaken, offered_by_name
from consortium.runs.records import Records

if TYPE_CHECKING:
    from consortium.lab.measures.distributions import Distributions

PHASES = ("order to prepared", "prepared to committed", "committed to executed", "executed to sealed")
STATISTICS = ("mean", "p50", "p95", "p99", "p999", "max")
STEADY = "_steady"  # behind the name of a figure: without warm-up (lab/measures/warm_up.py)


class Figure(NamedTuple):
    name: str
    unit: str
    what: str


_SEALED = " (by the first seal at or above it)"
DISTRIBUTIONS: tuple[tuple[str, str], ...] = (
    ("latency", "a bundle's time from when it was due (a closed loop: submitted) to its execution at its submitter"),
    ("submit_to_execute", "from a bundle's submission to its execution at its submitter"),
    ("submit_to_order", "from a bundle's submission to the first proposal of its block"),
    ("submit_to_commit", "from a bundle's submission to the commit of its block at its submitter"),
    ("commit_to_execute", "from the commit of a bundle's block at its submitter to its execution there"),
    *(
        (
            f"phase_{phase.replace(' ', '_')}",
            f"{phase}, one value per node and height{_SEALED if 'sealed' in phase else ''}",
        )
        for phase in PHASES
    ),
    ("phase_order_to_committed", "order to committed, one value per node and height, whatever lies in between"),
)


class Measure(NamedTuple):
    """Figures that are taken together. `order`: their place in every table; equal ones stand by name.

    `take`: the value of each figure by name, of a trace and what is distributed in it; a figure of which the trace says
    nothing is left out."""

    name: str
    figures: tuple[Figure, ...]
    take: Callable[[Records, Distributions], Iterator[tuple[str, float]]]
    order: int = 1_000


def measures_offered() -> tuple[Measure, ...]:
    """Every `MEASURE` of this folder's modules and of plug-ins, in order. Raises NameTaken where two have one name."""
    found = offered_by_name(__package__, "MEASURE", Measure).values()
    return tuple(sorted(found, key=lambda measure: (measure.order, measure.name)))


def catalogue() -> tuple[Figure, ...]:
    """Every figure, in the order of columns and rows in every table. Raises NameTaken where two have one name."""
    known: dict[str, str] = {}
    for measure in measures_offered():
        for figure in measure.figures:
            other = known.setdefault(figure.name, measure.name)
            if other != measure.name:
                raise NameTaken(f"the figure {figure.name!r} is of two measures: {other!r} and {measure.name!r}")
    return tuple(figure for measure in measures_offered() for figure in measure.figures)
