"""In shadow an institution is owed and not paid; going live writes off what the old system has paid."""

from __future__ import annotations

import pytest

from consortium.contracts.governance.rollout import ROLLOUTS, Rollout, Which
from consortium.contracts.insurance import funds
from consortium.contracts.insurance.institution import Disburse
from consortium.contracts.insurance.lines import Line
from consortium.contracts.oversight.hold_operations import Lift
from tests.contracts_state import Consortium, founded

H3 = Which("H3")


@pytest.fixture
def house() -> Consortium:
    """H3 is in shadow, and owed something."""
    house = founded()
    house.run("vote", "rollout", "begin_shadow", H3)
    house.claim("E", (Line("A", 1, 10_000_000),))
    confirm(house)
    return house


def confirm(house: Consortium) -> None:
    """As if the bureau had found the lines to be right."""
    for name, account in list(house.state.range(funds.ACCOUNTS, "unconfirmed/H3/", "unconfirmed/H30")):
        funds.move(house.state, name, "payable/H3", account.balance_fen, "bill/H3-1", [])


def test_what_is_owed_in_shadow_is_paid_by_nobody(house: Consortium) -> None:
    owed_fen = funds.get_balance(house.state, "payable/H3")
    assert owed_fen > 0
    assert house.refusal("bureau", "institution", "disburse", Disburse("H3", 1, "month/2026-06")) == "payment-held"
    lift = Lift("payable/H3", "shadow", "rollout/H3")
    assert house.refusal("bureau", "hold", "ask_lift", lift) == "not-yours"
    assert house.refusal("regulator", "hold", "endorse_lift", lift) == "lift-not-asked"


def test_going_live_writes_off_what_the_old_system_paid_and_pays_from_then_on(house: Consortium) -> None:
    owed_fen = funds.get_balance(house.state, "payable/H3")
    house.run("vote", "rollout", "go_live", H3)
    assert funds.get_balance(house.state, "payable/H3") == 0
    assert house.state.get(ROLLOUTS, "H3") == Rollout("live", 20260601, owed_fen)
    house.claim("R", (Line("A", 1, 10_000_000),), serial="2")
    confirm(house)
    assert house.refusal("bureau", "institution", "disburse", Disburse("H3", 1, "month/2026-06")) == "ok"
    assert house.sum_of_balances() == 0


def test_nobody_goes_live_while_bills_wait_or_twice_or_without_a_vote(house: Consortium) -> None:
    house.state.put(funds.ACCOUNTS, "unconfirmed/H3/20260701", funds.Account(5))
    assert house.refusal("vote", "rollout", "go_live", H3) == "lines-open"
    house.state.delete(funds.ACCOUNTS, "unconfirmed/H3/20260701")
    house.state.put(funds.ACCOUNTS, "disputed/h3-7", funds.Account(5))
    assert house.refusal("vote", "rollout", "go_live", H3) == "lines-open"
    house.state.delete(funds.ACCOUNTS, "disputed/h3-7")
    assert house.refusal("bureau", "rollout", "go_live", H3) == "not-permitted"
    house.run("vote", "rollout", "go_live", H3)
    for step in ("go_live", "begin_shadow"):
        assert house.refusal("vote", "rollout", step, H3) == "wrong-stage"
    assert house.refusal("vote", "rollout", "go_live", Which("H1")) == "wrong-stage"
    assert house.refusal("vote", "rollout", "begin_shadow", Which("X")) == "unknown-institution"
