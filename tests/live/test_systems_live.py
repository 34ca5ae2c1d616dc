"""Every question of scenarios/systems is answered by real processes as in the simulator."""

from __future__ import annotations

from pathlib import Path

import pytest

from consortium.commands.folders import open_ledger, open_vault
from consortium.roles.meddler import BENDS
from consortium.runs.folder import load_run
from consortium.runs.run import Run
from consortium.scenario.load import load_scenario
from nodes.conduct.conductor import run_local
from tests.simulated_runs import failures, findings, outcomes

pytestmark = [pytest.mark.live, pytest.mark.drill]
SYSTEMS = Path(__file__).resolve().parents[2] / "scenarios" / "systems"
HERE = Path(__file__).parent
NAMES = sorted(  # but for those that have tests of their own
    path.stem for path in SYSTEMS.glob("*.py") if not (HERE / f"test_{path.stem}_live.py").exists()
)
ASKED = {  # the contract that each is about; more of its question depends on the day on which the processes run
    "agreement": "agreement",
    "aid_and_gifts": "aid",
    "channel": "channel",
    "cold_chain": "lot_quality",
    "debt": "debt",
    "device": "device",
    "dip": "dip",
    "exchange": "exchange",
    "lot_faults": "lot_quality",
    "offsite": "offsite",
    "oversight": "finding",
    "reconciliation": "reconciliation",
    "second_payer": "second_payer",
    "shadow": "governance",
    "statistics": "statistics",
    "supply_finance": "receivable",
    "vaccination": "vaccination",
    "trial": "trial",
    "worked_cases": "settlement",
}


def refused(run: Run) -> dict[str, int]:
    codes = [one.receipt.code for one in outcomes(run) if not one.receipt.is_ok]
    return {code: codes.count(code) for code in codes}


def finders(run: Run, rule: str) -> set[str]:
    return {note["node"] for note in findings(run, rule)}


@pytest.mark.parametrize("name", NAMES)
def test_a_question_is_answered_by_real_processes(tmp_path: Path, name: str) -> None:
    outcome = run_local(load_scenario(SYSTEMS / f"{name}.py"), tmp_path / "run")
    assert (outcome.verdict, outcome.sentence) == ("done", "")
    run = load_run(outcome.folder, open_ledger, open_vault)
    assert failures(run) == []
    if name == "future_claim":
        assert refused(run)["future-day"] == 8 and finders(run, "service-not-rendered") == {"regulator"}
    elif name == "private_lines":
        assert finders(run, "lines-differ") == {"bureau", "regulator"}
    elif name == "patient_claim":
        assert set(BENDS) <= set(refused(run))
    elif name == "other_person":
        assert finders(run, "person-differs") == {"bureau"}
    elif name == "year_end":
        contracts = ("account_carry", "fund_transfer")
        assert {one.operation for one in outcomes(run) if one.contract in contracts and one.receipt.is_ok} == {
            "carry_out",
            "carry_in",
            "propose",
            "endorse",
        }
    elif name == "premium":
        assert refused(run)["premium-unpaid"] == 2
    elif name in ASKED:
        assert [one for one in outcomes(run) if one.contract == ASKED[name] and one.receipt.is_ok]
    else:
        assert name == "overdue", "say here what answers the question of a new scenario"
        assert [one for one in outcomes(run) if one.operation == "check_overdue" and one.receipt.is_ok]
