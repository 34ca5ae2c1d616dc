"""Off-site care is paid by records of the ledger, and the books of months come to agree with it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from consortium.contracts.insurance import funds
from consortium.contracts.insurance.channels import CHANNEL_DAYS, ChannelDay
from consortium.contracts.insurance.debt import DEBTS
from consortium.contracts.insurance.institution import get_institution
from consortium.contracts.insurance.journal import SETTLEMENTS
from consortium.contracts.insurance.reconciliation import RECONCILIATIONS
from consortium.contracts.oversight.hold import HOLDS
from consortium.core.contract import StateReader
from consortium.ledger.state import Reader, State
from consortium.runs.run import Run
from consortium.scenario.load import ScenarioError, load_scenario
from consortium.scenario.scenario import MemberSpec, Scenario, Workload
from consortium.scenario.workloads.regions import WORKLOAD, kind_of
from consortium.views import load_views
from tests.simulated_runs import outcomes, sound
from tests.views_kit import rows_of

SYSTEMS = Path(__file__).parents[2] / "scenarios" / "systems"
OFFSITE = load_scenario(SYSTEMS / "offsite.py")
POOL_FEN = {  # (10,000.00 − 800.00) × 0.85 × the factor
    "home": ("", 782_000),
    "filed": ("filed", 782_000),
    "referral": ("referral", 703_800),
    "unfiled": ("unfiled", 547_400),
    "resident": ("", 782_000),
    "ended": ("unfiled", 547_400),
}


def run_of(scenario: Scenario) -> tuple[Run, StateReader]:
    run = sound(scenario)
    assert run.fullest is not None
    return run, Reader(State(run.fullest.rows))


def test_what_is_paid_off_site_follows_from_records_alone() -> None:
    run, state = run_of(OFFSITE)
    paid = {one.bill_no: (one.offsite, one.amounts.hifp_pay) for _, one in state.range(SETTLEMENTS, "", "~")}
    assert [paid[number] for number in sorted(paid, key=lambda one: one[-4:])] == [
        POOL_FEN[kind_of(number)] for number in range(6)
    ]
    told, view = outcomes(run), load_views()["offsite"]
    assert rows_of(view, told, "region") == {("north",): (0, 2, 1, 0)}  # without the genesis
    assert sorted(str(row[0]) for row in rows_of(view, told, "filing").values()) == ["filed", "filed", "referral"]


def test_books_come_to_agree_or_are_closed_by_the_ledger() -> None:
    run, state = run_of(load_scenario(SYSTEMS / "reconciliation.py"))
    found = dict(state.range(RECONCILIATIONS, "", "~"))
    own, silent = found["H650100/202604"], found["H650200/202604"]
    assert (own.stage, own.times, own.differing, own.reason) == ("closed", 2, (), "")
    assert (silent.stage, silent.times, silent.reason) == ("closed", 0, "not-stated")
    assert (own.ledger.settled, own.ledger.reversed, own.ledger.owed_fen) == (3, 1, 2 * 782_000)
    assert silent.ledger.settled == 11
    done = Counter((one.operation, one.receipt.code) for one in outcomes(run) if one.contract == "reconciliation")
    assert done["state_books", "ok"] == 2 and done["close", "ok"] == done["close_by_ledger", "ok"] == 1


def test_debts_come_back_at_once_or_when_they_are_overdue() -> None:
    run, state = run_of(load_scenario(SYSTEMS / "debt.py"))
    found = {one.fixmedins_code: one for _, one in state.range(DEBTS, "", "~")}
    assert {code: one.stage for code, one in found.items()} == {"H650100": "settled", "H650200": "settled"}
    assert found["H650100"].repaid_fen == found["H650100"].demanded_fen == 782_000
    assert not list(state.range(HOLDS, "", "~"))
    kinds = Counter(event.kind for one in outcomes(run) for event in one.receipt.events if one.contract == "debt")
    assert kinds["hold-placed"] == kinds["hold-lifted"] == 1, "the second was held until it repaid"
    for code in found:
        assert funds.get_balance(state, f"payable/{code}") == 0


def test_a_month_that_kept_its_agreement_is_paid_and_one_that_did_not_suspends() -> None:
    run, state = run_of(load_scenario(SYSTEMS / "agreement.py"))
    told = [event.fields for one in outcomes(run) for event in one.receipt.events if event.kind == "month-judged"]
    verdicts = {str(fields["fixmedins_code"]): fields["verdict"] for fields in told if fields["month"] == 202604}
    assert verdicts == {"H650100": "kept", "H650200": "suspended"}
    assert get_institution(state, "H650200").status == "suspended"
    assert funds.get_balance(state, "payable/H650100") == 2 * 782_000 + 50_000
    view, told_of = load_views()["agreements"], outcomes(run)
    months = {str(key[0]): row for key, row in rows_of(view, told_of, "judged").items() if key[1] == 202604}
    assert {code: row[:2] for code, row in months.items()} == {"H650100": ("kept", 50_000), "H650200": ("suspended", 0)}
    assert rows_of(view, told_of, "agreement")["H650100", 2026][0] == "accepted"


def test_a_claim_without_a_premium_is_refused_and_one_that_came_in_time_is_not() -> None:
    run, _ = run_of(load_scenario(SYSTEMS / "premium.py"))
    codes = Counter(one.receipt.code for one in outcomes(run) if one.operation == "claim")
    assert codes == {"ok": 7, "premium-unpaid": 2}
    assert rows_of(load_views()["premiums"], outcomes(run), "month") == {("employee", 202604): (1, 60_000, 20_000)}


def test_shares_are_named_by_means_and_a_wrong_statement_is_told() -> None:
    run, state = run_of(load_scenario(SYSTEMS / "channel.py"))
    told = [event.fields for one in outcomes(run) for event in one.receipt.events]
    assert [one["record"] for one in told if one.get("why") == "channel-differs"] == [
        "channel/H650200/20260401/bank-card"
    ]
    days = dict(state.range(CHANNEL_DAYS, "", "~"))
    assert days["H650100/20260401/bank-card"] == ChannelDay(2, 200_000, "agrees", 2, 200_000)
    assert days["H650100/20260401/cash"].amount_fen == 2 * (218_000 - 100_000)
    assert days["H650200/20260401/bank-card"].count == 6
    shares = sum(one.amounts.cash_payamt for _, one in state.range(SETTLEMENTS, "", "~"))
    assert shares == sum(one.amount_fen for one in days.values())


@pytest.mark.parametrize("members", [OFFSITE.members[:2], (MemberSpec("hospital-1", "hospital"),)])
def test_who_is_missing_is_told(members: tuple[MemberSpec, ...]) -> None:
    scenario = msgspec.structs.replace(OFFSITE, members=members, workload=Workload("regions", {}))
    with pytest.raises(ScenarioError, match="needs"):
        WORKLOAD.prepare(scenario, bytes(32))
