"""A visit that is dated ahead is not billed, so that no claim of it settles under a yearly cap of its own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from consortium.contracts.insurance.accumulators import ACCUMULATORS
from consortium.contracts.insurance.bill import BILLS
from consortium.ledger.state import Reader, State
from consortium.runs.run import Run
from consortium.scenario.load import load_scenario
from tests.simulated_runs import findings, outcomes, sound

SCENARIO = load_scenario(Path(__file__).parents[2] / "scenarios" / "systems" / "future_claim.py")
FUTURE = SCENARIO.workload.options["future_visits"]


@pytest.fixture(scope="module")
def run() -> Run:
    return sound(SCENARIO)


def test_every_visit_of_a_day_to_come_is_refused_and_found(run: Run) -> None:
    codes = Counter(one.receipt.code for one in outcomes(run))
    assert codes["future-day"] == FUTURE
    found = findings(run, "service-not-rendered")
    assert len(found) == FUTURE and {one["node"] for one in found} == {"regulator"}


def test_no_bill_and_no_accumulator_is_of_a_day_to_come(run: Run) -> None:
    assert run.fullest is not None
    state = Reader(State(run.fullest.rows))
    years = {key.rpartition("/")[2] for key, _ in state.range(ACCUMULATORS, "", "~")}
    assert years and "2099" not in years
    days = [stored.enddate for _, stored in state.range(BILLS, "", "~")]
    assert len(days) > 80 and max(days) <= 20260401, "the day on which the scenario begins"
