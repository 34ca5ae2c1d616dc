"""One path of procurement: steps may be amended before the next one, never skipped or undone."""

import msgspec
import pytest

from consortium.contracts.insurance import funds
from consortium.contracts.medicines import packs, trace_code
from consortium.contracts.medicines.procurement_records import (
    ORDERS,
    AwardTender,
    Invoice,
    Pay,
    PlaceOrder,
    Prepay,
    Receive,
    Ship,
    SignSubcontract,
)
from tests.contracts_state import Consortium, code_of, founded

CODES = tuple(code_of(number) for number in range(4))
TENDER = AwardTender("T1", "D", "factory", "s1", 1_000, 100, 20240101, 20250101)
ORDER = PlaceOrder("O1", "T1", "H1", 4)
INVOICES = (Invoice("factory", "s1", b"i" * 32), Invoice("s1", "H1", b"k" * 32))
SHIP = Ship("O1", CODES, INVOICES, b"r" * 32, True)
RECEIVE = Receive("O1", CODES, 4, True)


@pytest.fixture
def house() -> Consortium:
    house = founded()
    house.day = 19_800  # 2024-03-18
    house.run("s1", "trace_code", "produce", trace_code.Produce("lot", "D", "tablet", 10, CODES))
    house.run("bureau", "procurement", "award_tender", TENDER)
    return house


def run(house: Consortium, *steps: tuple[str, str, object]) -> list[str]:
    return [event.kind for member, name, step in steps for event in house.run(member, "procurement", name, step)]


def refusal(house: Consortium, member: str, name: str, step: object) -> str:
    return house.refusal(member, "procurement", name, step)


SIGN = ("h1", "sign_subcontract", SignSubcontract("T1", "H1", 50))
PLACE = ("h1", "place_order", ORDER)


def test_the_whole_path_with_prepayment(house: Consortium) -> None:
    kinds = run(
        house,
        SIGN,
        PLACE,
        ("bureau", "prepay", Prepay("O1", "fund", 3_000)),
        ("s1", "ship", SHIP),
        ("h1", "receive", RECEIVE),
        ("bureau", "pay", Pay("O1", "fund")),
    )
    assert kinds[-2:] == ["movement", "order-paid"]
    assert "volume-progress" in kinds
    assert funds.get_balance(house.state, "supplier/s1") == 4_000
    order = house.state.get(ORDERS, "O1")
    assert order is not None and order.due_day == 20240417
    assert packs.get_pack(house.state, CODES[0]).holder == "institution/H1"
    assert refusal(house, "bureau", "pay", Pay("O1", "fund")) == "wrong-stage"
    assert house.sum_of_balances() == 0


def test_no_step_is_skipped(house: Consortium) -> None:
    assert refusal(house, "h1", "place_order", ORDER) == "unknown-subcontract"
    run(house, SIGN)
    assert refusal(house, "s1", "ship", SHIP) == "not-yours"
    assert refusal(house, "bureau", "pay", Pay("O1", "fund")) == "unknown-order"
    run(house, PLACE)
    assert refusal(house, "h1", "receive", RECEIVE) == "wrong-stage"
    assert refusal(house, "bureau", "pay", Pay("O1", "fund")) == "wrong-stage"
    run(house, ("s1", "ship", SHIP))
    assert refusal(house, "bureau", "prepay", Prepay("O1", "fund", 3_000)) == "wrong-stage"
    assert refusal(house, "bureau", "pay", Pay("O1", "fund")) == "wrong-stage"


def test_a_step_is_amended_only_before_the_next(house: Consortium) -> None:
    run(house, ("bureau", "amend_tender", msgspec.structs.replace(TENDER, price_fen=900)), SIGN)
    assert refusal(house, "bureau", "amend_tender", TENDER) == "step-closed"
    run(house, ("h1", "sign_subcontract", SignSubcontract("T1", "H1", 60)), PLACE)
    assert refusal(house, "h1", "sign_subcontract", SignSubcontract("T1", "H1", 70)) == "step-closed"
    run(house, ("h1", "place_order", msgspec.structs.replace(ORDER, quantity=3)), PLACE, ("s1", "ship", SHIP))
    assert refusal(house, "h1", "place_order", ORDER) == "wrong-stage"
    other = msgspec.structs.replace(SHIP, invoices=(INVOICES[0], Invoice("s1", "H1", b"j" * 32)))
    assert run(house, ("s1", "ship", other)) == ["shipment-amended"]
    run(house, ("h1", "receive", RECEIVE))
    assert refusal(house, "s1", "ship", SHIP) == "wrong-stage"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"invoices": ()}, "two-invoice-rule"),
        ({"invoices": INVOICES[:1]}, "two-invoice-rule"),
        ({"invoices": (Invoice("factory", "H1", b"i" * 32),)}, "two-invoice-rule"),  # the factory does not ship
        ({"invoices": (*INVOICES, Invoice("s1", "H1", b"3" * 32))}, "two-invoice-rule"),
        ({"invoices": (Invoice("other", "s1", b"1" * 32), INVOICES[1])}, "two-invoice-rule"),
        ({"invoices": (Invoice("factory", "s2", b"1" * 32), Invoice("s2", "H1", b"2" * 32))}, "two-invoice-rule"),
        ({"invoices": (INVOICES[0], Invoice("s1", "H2", b"2" * 32))}, "two-invoice-rule"),
        ({"invoices": (INVOICES[0], Invoice("s1", "H1", b"i" * 32))}, "invoice-used"),
        ({"invoices": (INVOICES[0], Invoice("s1", "H1", b"2" * 32))}, "ok"),
        ({"inspection_passed": False}, "inspection-failed"),
        ({"inspection_report": b""}, "bad-digest"),
        ({"codes": ()}, "trace-code-missing"),
        ({"codes": CODES[:3]}, "trace-code-count"),
        ({"codes": (*CODES[:3], CODES[0])}, "codes-not-sorted"),
        ({"codes": (*CODES[:3], code_of(9))}, "trace-code-unknown"),
    ],
)
def test_shipments(house: Consortium, change: dict[str, object], code: str) -> None:
    run(house, SIGN, PLACE)
    assert refusal(house, "s1", "ship", msgspec.structs.replace(SHIP, **change)) == code


