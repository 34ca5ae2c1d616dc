"""What becomes due is told once, on its day or when somebody comes, and not at all where it was settled before."""

import pytest

from consortium.contracts.insurance import institution
from consortium.contracts.medicines.procurement_records import (
    CHECK_OVERDUE,
    CHECK_VOLUME,
    CLOSE_TENDER,
    Pay,
    PlaceOrder,
    Receive,
    SignSubcontract,
)
from consortium.contracts.oversight import due
from consortium.contracts.oversight.due import Ring
from consortium.core.calendar import compute_day_after, day_of_ordinal
from consortium.core.contract import Context
from tests.contracts_state import Consortium, founded
from tests.unit.contracts.test_procurement_path import (
    CODES,
    ORDER,
    PLACE,
    RECEIVE,
    SHIP,
    SIGN,
    TENDER,
    house,
    refusal,
    run,
)

__all__ = ["house"]
CONTEXT = Context(b"chain", 7, 0, b"transaction", "bureau", "bureau", 20240101)
OVERDUE_DAY = 20240418  # received on 2024-03-18, due on 2024-04-17
OVERDUE = Ring(OVERDUE_DAY, "O1")


def waiting(house: Consortium, kind: str) -> list[tuple[int, str]]:
    found = due.due_until(house.state, 29991231, 100)
    return [(one.day, one.key) for one in found if f"{one.contract}.{one.operation}" == kind]


def test_a_late_payment_is_told_once_whoever_rings_first(house: Consortium) -> None:
    run(house, SIGN, PLACE, ("s1", "ship", SHIP), ("h1", "receive", RECEIVE))
    assert waiting(house, CHECK_OVERDUE) == [(OVERDUE_DAY, "O1")]
    house.day += 30
    assert refusal(house, "bureau", "check_overdue", OVERDUE) == "not-due"
    house.day += 1
    (told,) = house.run("regulator", "procurement", "check_overdue", OVERDUE)
    assert told.fields == {
        "why": "payment-overdue",
        "record": "order/O1",
        "due": OVERDUE_DAY,
        "days": 1,
        "amount_fen": 4_000,
    }
    assert house.run("bureau", "procurement", "check_overdue", OVERDUE) == []
    assert waiting(house, CHECK_OVERDUE) == []
    paid = house.run("bureau", "procurement", "pay", Pay("O1", "fund"))
    assert paid[-1].fields["late_days"] == 1


def test_what_is_paid_in_time_or_was_never_owed_is_not_told(house: Consortium) -> None:
    run(house, SIGN, PLACE, ("s1", "ship", SHIP), ("h1", "receive", RECEIVE), ("bureau", "pay", Pay("O1", "fund")))
    house.day += 400
    assert waiting(house, CHECK_OVERDUE) == []
    assert house.run("bureau", "procurement", "check_overdue", OVERDUE) == []


def test_nobody_rings_what_is_not_written_down(house: Consortium) -> None:
    for ring in (Ring(20240101, "O1"), Ring(0, "../x"), Ring(-1, ""), Ring(20240418, "O9")):
        assert house.run("bureau", "procurement", "check_overdue", ring) == []
    assert refusal(house, "h1", "check_overdue", OVERDUE) == "not-permitted"


def test_a_tender_closes_on_its_day_and_each_volume_that_did_not_arrive_is_told(house: Consortium) -> None:
    run(house, ("h1", "sign_subcontract", SignSubcontract("T1", "H1", 4)))
    run(house, ("h2", "sign_subcontract", SignSubcontract("T1", "K3", 80)))
    assert waiting(house, CHECK_VOLUME) == [(20250101, "T1/H1"), (20250101, "T1/K3")]
    run(house, PLACE, ("s1", "ship", SHIP), ("h1", "receive", RECEIVE))
    assert waiting(house, CHECK_VOLUME) == [(20250101, "T1/K3")]  # the other one has arrived
    assert refusal(house, "bureau", "close_tender", Ring(20250101, "T1")) == "not-due"
    house.day += 365
    assert run(house, ("regulator", "close_tender", Ring(20250101, "T1"))) == ["tender-closed"]
    (told,) = house.run("bureau", "procurement", "check_volume", Ring(20250101, "T1/K3"))
    assert told.fields["why"] == "volume-unmet" and told.fields["missing"] == 80
    assert refusal(house, "h1", "place_order", PlaceOrder("O9", "T1", "H1", 4)) == "step-closed"


def test_the_day_of_an_amended_tender_is_the_new_one(house: Consortium) -> None:
    later = type(TENDER)(**{name: getattr(TENDER, name) for name in TENDER.__struct_fields__} | {"to_day": 20260101})
    run(house, ("bureau", "amend_tender", later))
    assert waiting(house, CLOSE_TENDER) == [(20260101, "T1")]


def test_what_was_not_received_in_full_is_due_in_part(house: Consortium) -> None:
    run(house, SIGN, PLACE, ("s1", "ship", SHIP), ("h1", "receive", Receive("O1", CODES[:3], 3, True)))
    house.day += 31
    (told,) = house.run("bureau", "procurement", "check_overdue", OVERDUE)
    assert told.fields["amount_fen"] == 3 * TENDER.price_fen
    assert ORDER.quantity == 4


@pytest.mark.parametrize(
    ("days", "told"),
    [(-31, []), (-30, ["licence-ending"]), (0, ["licence-ending"]), (1, ["licence-ended"]), (400, ["licence-ended"])],
)
def test_a_licence_is_told_before_it_ends_and_when_it_has(days: int, told: list[str]) -> None:
    house = founded()
    house.day = 20_000
    ends = day_of_ordinal(house.day - days)
    sign = institution.Sign("H9", "hospital", 1, "h1", "L-9", ends)
    house.run("bureau", "institution", "sign", sign)
    found = []
    for one in list(due.due_until(house.state, day_of_ordinal(house.day), 100)):
        ring = Ring(one.day, one.key)
        found += [event.fields["why"] for event in house.run("bureau", "institution", "check_licence", ring)]
    assert found == told
    assert len(waiting(house, institution.CHECK_LICENCE)) == (2 if days < -30 else 1 if days < 1 else 0) + 10


def test_the_licence_of_a_terminated_institution_is_nobodys_concern() -> None:
    house = founded()
    before = waiting(house, institution.CHECK_LICENCE)
    assert {key for _, key in before} == {"H1", "H2", "H3", "K3", "P1"}
    house.run("bureau", "institution", "terminate", institution.Decide("H1", "closed"))
    assert [key for _, key in waiting(house, institution.CHECK_LICENCE)] == [key for _, key in before if key != "H1"]
    assert all(day > compute_day_after(20991231, -31) for day, _ in before)


def test_a_page_has_no_more_than_was_asked_for_and_begins_with_the_oldest(house: Consortium) -> None:
    for day in (20240103, 20240101, 20240102):
        due.put(house.state, day, "a.b", f"k/{day}", CONTEXT)
    page = list(due.due_until(house.state, 20240102, 2))
    assert [(one.day, one.contract, one.operation, one.key) for one in page] == [
        (20240101, "a", "b", "k/20240101"),
        (20240102, "a", "b", "k/20240102"),
    ]
    assert len(list(due.due_until(house.state, 20240101, 2))) == 1
