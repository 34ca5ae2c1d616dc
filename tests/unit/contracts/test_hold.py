"""A hold stops payments, and nothing that gives money back; it ends by two roles."""

import pytest

from consortium.contracts.checks import check_reference
from consortium.contracts.insurance import funds, settlement
from consortium.contracts.insurance.lines import Line
from consortium.contracts.medicines.procurement_records import Pay, Prepay
from consortium.contracts.oversight import hold
from consortium.contracts.oversight.hold_operations import CONTRACT, Lift, OfAccount, Place
from consortium.core.contract import Reader, Refused
from tests.contracts_state import Consortium, founded
from tests.unit.contracts.test_procurement_path import PLACE, RECEIVE, SHIP, SIGN, house, refusal, run

__all__ = ["house"]
FINDING = Place("supplier/s1", "finding", "finding/F-1")
LIFT = Lift("supplier/s1", "finding", "finding/F-1")


def held(*accounts: str) -> Consortium:
    house = founded()
    for account in accounts:
        house.run("regulator", "hold", "place", Place(account, "inquiry", "inquiry/Q-1"))
    return house


@pytest.mark.parametrize(
    ("accounts", "source", "target", "code"),
    [
        ((), "payable/H1", "paid/H1", "ok"),
        (("payable/H1",), "payable/H1", "paid/H1", "payment-held"),
        (("paid/H1",), "payable/H1", "paid/H1", "payment-held"),
        (("payable/H2",), "payable/H1", "paid/H1", "ok"),
        (("payable/H1",), "fund/employee-pool", "payable/H1", "ok"),  # what is owed adds up meanwhile
        (("fund/employee-pool",), "fund/employee-pool", "payable/H1", "payment-held"),
        (("fund/employee-pool",), "external", "fund/employee-pool", "ok"),
        (("supplier/s1",), "fund/procurement", "supplier/s1", "payment-held"),
        (("payout/E",), "fund/employee-pool", "payout/E", "payment-held"),
        (("person/E",), "person/E", "payable/H1", "payment-held"),
    ],
)
def test_which_payments_a_hold_stops(accounts: tuple[str, ...], source: str, target: str, code: str) -> None:
    state = held(*accounts).state
    try:
        hold.check_payment(state, source, target)
        found = "ok"
    except Refused as refused:
        found = refused.code
    assert found == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"account": "external"}, "bad-choice"),
        ({"account": "payable/"}, "bad-identifier"),
        ({"why": "because"}, "bad-choice"),
        ({"record": "she told me"}, "bad-reference"),
        ({"record": "finding"}, "bad-reference"),
        ({}, "ok"),
    ],
)
def test_what_may_be_placed(change: dict[str, str], code: str) -> None:
    arguments = Place(**({"account": "supplier/s1", "why": "finding", "record": "finding/F-1"} | change))
    assert founded().refusal("regulator", "hold", "place", arguments) == code


def test_a_hold_ends_when_who_placed_it_asks_and_another_role_agrees() -> None:
    house = founded()
    assert house.refusal("regulator", "hold", "place", FINDING) == "ok"
    assert house.refusal("regulator", "hold", "place", FINDING) == "hold-exists"
    assert house.refusal("bureau", "hold", "endorse_lift", LIFT) == "lift-not-asked"
    assert house.refusal("bureau", "hold", "ask_lift", LIFT) == "not-yours"
    assert house.refusal("bureau", "hold", "ask_lift", Lift("paid/X", "finding", "finding/F-9")) == "not-yours"
    assert house.refusal("regulator", "hold", "ask_lift", LIFT) == "ok"
    assert house.refusal("regulator", "hold", "endorse_lift", LIFT) == "same-organisation"
    assert hold.is_held(house.state, "supplier/s1")
    assert house.refusal("bureau", "hold", "endorse_lift", LIFT) == "ok"
    assert not hold.is_held(house.state, "supplier/s1")
    assert house.refusal("bureau", "hold", "endorse_lift", LIFT) == "unknown-hold"


def test_a_vote_lifts_the_hold_of_somebody_who_is_gone() -> None:
    house = founded()
    house.run("regulator", "hold", "place", FINDING)
    assert house.refusal("vote", "hold", "endorse_lift", LIFT) == "ok"
    assert not hold.is_held(house.state, "supplier/s1")


