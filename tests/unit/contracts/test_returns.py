"""Goods that failed inspection and recalled packs go back, and the money for them to whoever paid it."""

import pytest

from consortium.contracts.insurance import funds
from consortium.contracts.medicines import packs
from consortium.contracts.medicines.packs import PACKS
from consortium.contracts.medicines.procurement_records import (
    CHECK_REFUND,
    ORDERS,
    Order,
    Pay,
    Prepay,
    Receive,
    Refund,
    SendBack,
)
from consortium.contracts.medicines.trace_code import Recall, Sell, Transfer
from consortium.contracts.oversight.due import Ring
from consortium.contracts.oversight.hold_operations import Place
from consortium.core.contract import Event
from tests.contracts_state import Consortium
from tests.unit.contracts.test_due import waiting
from tests.unit.contracts.test_procurement_path import CODES, PLACE, RECEIVE, SHIP, SIGN, house, refusal, run

__all__ = ["house"]
REJECT = ("h1", "receive", Receive("O1", (), 0, False))
REFUND = ("s1", "refund", Refund("O1"))
ALL_BACK = ("h1", "send_back", SendBack("O1", ()))
LATE_DAY = 20240418  # rejected or received on 2024-03-18; the term is 30 days


def prepaid(house: Consortium, payer: str = "fund", share_bp: int = 5_000) -> None:
    run(house, SIGN, PLACE)
    if payer == "buyer":
        give(house, "paid/H1", 10_000)
    run(house, ("bureau" if payer == "fund" else "h1", "prepay", Prepay("O1", payer, share_bp)), ("s1", "ship", SHIP))


def give(house: Consortium, account: str, fen: int) -> None:
    events: list[Event] = []
    funds.move(house.state, funds.EXTERNAL, account, fen, "test", events)


def order_of(house: Consortium) -> Order:
    order = house.state.get(ORDERS, "O1")
    assert order is not None
    return order


def balance(house: Consortium, account: str) -> int:
    return funds.get_balance(house.state, account)


@pytest.mark.parametrize(("payer", "account"), [("fund", funds.PROCUREMENT), ("buyer", "paid/H1")])
def test_a_prepayment_for_goods_that_failed_inspection_returns_to_who_paid_it(
    house: Consortium, payer: str, account: str
) -> None:
    prepaid(house, payer)
    before = balance(house, account)
    run(house, REJECT, ALL_BACK)
    assert order_of(house).owed_back_fen == 2_000
    events = house.run("s1", "procurement", "refund", Refund("O1"))
    assert [event.kind for event in events] == ["movement", "order-refunded"]
    assert balance(house, account) == before + 2_000 and balance(house, "supplier/s1") == 0
    assert order_of(house).stage == "returned" and order_of(house).owed_back_fen == 0
    assert refusal(house, *REFUND) == "nothing-to-refund"
    assert house.sum_of_balances() == 0


def test_no_more_is_sent_back_than_was_received_and_refunded_than_was_paid(house: Consortium) -> None:
    """The second pack was shipped with the order, was not scanned, and came by another way."""
    prepaid(house)
    run(house, ("h1", "receive", Receive("O1", CODES[:1], 1, True)))
    house.run("s1", "trace_code", "transfer", Transfer("supplier/s1", "institution/H1", CODES[1:2]))
    house.run("bureau", "trace_code", "recall", Recall(house.state.get(PACKS, CODES[0]).lot_no, "quality"))
    assert refusal(house, "h1", "send_back", SendBack("O1", CODES[:2])) == "more-than-received"
    run(house, ("h1", "send_back", SendBack("O1", CODES[:1])))
    assert refusal(house, "h1", "send_back", SendBack("O1", CODES[1:2])) == "more-than-received"
    assert order_of(house).amount_fen == 0 and order_of(house).owed_back_fen == order_of(house).paid_fen


def test_what_was_rejected_goes_back_once_and_whole(house: Consortium) -> None:
    prepaid(house)
    assert refusal(house, *ALL_BACK) == "wrong-stage"
    run(house, REJECT)
    assert refusal(house, "h2", "send_back", SendBack("O1", ())) == "not-yours"
    assert refusal(house, "h1", "send_back", SendBack("O1", CODES[:1])) == "bad-length"
    (sent,) = house.run("h1", "procurement", "send_back", SendBack("O1", ()))
    assert sent.fields == {"order_no": "O1", "supplier": "s1", "packs": 4}
    assert refusal(house, *ALL_BACK) == "wrong-stage"


