"""A claim in another person's name: the bureau alone finds it, whether or not lines are judged, and it is held."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from consortium.contracts.insurance.payable import Word
from consortium.core.machine import Rows
from consortium.lab.checks.money import stored_balances
from consortium.runs.run import Run
from consortium.scenario.load import load_scenario
from consortium.scenario.scenario import Fault
from tests.simulated_runs import failures, findings, simulated

FILE = Path(__file__).resolve().parents[2] / "scenarios" / "systems" / "other_person.py"
SWAPPED = 4


def simulate(faults: tuple[Fault, ...] = (), **options: Any) -> Run:
    scenario = load_scenario(FILE)
    workload = msgspec.structs.replace(scenario.workload, options={**scenario.workload.options, **options})
    return simulated(msgspec.structs.replace(scenario, workload=workload, faults=faults))


def words(rows: Rows) -> list[Word]:
    found = rows.range("state", b"lines_word\x00", b"lines_word\x01")
    return [msgspec.msgpack.decode(raw, type=Word) for _, raw in found]


@pytest.fixture(scope="module")
def run() -> Run:
    return simulate()


def test_every_claim_in_another_name_is_found_by_the_bureau_and_held_and_no_other(run: Run) -> None:
    assert failures(run) == []
    found = {(note["node"], note["records"]) for note in findings(run, "person-differs")}
    assert len(found) == SWAPPED and {node for node, _ in found} == {"bureau"}
    said = [(word.stage, word.what, word.member) for word in words(run.ledgers["regulator"])]
    assert said == [("disputed", "person", "bureau")] * SWAPPED
    balances = stored_balances(run.ledgers["regulator"])
    assert sum(fen > 0 for name, fen in balances.items() if name.startswith("disputed/")) >= 2, (
        "of the others the funds pay nothing"
    )
    assert any(name.startswith("paid/") and fen for name, fen in balances.items()), "the others were paid out"


def test_who_judges_the_lines_does_not_free_what_is_of_another_person() -> None:
    """The lines of such a bill are right: neither the bureau's own judge nor the regulator's confirms it."""
    run = simulate(lines_days=15)
    found = [word for word in words(run.ledgers["hospital-1"]) if word.stage == "disputed"]
    assert [(word.what, word.member) for word in found] == [("person", "bureau")] * SWAPPED
    assert len(words(run.ledgers["hospital-1"])) > 80


def test_nothing_is_reported_of_an_honest_day() -> None:
    assert words(simulate(swapped=0).ledgers["bureau"]) == []


def test_a_bureau_that_dies_meanwhile_reports_each_once(run: Run) -> None:
    faults = (Fault("kill", "bureau", at_us=4_000_000), Fault("restart", "bureau", after_us=2_000_000))
    again = simulate(faults)
    assert failures(again) == []
    assert len(words(again.ledgers["bureau"])) == SWAPPED