def test_an_account_is_free_when_the_last_of_its_holds_is_lifted() -> None:
    house = founded()
    house.run("regulator", "hold", "place", FINDING)
    house.run("bureau", "hold", "place", Place("supplier/s1", "judgment", "judgment/J-1"))
    house.run("regulator", "hold", "ask_lift", LIFT)
    events = house.run("bureau", "hold", "endorse_lift", LIFT)
    assert events[-1].fields["holds_left"] == 1
    asked = OfAccount("supplier/s1")
    left = CONTRACT.ask(house.state, "of_account", asked, Reader("bureau", "bureau", 20260101))
    assert [one.why for one in left.holds] == ["judgment"]
    with pytest.raises(Refused, match="not-permitted"):
        CONTRACT.ask(house.state, "of_account", asked, Reader("h1", "hospital", 20260101))


def test_an_account_has_no_more_holds_than_can_be_read_at_once() -> None:
    house = founded()
    for number in range(hold.HOLDS_MAX):
        house.run("regulator", "hold", "place", Place("paid/H1", "inquiry", f"inquiry/{number}"))
    last = Place("paid/H1", "inquiry", "inquiry/last")
    assert house.refusal("regulator", "hold", "place", last) == "too-many-holds"


def test_goods_of_a_held_supplier_arrive_and_are_not_paid_until_the_hold_is_lifted(house: Consortium) -> None:
    run(house, SIGN, PLACE)
    house.run("regulator", "hold", "place", FINDING)
    assert refusal(house, "bureau", "prepay", Prepay("O1", "fund", 3_000)) == "payment-held"
    run(house, ("s1", "ship", SHIP), ("h1", "receive", RECEIVE))
    assert refusal(house, "bureau", "pay", Pay("O1", "fund")) == "payment-held"
    house.run("regulator", "hold", "ask_lift", LIFT)
    house.run("bureau", "hold", "endorse_lift", LIFT)
    assert refusal(house, "bureau", "pay", Pay("O1", "fund")) == "ok"


def test_a_held_personal_account_pays_nothing_and_refuses_no_claim() -> None:
    house = founded()
    funds.move(house.state, funds.EXTERNAL, "person/E", 10_000, "opening/E", [])
    line = Line("A", 1, 1_000_000)
    free = house.claim("E", (line,), serial="1")
    house.run("regulator", "hold", "place", Place("person/E", "inquiry", "inquiry/Q-1"))
    house.run(
        "h1", "settlement", "reverse", settlement.Reverse("E", 2026, 1, "wrong-person")
    )  # gives back, past the hold
    held = house.claim("E", (line,), serial="2")
    assert (free.amounts.acct_pay, held.amounts.acct_pay) == (10_000, 0)
    assert free.amounts.psn_pay == held.amounts.psn_pay == held.amounts.cash_payamt
    assert funds.get_balance(house.state, "person/E") == 10_000


def test_what_is_owed_to_a_held_institution_adds_up_and_is_not_paid_out() -> None:
    house = founded()
    house.run("regulator", "hold", "place", Place("payable/H3", "finding", "finding/F-1"))
    house.claim("E", (Line("A", 1, 1_000_000),), serial="1")
    house.run("bureau", "settlement", "confirm_lines", settlement.ConfirmLines("E", 2026, 1))
    assert funds.get_balance(house.state, "payable/H3") > 0
    with pytest.raises(Refused, match="payment-held"):
        funds.move(house.state, "payable/H3", "paid/H3", 1, "institution/H3", [])
    house.run("h1", "settlement", "reverse", settlement.Reverse("E", 2026, 1, "wrong-person"))
    assert funds.get_balance(house.state, "payable/H3") == 0


@pytest.mark.parametrize("value", ["order/O-17", "settlement/psn/2026/000003", "payment-order/a"])
def test_a_reference_names_a_record(value: str) -> None:
    check_reference(value, "record")


@pytest.mark.parametrize("value", ["", "order", "order/", "Order/a", "order/a/b/c/d", "order//a", "a b/c"])
def test_what_is_no_reference(value: str) -> None:
    with pytest.raises(Refused, match="bad-reference"):
        check_reference(value, "record")
