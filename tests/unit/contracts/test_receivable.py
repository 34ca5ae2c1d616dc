"""A receivable is confirmed, sold once, paid to who owns it; who is barred neither sells nor buys."""

from __future__ import annotations

import pytest

from consortium.contracts.insurance import funds
from consortium.contracts.medicines import receivable, trace_code
from consortium.contracts.medicines.procurement_records import (
    ORDERS,
    AwardTender,
    Invoice,
    Pay,
    PlaceOrder,
    Receive,
    Refund,
    SendBack,
    Ship,
    SignSubcontract,
)
from consortium.contracts.medicines.receivable import Accept, Bar, Offer, OfReceivable
from consortium.contracts.oversight import hold_operations
from consortium.core.contract import Reader
from consortium.roles.bank import compute_worth
from tests.contracts_state import CONTRACTS, Consortium, code_of, founded

CODES = tuple(code_of(number) for number in range(4))
FACE_FEN = 4_000_000  # four packs of 10,000 yuan
OF_O1, OFFER = OfReceivable("O1"), Offer("O1", "b1", 3_900_000, 20260701)
ACCEPT = Accept("O1", 3_900_000)


@pytest.fixture
def house() -> Consortium:
    """An order of s1 that H1 received."""
    house = founded()
    house.run("s1", "trace_code", "produce", trace_code.Produce("lot", "D", "tablet", 10, CODES))
    tender = AwardTender("T1", "D", "s1", "s1", 1_000_000, 100, 20260101, 20270101)
    house.run("bureau", "procurement", "award_tender", tender)
    for name, step in (
        ("sign_subcontract", SignSubcontract("T1", "H1", 8)),
        ("place_order", PlaceOrder("O1", "T1", "H1", 4)),
    ):
        house.run("h1", "procurement", name, step)
    house.run("s1", "procurement", "ship", Ship("O1", CODES, (Invoice("s1", "H1", b"i" * 32),), b"r" * 32, True))
    house.run("h1", "procurement", "receive", Receive("O1", CODES, 4, True))
    return house


def balance(house: Consortium, account: str) -> int:
    return funds.get_balance(house.state, account)


def run(house: Consortium, *steps: tuple[str, str, object]) -> list[str]:
    return [event.kind for member, name, step in steps for event in house.run(member, "receivable", name, step)]


def refusal(house: Consortium, member: str, name: str, step: object) -> str:
    return house.refusal(member, "receivable", name, step)


SOLD = (("h1", "confirm", OF_O1), ("s1", "offer", OFFER), ("b1", "accept", ACCEPT))


def test_the_bank_pays_the_supplier_and_is_paid_in_its_place(house: Consortium) -> None:
    assert run(house, *SOLD) == ["receivable-confirmed", "receivable-offered", "movement", "receivable-factored"]
    assert (balance(house, "supplier/s1"), balance(house, "bank/b1")) == (3_900_000, 0)
    house.run("bureau", "procurement", "pay", Pay("O1", "fund"))
    assert (balance(house, "supplier/s1"), balance(house, "bank/b1")) == (3_900_000, FACE_FEN)
    assert house.sum_of_balances() == 0


def test_it_is_sold_once(house: Consortium) -> None:
    run(house, *SOLD)
    assert refusal(house, "s1", "offer", Offer("O1", "b2", 1, 20260701)) == "already-factored"
    assert refusal(house, "s1", "withdraw", OF_O1) == "already-factored"
    assert refusal(house, "h1", "confirm", OF_O1) == "already-factored"
    for member, name, step in (("b1", "accept", ACCEPT), ("b1", "decline", OF_O1)):
        assert refusal(house, member, name, step) == "already-factored"
    assert refusal(house, "b2", "accept", ACCEPT) == "not-yours"


def test_of_two_banks_the_one_that_the_newest_offer_names_may_accept(house: Consortium) -> None:
    run(house, *SOLD[:2], ("s1", "offer", Offer("O1", "b2", 3_950_000, 20260701)))
    assert refusal(house, "b1", "accept", ACCEPT) == "not-yours"
    assert refusal(house, "b2", "accept", ACCEPT) == "offer-differs"
    run(house, ("b2", "accept", Accept("O1", 3_950_000)))
    assert refusal(house, "b1", "accept", ACCEPT) == "not-yours"


def test_what_is_not_owed_is_not_sold(house: Consortium) -> None:
    assert refusal(house, "s1", "offer", OFFER) == "not-confirmed"
    house.run("h1", "procurement", "place_order", PlaceOrder("O2", "T1", "H1", 4))
    assert refusal(house, "h1", "confirm", OfReceivable("O2")) == "not-received"
    assert refusal(house, "h2", "confirm", OF_O1) == "not-yours"
    run(house, SOLD[0])
    assert refusal(house, "s1", "offer", Offer("O1", "b1", FACE_FEN + 1, 20260701)) == "bad-number"
    assert refusal(house, "s1", "offer", Offer("O1", "b1", 1, 20260531)) == "offer-over"
    run(house, SOLD[1])
    house.run("bureau", "procurement", "pay", Pay("O1", "fund"))
    assert refusal(house, "b1", "accept", ACCEPT) == "order-paid"
    assert balance(house, "supplier/s1") == FACE_FEN


