"""The figures of a sweep: whatever its axes have something to draw for, found by name."""

from __future__ import annotations

from consortium.lab.figures.drawing import drawings
from consortium.lab.figures.paper import Picture
from consortium.lab.figures.sweep_points import point_words, sweep_source
from consortium.lab.sweeps.results import SweepResults

__all__ = ["figures_of_sweep", "point_words", "sweep_source"]


def figures_of_sweep(results: SweepResults) -> list[Picture]:
    """Of every numeric axis one; then what applies."""
    source = sweep_source(results)
    return [picture for drawing in drawings() for picture in drawing.of_sweep(results, source)]
