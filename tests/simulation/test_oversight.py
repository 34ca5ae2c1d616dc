"""What rules find is told, held, answered, decided by a human, appealed against, and comes back as it was decided."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from consortium.contracts.insurance import funds
from consortium.contracts.insurance.debt import DEBTS
from consortium.contracts.oversight.finding_records import FINDINGS, Finding
from consortium.contracts.oversight.hold import HOLDS
from consortium.core.contract import StateReader
from consortium.lab.checks import reads_audited
from consortium.lab.checks.claims import judge
from consortium.lab.checks.findings import CHECK
from consortium.ledger.state import Reader, State
from consortium.runs.run import Run
from consortium.scenario.load import ScenarioError, load_scenario
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Workload
from consortium.scenario.workloads.one_hospital import CODE
from consortium.scenario.workloads.oversight import OTHER, WORKLOAD
from tests.simulated_runs import outcomes, sound

SCENARIO = load_scenario(Path(__file__).parents[2] / "scenarios" / "systems" / "oversight.py")


@cache
def ran() -> Run:
    return sound(SCENARIO)


def state_of(run: Run) -> StateReader:
    assert run.fullest is not None
    return Reader(State(run.fullest.rows))


def findings_of(run: Run) -> dict[str, Finding]:
    return {finding.rule: finding for _, finding in state_of(run).range(FINDINGS, "", "~")}


def test_each_finding_comes_to_the_end_that_people_gave_it() -> None:
    found = findings_of(ran())
    assert {rule: (one.accused, one.role, one.stage) for rule, one in found.items()} == {
        "overlapping_stays": (OTHER, "regulator", "closed"),
        "quantity_over_days": (CODE, "regulator", "closed"),
        "split_stays": (CODE, "bureau", "dismissed"),
    }
    padded, double = found["quantity_over_days"], found["overlapping_stays"]
    assert (padded.stance, padded.recovered_fen) == ("admitted", 400_000)  # 4 days of 1,000.00 too many
    assert (double.stance, double.decided_fen, double.recovered_fen) == ("denied", 280_500, 280_500)
    assert double.amount_fen == 561_000  # 7,000.00, less 400.00 for a second stay, at 85 %


def test_a_hold_stops_a_payment_that_was_due_and_lets_it_go_when_it_ends() -> None:
    run = ran()
    refused = [one for one in outcomes(run) if not one.receipt.is_ok]
    assert {(one.operation, one.receipt.code) for one in refused} == {("disburse", "payment-held")}
    assert dict(state_of(run).range(HOLDS, "", "~")) == {}
    paid = [one for one in outcomes(run) if one.operation == "disburse" and one.receipt.is_ok]
    assert len(paid) == 2 and funds.get_balance(state_of(run), f"paid/{OTHER}") > 3_000_000


def test_what_was_paid_out_before_the_finding_comes_back_as_a_debt() -> None:
    (owed,) = [one for _, one in state_of(ran()).range(DEBTS, "", "~")]
    assert (owed.fixmedins_code, owed.demanded_fen, owed.stage, owed.reason) == (CODE, 400_000, "settled", "judgment")


def test_the_regulator_is_given_the_lines_of_every_bill_and_the_bureau_none() -> None:
    kept = Counter(record["node"] for record in ran().trace if record["kind"] == "record_kept")
    assert kept == {"regulator": 12}
    (audited,) = judge(ran(), [reads_audited.CHECK])
    assert audited.holds


def test_the_check_of_findings_is_asked_and_holds() -> None:
    (verdict,) = judge(ran(), [CHECK])
    assert verdict.holds and verdict.is_asked


@pytest.mark.nightly
@pytest.mark.parametrize("at_us", [400_000, 830_000, 1_200_000, 7_900_000])
@pytest.mark.parametrize("member", ["regulator", "bureau", "hospital-2"])
def test_a_crash_of_anybody_changes_nothing_of_it(member: str, at_us: int) -> None:
    crash = (Fault("kill", member, at_us=at_us), Fault("restart", member, at_us=at_us + 1_500_000))
    found = findings_of(sound(replace(SCENARIO, faults=crash)))
    assert {rule: one.stage for rule, one in found.items()} == {
        rule: one.stage for rule, one in findings_of(ran()).items()
    }


def test_the_workload_says_what_it_needs() -> None:
    lonely = Scenario("x", (MemberSpec("h", "hospital"),), workload=Workload("oversight"))
    with pytest.raises(ScenarioError, match="oversight needs"):
        WORKLOAD.prepare(lonely, bytes(32))
