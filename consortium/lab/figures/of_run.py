"""The figures of a run, and of several runs over one another: whatever figures there are, found by name."""

from __future__ import annotations

from collections.abc import Sequence

from consortium.lab.comparison.compare import Side
from consortium.lab.figures.drawing import Shown, drawings
from consortium.lab.figures.paper import Picture
from consortium.lab.figures.source import source_of
from consortium.lab.measures.distributions import Distributions
from consortium.lab.measures.measures import Measures
from consortium.runs.run import Run


def figures_of_run(run: Run, found: Distributions, measures: Measures) -> list[Picture]:
    """Those that there is something to draw for."""
    return _figures([Shown(run.scenario.name, run, found, measures)])


def figures_of_sides(sides: Sequence[Side]) -> list[Picture]:
    """The same of several runs, over one another."""
    return _figures([Shown(side.label, side.run, side.found, side.measures) for side in sides])


def _figures(runs: Sequence[Shown]) -> list[Picture]:
    source = source_of([shown.run for shown in runs])
    return [picture for drawing in drawings() for picture in drawing.of_runs(runs, source)]
