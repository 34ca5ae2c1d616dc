"""Patients who claim themselves are paid once, and nobody else can speak for them, whatever they carry."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from consortium.contracts.insurance.payout import PAYOUTS
from consortium.core.spoken import Said
from consortium.ledger.state import Reader, State
from consortium.roles.meddler import BENDS
from consortium.runs.run import Run
from consortium.scenario.load import ScenarioError, load_scenario
from consortium.scenario.scenario import MemberSpec, Workload
from consortium.scenario.workloads.patient_claims import WORKLOAD
from tests.simulated_runs import outcomes, sound

SCENARIO = load_scenario(Path(__file__).parents[2] / "scenarios" / "systems" / "patient_claim.py")


@pytest.fixture(scope="module")
def run() -> Run:
    return sound(SCENARIO)


def test_each_patient_is_paid_once_and_one_that_names_another_is_declined(run: Run) -> None:
    done = Counter((one.operation, one.receipt.code) for one in outcomes(run) if one.contract == "patient_claim")
    assert (done["claim", "ok"], done["settle", "ok"], done["decline", "ok"]) == (6, 5, 1)
    assert run.fullest is not None
    assert len(list(Reader(State(run.fullest.rows)).range(PAYOUTS, "", "~"))) == 5


def test_nothing_that_another_carries_is_executed_and_each_way_has_its_own_code(run: Run) -> None:
    found = outcomes(run)
    carried = [one for one in found if one.member == "hospital-2"]
    assert len(carried) == 3 * len(BENDS) and not any(one.receipt.is_ok for one in carried)
    assert {one.receipt.code for one in carried} == set(BENDS)


def test_no_statement_is_executed_twice_and_no_patient_speaks_in_the_bureaus_name(run: Run) -> None:
    spoken = [
        (said.pseudonym, said.number, one.member)
        for one in outcomes(run)
        if one.operation in ("claim", "verify_by_patient") and one.receipt.is_ok
        for said in [msgspec.msgpack.decode(one.arguments, type=Said).spoken]
    ]
    assert len(spoken) == len({(pseudonym, number) for pseudonym, number, _ in spoken}) == 12
    assert {member for _, _, member in spoken} == {"agent"}


@pytest.mark.parametrize(
    ("members", "options", "words"),
    [
        ((MemberSpec("h", "hospital"), MemberSpec("b", "bureau")), {}, "a member that is or hosts a 'agent'"),
        (SCENARIO.members, {"persons": 1}, "2 to 1000 persons"),
        (SCENARIO.members, {"persons": 3, "mistaken": 3}, "fewer are mistaken"),
    ],
)
def test_options_that_cannot_be_are_told(members: tuple[MemberSpec, ...], options: dict[str, int], words: str) -> None:
    scenario = msgspec.structs.replace(SCENARIO, members=members, workload=Workload("patient_claims", options))
    with pytest.raises(ScenarioError, match=words):
        WORKLOAD.prepare(scenario, bytes(32))
