"""The simulator queues as theory says: the study of load models in small."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

STUDY = Path(__file__).parents[2] / "scenarios" / "studies" / "load_models.py"


@pytest.fixture(scope="module")
def study() -> dict[str, Any]:
    return runpy.run_path(str(STUDY))


def test_constant_arrivals_below_saturation_never_wait(study: dict[str, Any]) -> None:
    found = study["run_case"]("constant", 90, 300)
    assert found.wait_us == 0 and found.load == pytest.approx(0.9, abs=0.001)


def test_poisson_arrivals_wait_as_lindley_has_it_to_the_microsecond_and_about_as_the_formula(
    study: dict[str, Any],
) -> None:
    found = study["run_case"]("poisson", 50, 2_000)
    assert found.wait_us == found.lindley_us
    assert abs(found.difference) < 0.15, "of 60,000 it is 3 %: the study"


def test_a_server_that_is_slower_than_it_should_be_is_found_out(study: dict[str, Any]) -> None:
    """The recursion is no tautology: with another service time it says something else."""
    assert study["lindley"]([20_000, 30_000, 70_000]) == [0, 10_000, 0]
    assert study["lindley"]([0, 45_000, 70_000]) == [20_000, 0, 0], "nobody is served before the sequencer has asked"
