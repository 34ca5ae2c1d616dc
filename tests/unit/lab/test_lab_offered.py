"""A check, a measure and a figure are each one file, found by name: also one that lies outside the package."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

import pytest

from consortium.core import discovery
from consortium.core.discovery import NameTaken
from consortium.lab.checks.claims import judge
from consortium.lab.figures.drawing import drawings
from consortium.lab.figures.of_run import figures_of_run
from consortium.lab.measures.catalogue import catalogue, measures_offered
from consortium.lab.measures.distributions import distributions
from consortium.lab.measures.measures import measure
from tests.unit.lab.made_up_run import made_up_run

CHECK = """
from consortium.lab.checks.claims import Claim, Kind
CHECK = Claim("few blocks", Kind.LIVENESS, "At most three blocks.", lambda run: ["too many"] if run.records else [])
"""
MEASURE = """
from consortium.lab.measures.catalogue import Figure, Measure
FIGURES = (Figure("boots", "1", "times that a node started"),)
MEASURE = Measure("boots", FIGURES, lambda trace, found: iter([("boots", len(trace.of_kind("booted")))]))
"""
FIGURE = """
from consortium.lab.figures.drawing import Drawing
from consortium.lab.figures.paper import Picture
FIGURE = Drawing("empty", lambda runs, source: [Picture("empty", "Nothing", "Nothing.", source, 1.0, lambda _: None)])
"""


@pytest.fixture
def outside() -> Iterator[None]:
    before = discovery.plugins()
    modules = []
    for name, text in (("few_blocks", CHECK), ("boots", MEASURE), ("empty", FIGURE)):
        module = ModuleType(name)
        module.__file__ = f"/somewhere/{name}.py"
        exec(text, module.__dict__)
        modules.append(module)
    discovery.use(modules)
    yield
    discovery.use(before)


@pytest.mark.usefixtures("outside")
def test_what_lies_outside_is_judged_measured_and_drawn_after_our_own() -> None:
    run = made_up_run()
    assert judge(run)[-1].name == "few blocks" and judge(run)[-1].fails
    figures = measure(run.trace)
    assert figures.figures[-1].name == "boots" and figures["boots"] == 8
    assert figures_of_run(run, distributions(run.trace), figures)[-1].name == "empty"


def test_our_own_stand_in_the_order_that_reports_have() -> None:
    assert [one.name for one in measures_offered()] == [
        "service",
        "load",
        "distributions",
        "leaders",
        "leader deaths",
        "traffic",
        "costs",
    ]
    assert [drawing.name for drawing in drawings()] == [
        "by axis",
        "messages by members",
        "latency by load",
        "latency distribution",
        "block phases",
        "over time",
        "views and faults",
    ]
    names = [figure.name for figure in catalogue()]
    assert len(set(names)) == len(names)


def test_two_measures_of_one_figure_are_refused_by_name() -> None:
    module = ModuleType("again")
    module.__file__ = "/somewhere/again.py"
    exec(MEASURE.replace('"boots"', '"blocks"'), module.__dict__)
    before = discovery.plugins()
    discovery.use([module])
    try:
        with pytest.raises(NameTaken, match="'blocks' is of two measures: 'service' and 'blocks'"):
            catalogue()
    finally:
        discovery.use(before)