def test_a_refund_that_does_not_come_is_told_once_on_its_day(house: Consortium) -> None:
    prepaid(house)
    kinds = run(house, REJECT)
    assert kinds == ["order-rejected", "notice", "notice"]
    assert waiting(house, CHECK_REFUND) == [(LATE_DAY, "O1")]
    house.day += 31
    (told,) = house.run("regulator", "procurement", "check_refund", Ring(LATE_DAY, "O1"))
    assert told.fields == {
        "why": "refund-overdue",
        "record": "order/O1",
        "due": LATE_DAY,
        "days": 1,
        "amount_fen": 2_000,
    }
    assert house.run("bureau", "procurement", "check_refund", Ring(LATE_DAY, "O1")) == []


def test_a_refund_in_time_is_nobodys_concern_and_nothing_is_owed_where_nothing_was_paid(house: Consortium) -> None:
    prepaid(house)
    run(house, REJECT, REFUND)
    assert waiting(house, CHECK_REFUND) == []
    other = Consortium()
    other.state.tables = house.state.copy()
    assert refusal(other, *REFUND) == "nothing-to-refund"


def test_nothing_is_refunded_before_the_goods_are_judged(house: Consortium) -> None:
    prepaid(house)
    assert refusal(house, *REFUND) == "wrong-stage"
    run(house, ("h1", "receive", RECEIVE))
    assert refusal(house, *REFUND) == "nothing-to-refund"  # half was prepaid, all was received


def test_less_that_came_than_was_prepaid_is_owed_back(house: Consortium) -> None:
    prepaid(house, share_bp=10_000)
    run(house, ("h1", "receive", Receive("O1", CODES[:1], 1, True)))
    assert order_of(house).owed_back_fen == 3_000
    run(house, ("bureau", "refund", Refund("O1")))
    assert balance(house, "supplier/s1") == 1_000


def test_unsold_packs_of_a_recalled_lot_go_back_and_their_price_with_them(house: Consortium) -> None:
    prepaid(house, share_bp=3_000)
    run(house, ("h1", "receive", RECEIVE), ("bureau", "pay", Pay("O1", "fund")))
    house.run("h1", "trace_code", "sell", Sell("H1", CODES[3], "till-1", 0))
    assert refusal(house, "h1", "send_back", SendBack("O1", CODES[:2])) == "not-recalled"
    house.run("s1", "trace_code", "recall", Recall("lot", "quality"))
    assert refusal(house, "h1", "send_back", SendBack("O1", ())) == "bad-length"
    assert refusal(house, "h1", "send_back", SendBack("O1", CODES[2:])) == "trace-code-sold"
    assert refusal(house, "h1", "send_back", SendBack("O1", ("0" * 18 + "99",))) == "code-not-shipped"
    run(house, ("h1", "send_back", SendBack("O1", CODES[:2])))
    assert packs.get_pack(house.state, CODES[0]).holder == "supplier/s1"
    assert refusal(house, "h1", "send_back", SendBack("O1", CODES[:2])) == "trace-code-elsewhere"
    run(house, REFUND, ("h1", "send_back", SendBack("O1", CODES[2:3])), REFUND)
    assert balance(house, "supplier/s1") == 1_000 == order_of(house).amount_fen == order_of(house).paid_fen
    assert order_of(house).sent_back == 3 and order_of(house).stage == "paid"


def test_what_went_back_before_it_was_paid_is_not_owed(house: Consortium) -> None:
    run(house, SIGN, PLACE, ("s1", "ship", SHIP), ("h1", "receive", RECEIVE))
    house.run("s1", "trace_code", "recall", Recall("lot", "quality"))
    run(house, ("h1", "send_back", SendBack("O1", CODES)))
    assert waiting(house, "procurement.check_overdue") == []
    run(house, ("bureau", "pay", Pay("O1", "fund")))
    assert balance(house, "supplier/s1") == 0


def test_a_refund_goes_to_the_fund_first_and_passes_a_hold(house: Consortium) -> None:
    prepaid(house, "buyer", 5_000)
    run(house, ("h1", "receive", RECEIVE), ("bureau", "pay", Pay("O1", "fund")))
    house.run("s1", "trace_code", "recall", Recall("lot", "quality"))
    run(house, ("h1", "send_back", SendBack("O1", CODES[:3])))
    house.run("regulator", "hold", "place", Place("supplier/s1", "finding", "finding/F-1"))
    events = house.run("s1", "procurement", "refund", Refund("O1"))
    assert events[-1].fields == {"order_no": "O1", "fund_fen": 2_000, "buyer_fen": 1_000}
    assert house.sum_of_balances() == 10_000 - 10_000


def test_money_that_the_supplier_no_longer_has_is_not_refunded_by_half(house: Consortium) -> None:
    prepaid(house)
    run(house, REJECT)
    funds.move(house.state, "supplier/s1", "person/E", 1, "elsewhere/x", [])
    assert refusal(house, *REFUND) == "account-short"
    assert order_of(house).owed_back_fen == 2_000
