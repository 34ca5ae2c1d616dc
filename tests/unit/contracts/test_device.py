"""Devices by UDI: a piece is used once, an instrument only sterile, a recalled lot not at all."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts.insurance import bill
from consortium.contracts.insurance.lines import Line
from consortium.contracts.medicines import device, device_queries
from consortium.contracts.medicines.device import Recall, Register, RegisterModel, Sterilise, TakeBack, Transfer, Use
from consortium.contracts.medicines.device_records import DEVICES, check_udi_di, with_check_digit
from consortium.core.contract import Reader, Refused
from tests.contracts_state import CONTRACTS, Consortium, founded

STENT, FORCEPS = with_check_digit("0697000000001"), with_check_digit("0697000000002")
H1, H3 = "institution/H1", "institution/H3"
RECORD = b"r" * 32


@pytest.fixture
def house() -> Consortium:
    """s1 made stents A, B (of one lot) and a forceps F; h1's institution H1 has them, and a bill."""
    house = founded()
    house.run("s1", "device", "register_model", RegisterModel(STENT, "S", "implant"))
    house.run("s1", "device", "register_model", RegisterModel(FORCEPS, "S", "instrument", 2))
    house.run("s1", "device", "register", Register(STENT, "L1", 20260101, 20260630, ("A", "B")))
    house.run("s1", "device", "register", Register(FORCEPS, "L2", 20260101, 0, ("F",)))
    for di, serials in ((STENT, ("A", "B")), (FORCEPS, ("F",))):
        house.run("s1", "device", "transfer", Transfer("supplier/s1", H1, di, serials))
    for number in ("H1-1", "H1-2", "H3-1"):
        house.run("h1", "bill", "issue", house.issue(number, "E", (Line("A", 1, 100),)))
    return house


def outcome(house: Consortium, operation: str, arguments: Any, member: str = "h1") -> str:
    return house.refusal(member, "device", operation, arguments)


def test_a_udi_di_has_a_check_digit() -> None:
    check_udi_di("06901234567892")
    for wrong in ("06901234567893", "6901234567892", "0690123456789x", "٠٦٩٠١٢٣٤٥٦٧٨٩٢"):
        with pytest.raises(Refused, match="check digit"):
            check_udi_di(wrong)


def test_an_implant_is_used_once_on_a_bill_of_its_holder(house: Consortium) -> None:
    assert outcome(house, "use", Use(STENT, "A", "H3-1", 1)) == "bill-of-another"
    assert outcome(house, "use", Use(STENT, "A", " h1-1", 1)) == "ok"
    assert outcome(house, "use", Use(STENT, "A", "H1-2", 1)) == "device-not-ready"
    assert outcome(house, "transfer", Transfer(H1, "supplier/s1", STENT, ("A",))) == "device-used"
    assert outcome(house, "sterilise", Sterilise(STENT, "A", "steam", True, RECORD)) == "not-an-instrument"
    assert outcome(house, "use", Use(STENT, "B", "H1-2", 1), "h2") == "not-yours"


def test_it_is_taken_back_where_its_bill_is_cancelled(house: Consortium) -> None:
    house.run("h1", "device", "use", Use(STENT, "A", "H1-1", 1))
    assert outcome(house, "take_back", TakeBack(STENT, "A", "not-opened")) == "bill-stands"
    house.run("h1", "bill", "reverse", bill.Reverse("H1-1", "H1-9", "wrong-lines"))
    assert outcome(house, "use", Use(STENT, "B", "H1-1", 1)) == "bill-not-issued"
    assert outcome(house, "take_back", TakeBack(STENT, "A", "not-opened")) == "ok"
    assert outcome(house, "use", Use(STENT, "A", "H1-2", 1)) == "ok"