def test_an_offer_ends_by_its_day_its_supplier_or_its_bank(house: Consortium) -> None:
    run(house, *SOLD[:2])
    house.today(20260702)
    assert refusal(house, "b1", "accept", ACCEPT) == "offer-over"
    assert run(house, ("s1", "withdraw", OF_O1)) == ["receivable-withdrawn"]
    assert refusal(house, "b1", "accept", ACCEPT) == "not-yours"
    assert refusal(house, "s1", "withdraw", OF_O1) == "wrong-stage"
    run(house, ("s1", "offer", Offer("O1", "b1", 1, 20260801)))
    assert run(house, ("b1", "decline", OF_O1)) == ["receivable-declined"]
    run(house, ("h1", "confirm", OF_O1))


@pytest.mark.parametrize("account", ["supplier/s1", "bank/b1"])
def test_who_is_barred_neither_sells_nor_buys_until_two_lift_it(house: Consortium, account: str) -> None:
    run(house, *SOLD[:2])
    assert run(house, ("regulator", "bar", Bar(account, "inquiry/I-1"))) == ["hold-placed"]
    assert run(house, ("regulator", "bar", Bar(account, "inquiry/I-1"))) == []
    assert refusal(house, "b1", "accept", ACCEPT) == "payee-barred"
    run(house, ("s1", "withdraw", OF_O1))
    assert refusal(house, "s1", "offer", OFFER) == "payee-barred"
    lift = hold_operations.Lift(account, "inquiry", "inquiry/I-1")
    house.run("regulator", "hold", "ask_lift", lift)
    house.run("bureau", "hold", "endorse_lift", lift)
    run(house, *SOLD[1:])


def test_a_barred_owner_is_not_paid(house: Consortium) -> None:
    run(house, *SOLD, ("regulator", "bar", Bar("bank/b1", "inquiry/I-1")))
    assert house.refusal("bureau", "procurement", "pay", Pay("O1", "fund")) == "payment-held"


def test_only_payees_are_barred_and_an_account_so_often(house: Consortium) -> None:
    assert refusal(house, "regulator", "bar", Bar("fund/procurement", "inquiry/I-1")) == "bad-account"
    assert refusal(house, "regulator", "bar", Bar("bank/b1", "words for people")) == "bad-reference"
    run(house, *[("regulator", "bar", Bar("bank/b1", f"inquiry/I-{number}")) for number in range(64)])
    assert refusal(house, "regulator", "bar", Bar("bank/b1", "inquiry/I-64")) == "too-many-holds"


def send_back(house: Consortium, *codes: str) -> None:
    house.refusal("regulator", "trace_code", "recall", trace_code.Recall("lot", "quality"))
    house.run("h1", "procurement", "send_back", SendBack("O1", codes))


def test_goods_that_went_back_are_confirmed_anew_before_they_are_sold(house: Consortium) -> None:
    run(house, *SOLD[:2])
    send_back(house, CODES[0])
    assert refusal(house, "b1", "accept", ACCEPT) == "face-differs"
    run(
        house,
        ("s1", "withdraw", OF_O1),
        ("h1", "confirm", OF_O1),
        ("s1", "offer", Offer("O1", "b1", 2_900_000, 20260701)),
    )
    run(house, ("b1", "accept", Accept("O1", 2_900_000)))


@pytest.mark.parametrize("is_paid_before", [False, True])
def test_the_bank_loses_nothing_by_goods_that_go_back_after_it_bought(house: Consortium, is_paid_before: bool) -> None:
    """The fund pays for three packs in the end, the supplier bears the fourth, and the bank has its interest."""
    run(house, *SOLD)
    assert refusal(house, "b1", "recover", OF_O1) == "nothing-to-recover"
    before = balance(house, funds.PROCUREMENT)
    pay = ("bureau", "procurement", "pay", Pay("O1", "fund"))
    if is_paid_before:
        house.run(*pay)
    send_back(house, CODES[0])
    if is_paid_before:
        house.run("s1", "procurement", "refund", Refund("O1"))
    else:
        house.run(*pay)
    assert run(house, ("b1", "recover", OF_O1)) == ["movement", "receivable-recovered"]
    assert refusal(house, "b1", "recover", OF_O1) == "nothing-to-recover"
    assert before - balance(house, funds.PROCUREMENT) == 3_000_000
    assert (balance(house, "supplier/s1"), balance(house, "bank/b1")) == (2_900_000, FACE_FEN)
    order = house.state.get(ORDERS, "O1")
    assert order is not None and order.owed_back_fen == 0 and house.sum_of_balances() == 0


def test_recourse_is_for_what_the_supplier_has(house: Consortium) -> None:
    run(
        house, *SOLD[:1], ("s1", "offer", Offer("O1", "b1", 900_000, 20260701)), ("b1", "accept", Accept("O1", 900_000))
    )
    send_back(house, CODES[0])
    assert refusal(house, "b1", "recover", OF_O1) == "account-short"


def test_those_who_have_part_in_it_read_it(house: Consortium) -> None:
    run(house, *SOLD)
    for member, role in (("h1", "hospital"), ("s1", "supplier"), ("b1", "bank"), ("regulator", "regulator")):
        found = CONTRACTS["receivable"].ask(house.state, "of_order", OF_O1, Reader(member, role, 20260601))
        assert found == receivable.get_receivable(house.state, "O1")


@pytest.mark.parametrize(
    ("face_fen", "rate_bp", "days", "worth_fen"),
    [
        (10_000_000, 540, 30, 9_955_000),  # 100,000.00 yuan at 5.4 % over 30 days: 450.00 of interest
        (90_000, 600, 30, 89_550),
        (333, 600, 30, 331),  # 1.665 fen of interest: half up, 2
        (10_000, 600, 0, 10_000),
    ],
)
def test_what_a_claim_is_worth(face_fen: int, rate_bp: int, days: int, worth_fen: int) -> None:
    assert compute_worth(face_fen, rate_bp, days) == worth_fen