@pytest.mark.parametrize(
    ("invoices", "code"),
    [
        ((Invoice("s1", "H1", b"i" * 32),), "ok"),
        ((Invoice("s1", "s1", b"i" * 32), Invoice("s1", "H1", b"k" * 32)), "two-invoice-rule"),
        ((Invoice("factory", "H1", b"i" * 32),), "two-invoice-rule"),
    ],
)
def test_a_producer_that_ships_itself_writes_one_invoice(
    house: Consortium, invoices: tuple[Invoice, ...], code: str
) -> None:
    run(house, ("bureau", "amend_tender", msgspec.structs.replace(TENDER, producer="s1")), SIGN, PLACE)
    assert refusal(house, "s1", "ship", msgspec.structs.replace(SHIP, invoices=invoices)) == code


def test_an_invoice_serves_one_order(house: Consortium) -> None:
    more = tuple(code_of(number) for number in range(10, 14))
    house.run("s1", "trace_code", "produce", trace_code.Produce("lot2", "D", "tablet", 10, more))
    run(house, SIGN, PLACE, ("s1", "ship", SHIP), ("h1", "place_order", msgspec.structs.replace(ORDER, order_no="O2")))
    second = msgspec.structs.replace(SHIP, order_no="O2", codes=more)
    assert refusal(house, "s1", "ship", second) == "invoice-used"


def test_a_failed_inspection_on_receipt_rejects_with_a_notice(house: Consortium) -> None:
    run(house, SIGN, PLACE, ("s1", "ship", SHIP))
    rejected = Receive("O1", (), 0, False)
    assert run(house, ("h1", "receive", rejected)) == ["order-rejected", "notice"]
    assert refusal(house, "bureau", "pay", Pay("O1", "fund")) == "wrong-stage"


def test_what_was_not_scanned_is_not_paid(house: Consortium) -> None:
    run(house, SIGN, PLACE, ("s1", "ship", SHIP))
    assert refusal(house, "h1", "receive", Receive("O1", (code_of(9),), 1, True)) == "code-not-shipped"
    assert run(house, ("h1", "receive", Receive("O1", CODES[:3], 3, True)))[-1] == "notice"
    assert refusal(house, "h1", "pay", Pay("O1", "fund")) == "not-permitted"
    assert refusal(house, "h1", "pay", Pay("O1", "buyer")) == "account-short"
    assert refusal(house, "bureau", "pay", Pay("O1", "buyer")) == "not-permitted"
    run(house, ("bureau", "pay", Pay("O1", "fund")))
    assert funds.get_balance(house.state, "supplier/s1") == 3_000


def test_agreed_volumes_stay_within_the_tender(house: Consortium) -> None:
    run(house, ("h2", "sign_subcontract", SignSubcontract("T1", "K3", 80)))
    assert refusal(house, "h1", "sign_subcontract", SignSubcontract("T1", "H1", 21)) == "volume-exceeded"


def test_an_order_of_another_is_like_one_that_is_not_there(house: Consortium) -> None:
    run(house, SIGN, PLACE, ("h2", "sign_subcontract", SignSubcontract("T1", "K3", 10)))
    for number in ("O1", "O404"):
        assert refusal(house, "h2", "receive", msgspec.structs.replace(RECEIVE, order_no=number)) == "not-yours"
        assert refusal(house, "h2", "pay", Pay(number, "buyer")) == "not-yours"
    assert refusal(house, "h2", "place_order", PlaceOrder("O1", "T1", "K3", 4)) == "not-yours"
    assert refusal(house, "h2", "place_order", PlaceOrder("O2", "T1", "H1", 4)) == "not-yours"