def test_an_instrument_is_used_sterile_and_no_more_often_than_it_may(house: Consortium) -> None:
    def cycle(is_passed: bool) -> str:
        return outcome(house, "sterilise", Sterilise(FORCEPS, "F", "steam", is_passed, RECORD))

    def use(number: str) -> str:
        return outcome(house, "use", Use(FORCEPS, "F", number, 1))

    assert use("H1-1") == "device-not-ready", "never sterilised"
    assert (cycle(True), use("H1-1"), use("H1-2")) == ("ok", "ok", "device-not-ready")
    assert (cycle(False), use("H1-2")) == ("ok", "device-not-ready")
    assert (cycle(True), use("H1-2")) == ("ok", "ok")
    assert cycle(True) == "device-not-ready", "it passed twice, as often as it may"
    held = house.state.get(DEVICES, f"{FORCEPS}/F")
    assert held is not None and (held.stage, held.uses, held.cycles, held.steps) == ("retired", 2, 2, 5)
    asked = device_queries.StepsAfter(FORCEPS, "F", 2)
    steps = CONTRACTS["device"].ask(house.state, "steps", asked, Reader("h1", "hospital", 20260601)).steps
    assert [(one.what, one.bill_no, one.is_passed) for one in steps] == [
        ("sterilise", "", False),
        ("sterilise", "", True),
        ("use", "h1-2", False),
    ]


def test_a_recalled_lot_is_used_no_more_goes_back_and_is_found(house: Consortium) -> None:
    house.run("h1", "device", "use", Use(STENT, "A", "H1-1", 1))
    assert outcome(house, "recall", Recall(STENT, "L1", "breakage"), "s2") == "not-yours"
    assert outcome(house, "recall", Recall(STENT, "L1", "breakage"), "s1") == "ok"
    assert outcome(house, "use", Use(STENT, "B", "H1-2", 1)) == "device-recalled"
    assert outcome(house, "transfer", Transfer(H1, H3, STENT, ("B",))) == "device-recalled"
    assert outcome(house, "transfer", Transfer(H1, "supplier/s1", STENT, ("B",))) == "ok"
    assert outcome(house, "register", Register(STENT, "L1", 20260101, 20260630, ("C",)), "s1") == "device-recalled"
    asked = device_queries.OfLotAfter(STENT, "L1")
    found = CONTRACTS["device"].ask(house.state, "of_lot", asked, Reader("regulator", "regulator", 20260601))
    assert found.lot.is_recalled and found.last == ""
    assert [(one.serial, one.holder, one.bill_no) for one in found.pieces] == [
        ("A", H1, "h1-1"),
        ("B", "supplier/s1", ""),
    ]


@pytest.mark.parametrize(
    ("operation", "arguments", "code"),
    [
        ("register_model", RegisterModel(STENT, "S", "implant"), "model-exists"),
        ("register_model", RegisterModel(with_check_digit("0697000000009"), "S", "implant", 5), "bad-number"),
        ("register", Register(STENT, "L1", 20260101, 20260630, ("A",)), "device-exists"),
        ("register", Register(STENT, "L1", 20260101, 20270630, ("C",)), "lot-differs"),
        ("register", Register(STENT, "L3", 20260701, 0, ("C",)), "bad-date"),
        ("transfer", Transfer("supplier/s1", H1, STENT, ("A",)), "device-elsewhere"),
        ("transfer", Transfer("supplier/s1", "supplier/s1", STENT, ("A",)), "same-holder"),
        ("transfer", Transfer("supplier/s1", H1, STENT, ("X",)), "unknown-device"),
    ],
)
def test_what_a_supplier_is_refused(house: Consortium, operation: str, arguments: Any, code: str) -> None:
    assert outcome(house, operation, arguments, "s1") == code


def test_an_expired_piece_is_not_used(house: Consortium) -> None:
    house.today(20260801)
    stay = {"begndate": 20260701, "enddate": 20260701}
    house.run("h1", "bill", "issue", house.issue("H1-7", "E", (Line("A", 1, 100),), **stay))
    assert outcome(house, "use", device.Use(STENT, "A", "H1-7", 1)) == "device-expired"
    assert outcome(house, "use", device.Use(STENT, "A", "H1-1", 1)) == "ok", "it was used while it was good"
