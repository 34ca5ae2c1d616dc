"""A month of stays is paid by points: the budget is shared to the fen, and one stay in too dear a group is found."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path

import msgspec
import pytest

from consortium.contracts.insurance import funds
from consortium.contracts.insurance.dip_cases import DIP_CASES, DIP_COUNTS, DIP_PERIODS
from consortium.contracts.insurance.journal import SETTLEMENTS
from consortium.ledger.state import Reader, State
from consortium.scenario.load import ScenarioError, load_scenario
from consortium.scenario.scenario import Fault, Workload
from consortium.scenario.workloads.points import COEFFICIENTS_BP, COSTS_FEN, DAY, GROUPS, WORKLOAD, code_of
from consortium.views.points import VIEW
from tests.reference.points import Budget, Happening, Points, worth_of
from tests.simulated_runs import outcomes, sound
from tests.views_kit import rows_of

SCENARIO = load_scenario(Path(__file__).parents[2] / "scenarios" / "systems" / "dip.py")
AWAY = (Fault("kill", "hospital-2", at_us=1_700_000), Fault("restart", "hospital-2", after_us=2_000_000))


def by_reference() -> dict[str, int]:
    """What each hospital is due of April, from the workload's numbers alone."""
    book, rule = Points(), Budget(120_000_000, 20_000, Fraction(1, 2), Fraction(2))
    book.budgets["employee", 2026] = rule
    for number in range(12):
        points, mean = list(GROUPS.values())[number % 3]
        worth = worth_of(
            Fraction(points, 100), Fraction(COEFFICIENTS_BP[number % 3], 10_000), mean, COSTS_FEN[number % 6], rule
        )
        book.happened.append(Happening(DAY, "employee", code_of(number % 3), worth, 0))
    return book.settle_month("employee", 202604, 20260501)


@pytest.mark.parametrize("faults", [(), AWAY], ids=["all there", "a hospital is away meanwhile"])
def test_a_twelfth_of_the_budget_is_shared_by_points_to_the_fen(faults: tuple[Fault, ...]) -> None:
    run = sound(SCENARIO, faults=(*faults, *SCENARIO.faults))
    assert run.fullest is not None
    state = Reader(State(run.fullest.rows))
    month = state.get(DIP_PERIODS, "employee/202604")
    assert month is not None and (month.stage, month.institutions, month.due_fen) == ("settled", 3, 10_000_000)
    due = {
        key.rpartition("/")[2]: one.due_fen
        for key, one in state.range(DIP_COUNTS, "employee/202604/", "employee/202605")
    }
    assert due == by_reference() and sum(due.values()) == 10_000_000
    fees, others = Counter[str](), Counter[str]()
    for _, one in state.range(SETTLEMENTS, "", "~"):
        fees[one.fixmedins_code] += one.pool_paid_fen
        others[one.fixmedins_code] += one.amounts.fund_pay_sumamt + one.amounts.acct_pay - one.pool_paid_fen
    for code, fen in due.items():
        waiting = sum(
            one.balance_fen for _, one in state.range(funds.ACCOUNTS, f"unconfirmed/{code}/", f"unconfirmed/{code}0")
        )
        assert funds.get_balance(state, f"payable/{code}") + waiting == fen + others[code] != fees[code]
    done = Counter((one.operation, one.receipt.code) for one in outcomes(run) if one.contract == "dip")
    assert done["group_case", "ok"] == len(list(state.range(DIP_CASES, "", "~"))) == 12
    assert done["regroup_case", "ok"] == done["settle_month", "ok"] == 1
    told = rows_of(VIEW, outcomes(run), "due")
    assert {str(code): row[-2] for (code, _, _), row in told.items()} == due
    groups = rows_of(VIEW, outcomes(run), "group")
    assert {key[0]: row[0] for key, row in groups.items()} == dict.fromkeys(GROUPS, 4)


def test_too_many_persons_are_told() -> None:
    scenario = msgspec.structs.replace(SCENARIO, workload=Workload("points", {"persons": 1_001}))
    with pytest.raises(ScenarioError, match="1 to 1000"):
        WORKLOAD.prepare(scenario, bytes(32))
