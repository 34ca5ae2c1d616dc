"""Commercial insurers pay once, by the patient's word alone, and get back what was paid on a reversed settlement."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from consortium.contracts.insurance import funds
from consortium.contracts.insurance.second_claims import SECOND_CLAIMS, SECOND_POLICIES
from consortium.core.contract import StateReader
from consortium.ledger.state import Reader, State
from consortium.roles.meddler import BENDS
from consortium.runs.run import Run
from consortium.scenario.load import ScenarioError, load_scenario
from consortium.scenario.scenario import MemberSpec, Workload
from consortium.scenario.workloads.second_payers import WORKLOAD
from tests.simulated_runs import outcomes, sound

SCENARIO = load_scenario(Path(__file__).parents[2] / "scenarios" / "systems" / "second_payer.py")


@pytest.fixture(scope="module")
def run() -> Run:
    return sound(SCENARIO)


@pytest.fixture(scope="module")
def state(run: Run) -> StateReader:
    assert run.fullest is not None
    return Reader(State(run.fullest.rows))


def test_each_settlement_is_claimed_and_answered_once(run: Run, state: StateReader) -> None:
    done = Counter((one.operation, one.receipt.code) for one in outcomes(run) if one.contract == "second_payer")
    assert [done[each, "ok"] for each in ("register", "claim", "pay", "decline")] == [6, 6, 5, 1]
    stages = Counter(claim.stage for _, claim in state.range(SECOND_CLAIMS, "", "~"))
    assert stages == {"paid": 4, "declined": 1, "reversed": 1}


def test_what_was_paid_is_what_the_policies_say_and_the_reversed_one_came_back(state: StateReader) -> None:
    """Stay of 9,000.00 in scope: the pool pays (9,000 − 800) × 0.85 = 6,970.00, and 2,030.00 are left, less 500.00."""
    policies = [policy for _, policy in state.range(SECOND_POLICIES, "", "~")]
    assert policies[0].used_fen == 122_400  # (2,030.00 − 500.00) × 0.8
    assert [bool(policy.used_fen) for policy in policies] == [True] * 4 + [False] * 2
    paid = sum(account.balance_fen for _, account in state.range(funds.ACCOUNTS, "payout/", "payout0"))
    assert paid == sum(policy.used_fen for policy in policies)


def test_nothing_that_another_carries_is_executed(run: Run) -> None:
    carried = [one for one in outcomes(run) if one.member == "hospital-2"]
    assert {one.receipt.code for one in carried} == set(BENDS)
    assert any(one.contract == "second_payer" for one in carried)


@pytest.mark.parametrize(
    ("members", "options", "words"),
    [
        ((MemberSpec("h", "hospital"), MemberSpec("b", "bureau")), {}, "a member that is or hosts a 'insurer'"),
        (SCENARIO.members, {"persons": 2, "declined": 1, "corrected": 1}, "fewer are declined"),
    ],
)
def test_options_that_cannot_be_are_told(members: tuple[MemberSpec, ...], options: dict[str, int], words: str) -> None:
    scenario = msgspec.structs.replace(SCENARIO, members=members, workload=Workload("second_payers", options))
    with pytest.raises(ScenarioError, match=words):
        WORKLOAD.prepare(scenario, bytes(32))
