"""追缴: what an institution owes after a reversal is demanded, and comes back, is offset, held, or written off."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts.insurance import debt as debts
from consortium.contracts.insurance import funds, institution, payable, settlement
from consortium.contracts.insurance.debt import DEBTS, Debt, Demand, OfDebt, ProposeWriteOff, Receive, Repay
from consortium.contracts.insurance.lines import Line
from consortium.contracts.oversight.due import Ring
from consortium.core.contract import Reader, Refused
from consortium.views import load_views
from consortium.views.view import Book, feed_block
from tests.contracts_state import CONTRACTS, Consortium, founded
from tests.views_kit import Recorded

NO = "bureau:1"
DEMAND = Demand(NO, "H3", 30, "reversed")
RING = Ring(20260701, NO)


def earn(house: Consortium, fen: int, sequence: int) -> None:
    """A stay of H3, whose lines the bureau confirms: what is owed is payable."""
    house.claim("E", (Line("A", 1, fen),), serial=str(sequence))
    house.run("bureau", "settlement", "confirm_lines", payable.ConfirmLines("E", 2026, sequence))


def begin(house: Consortium) -> Consortium:
    """H3 was paid 7,820.00 for what was reversed then. Day 20260601."""
    founded(house)
    earn(house, 1_000_000, 1)
    house.run("bureau", "institution", "disburse", institution.Disburse("H3", 782_000, "disburse/H3/1"))
    house.run("h1", "settlement", "reverse", settlement.Reverse("E", 2026, 1, "wrong-amount"))
    return house


@pytest.fixture
def house() -> Consortium:
    return begin(Consortium())


def balances(house: Consortium) -> tuple[int, int]:
    return funds.get_balance(house.state, "payable/H3"), funds.get_balance(house.state, "paid/H3")


def debt(house: Consortium) -> Debt:
    found = house.state.get(DEBTS, NO)
    assert found is not None
    return found


def test_all_that_is_owed_is_demanded_once_and_repaid(house: Consortium) -> None:
    assert balances(house) == (-782_000, 782_000)
    house.run("bureau", "debt", "demand", DEMAND)
    assert (debt(house).demanded_fen, debt(house).due_on, debt(house).stage) == (782_000, 20260701, "demanded")
    assert house.refusal("bureau", "debt", "demand", Demand("bureau:2", "H3", 30, "reversed")) == "debt-open"
    house.run("h1", "debt", "repay", Repay(NO, 282_000))
    assert balances(house) == (-500_000, 500_000)
    assert house.refusal("h1", "debt", "repay", Repay(NO, 500_001)) == "too-much"
    events = house.run("h1", "debt", "repay", Repay(NO))
    assert [event.kind for event in events] == ["movement", "debt-repaid", "debt-settled"]
    assert balances(house) == (0, 0) and debt(house).stage == "settled" and house.sum_of_balances() == 0
    assert house.refusal("h1", "debt", "repay", Repay(NO)) == "debt-closed"
    house.today(20260701)
    assert house.run("bureau", "debt", "check_due", RING) == []
    assert house.refusal("bureau", "debt", "demand", Demand("bureau:2", "H3", 30, "reversed")) == "nothing-owed"


def test_new_claims_offset_a_debt_by_themselves(house: Consortium) -> None:
    house.run("bureau", "debt", "demand", DEMAND)
    earn(house, 500_000, 3)  # (5,000 − 800) × 0.85 = 3,570.00
    assert debts.find_open(house.state, debt(house)) == 425_000
    assert house.refusal("bureau", "debt", "receive", Receive(NO, 425_001, "bank/1")) == "too-much"
    earn(house, 1_000_000, 4)  # the second stay: (10,000 − 400) × 0.85 = 8,160.00
    assert funds.get_balance(house.state, "payable/H3") == 391_000
    house.today(20260701)
    events = house.run("regulator", "debt", "check_due", RING)
    assert [event.kind for event in events] == ["debt-settled"] and debt(house).stage == "settled"


def test_a_debt_that_was_offset_is_settled_when_somebody_asks(house: Consortium) -> None:
    house.run("bureau", "debt", "demand", DEMAND)
    earn(house, 1_000_000, 3)
    events = house.run("h1", "debt", "repay", Repay(NO))
    assert [event.kind for event in events] == ["debt-repaid", "debt-settled"] and balances(house) == (0, 782_000)


def test_money_from_outside_is_the_bureaus_word(house: Consortium) -> None:
    house.run("bureau", "debt", "demand", DEMAND)
    house.run("bureau", "debt", "receive", Receive(NO, 782_000, "bank/2026-17"))
    assert balances(house) == (0, 782_000) and house.sum_of_balances() == 0


def test_who_does_not_repay_in_time_is_told_of_and_paid_nothing_more(house: Consortium) -> None:
    house.run("bureau", "debt", "demand", DEMAND)
    assert house.refusal("bureau", "debt", "check_due", RING) == "not-due"
    house.today(20260701)
    placed, told = house.run("bureau", "debt", "check_due", RING)
    assert (placed.kind, told.fields["why"], told.fields["amount_fen"]) == ("hold-placed", "debt-overdue", 782_000)
    earn(house, 3_000_000, 3)  # 24,820.00, of which 17,000.00 are more than the debt
    pay = institution.Disburse("H3", 100, "disburse/H3/2")
    assert house.refusal("bureau", "institution", "disburse", pay) == "payment-held"
    house.run("h1", "debt", "repay", Repay(NO))  # it was offset: nothing moves, and the hold is gone
    house.run("bureau", "institution", "disburse", pay)


def test_an_overdue_debt_is_repaid_out_of_a_held_account(house: Consortium) -> None:
    house.run("bureau", "debt", "demand", DEMAND)
    house.today(20260701)
    house.run("bureau", "debt", "check_due", RING)
    house.run("h1", "debt", "repay", Repay(NO, 100_000))
    assert debt(house).stage == "overdue"
    events = house.run("h1", "debt", "repay", Repay(NO))
    assert "hold-lifted" in [event.kind for event in events] and balances(house) == (0, 0)


def test_a_debt_is_written_off_by_two_roles_at_a_funds_cost(house: Consortium) -> None:
    house.run("bureau", "debt", "demand", DEMAND)
    assert house.refusal("regulator", "debt", "endorse_write_off", OfDebt(NO)) == "not-proposed"
    house.run("bureau", "debt", "propose_write_off", ProposeWriteOff(NO, "fund/medical-aid"))
    assert house.refusal("bureau", "debt", "endorse_write_off", OfDebt(NO)) == "same-organisation"
    house.run("h1", "debt", "repay", Repay(NO, 700_000))
    house.run("regulator", "debt", "endorse_write_off", OfDebt(NO))
    assert debt(house).stage == "written-off" and balances(house) == (0, 82_000)
    assert funds.get_balance(house.state, "fund/medical-aid") == 10**11 - 82_000
    assert house.refusal("h1", "debt", "repay", Repay(NO)) == "debt-closed"


@pytest.mark.parametrize(
    ("member", "operation", "arguments", "code"),
    [
        ("bureau", "demand", Demand("h1:1", "H3", 30, "reversed"), "number-foreign"),
        ("bureau", "demand", Demand("bureau:2", "H3", 0, "reversed"), "bad-number"),
        ("bureau", "demand", Demand("bureau:2", "H3", 30, "no mood"), "bad-reason"),
        ("bureau", "demand", Demand("bureau:2", "H9", 30, "reversed"), "unknown-institution"),
        ("bureau", "demand", Demand("bureau:2", "H1", 30, "reversed"), "nothing-owed"),
        ("bureau", "demand", DEMAND, "debt-closed"),
        ("h1", "demand", Demand("h1:1", "H3", 30, "reversed"), "not-permitted"),
        ("h2", "repay", Repay(NO), "not-yours"),
        ("h1", "repay", Repay("bureau:9"), "not-yours"),
        ("h1", "repay", Repay(NO, -1), "bad-amount"),
        ("bureau", "receive", Receive(NO, 0, "bank/1"), "bad-amount"),
        ("bureau", "receive", Receive(NO, 1, "Bank 1"), "bad-reference"),
        ("bureau", "receive", Receive("bureau:9", 1, "bank/1"), "unknown-debt"),
        ("bureau", "propose_write_off", ProposeWriteOff(NO, "person/E"), "bad-account"),
        ("bureau", "propose_write_off", ProposeWriteOff(NO, "fund/none"), "unknown-account"),
    ],
)
def test_refusals(house: Consortium, member: str, operation: str, arguments: Any, code: str) -> None:
    house.run("bureau", "debt", "demand", DEMAND)
    assert house.refusal(member, "debt", operation, arguments) == code


def test_an_institution_that_spent_what_it_was_paid_cannot_repay_out_of_it(house: Consortium) -> None:
    house.run("bureau", "debt", "demand", DEMAND)
    events: list[Any] = []
    funds.move(house.state, "paid/H3", "external", 700_000, "spent/1", events)
    assert house.refusal("h1", "debt", "repay", Repay(NO)) == "account-short"
    house.run("h1", "debt", "repay", Repay(NO, 82_000))


def test_an_institution_reads_its_own_debt_and_a_view_tells_all() -> None:
    house = Recorded()
    begin(house)
    house.run("bureau", "debt", "demand", DEMAND)
    house.run("h1", "debt", "repay", Repay(NO, 282_000))
    contract = CONTRACTS["debt"]
    assert contract.ask(house.state, "get", OfDebt(NO), Reader("h1", "hospital", 20260601)) == debt(house)
    with pytest.raises(Refused, match="not-yours"):
        contract.ask(house.state, "get", OfDebt(NO), Reader("h2", "hospital", 20260601))
    house.today(20260701)
    house.run("bureau", "debt", "check_due", RING)
    view = load_views()["debts"]
    book = Book(view.tables)
    for block in house.blocks([]):
        feed_block(view, book, block)
    row = [book.column("debt", (NO,), name) for name in ("fixmedins_code", "demanded_fen", "repaid_fen", "stage")]
    assert row == ["H3", 782_000, 282_000, "overdue"]
