"""Lots: nothing expired or in quarantine is sold or handed on; a fault is followed to what faulty lots have in
common."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts.insurance.lines import Line
from consortium.contracts.medicines import lot_faults, lots
from consortium.contracts.medicines.lot_faults import InCommon, MadeWith, OfLot, find_made, find_sources
from consortium.contracts.medicines.lot_quality import (
    CONTRACT,
    AskRelease,
    Declare,
    Quarantine,
    RecordStep,
    Release,
    ReportFault,
)
from consortium.contracts.medicines.lot_quality_records import STEPS_MAX
from consortium.contracts.medicines.lots import PageOfLot
from consortium.contracts.medicines.trace_code import Extend, Produce, Recall, Sell, SendBack, Transfer
from consortium.core.contract import Reader, Refused
from tests.contracts_state import CONTRACTS, Consortium, code_of, founded

P1, S1 = "institution/P1", "supplier/s1"
CODES = tuple(code_of(number) for number in range(6))
DAYS, RECORD = Declare("lot", 20260101, 20261231), b"r" * 32
REPORT = b"t" * 32


@pytest.fixture
def house() -> Consortium:
    """A declared lot of six packs, four of them at P1."""
    house = founded()
    house.run("s1", "trace_code", "produce", Produce("lot", "D", "tablet", 10, CODES))
    house.run("s1", "trace_code", "transfer", Transfer(S1, P1, CODES[:4]))
    act(house, "s1", "declare", DAYS)
    return house


def act(house: Consortium, member: str, operation: str, arguments: Any) -> list[str]:
    return [event.kind for event in house.run(member, "lot_quality", operation, arguments)]


def refusal(house: Consortium, member: str, operation: str, arguments: Any) -> str:
    return house.refusal(member, "lot_quality", operation, arguments)


def ask(house: Consortium, query: str, arguments: Any, member: str = "regulator") -> Any:
    role = {"regulator": "regulator", "s1": "supplier"}[member]
    return CONTRACT.ask(house.state, query, arguments, Reader(member, role, 20260601))


def sell(house: Consortium, place: int) -> str:
    return house.refusal("p1", "trace_code", "sell", Sell("P1", CODES[place], f"till-{place}", 0))


def test_what_has_expired_is_neither_sold_nor_handed_on_and_goes_back(house: Consortium) -> None:
    house.today(20261231)
    assert sell(house, 0) == "ok"
    back = SendBack(P1, CODES[1:4])
    assert house.refusal("p1", "trace_code", "send_back", back) == "not-recalled"
    house.today(20270101)
    assert sell(house, 1) == "lot-expired"
    handed = Transfer(P1, "institution/H1", CODES[1:2])
    assert house.refusal("p1", "trace_code", "transfer", handed) == "lot-expired"
    assert house.refusal("p1", "trace_code", "send_back", back) == "ok"


def test_a_claim_goes_by_the_day_on_which_its_service_began(house: Consortium) -> None:
    """What was sold in time is settled also after the lot has expired; what was not, is not."""
    house.today(20270105)
    for day, code, told in ((20261231, CODES[0], "ok"), (20270101, CODES[1], "lot-expired")):
        visit = {"fixmedins_code": "P1", "member": "p1", "begndate": day, "enddate": day, "med_type": "outpatient"}
        before = house.state.copy()
        try:
            house.claim("E", (Line("D", 1, 500, (code,)),), serial=str(day), **visit)
        except Refused as refused:
            assert refused.code == told and house.state.copy() == before
        else:
            assert told == "ok"


def test_a_quarantine_stops_every_pack_until_two_lift_it(house: Consortium) -> None:
    assert act(house, "regulator", "quarantine", Quarantine("lot", "fault")) == ["lot-quarantined"]
    assert refusal(house, "bureau", "quarantine", Quarantine("lot", "fault")) == "wrong-stage"
    assert sell(house, 0) == "lot-quarantined"
    handed = Transfer(S1, P1, CODES[4:])
    assert house.refusal("s1", "trace_code", "transfer", handed) == "lot-quarantined"
    assert refusal(house, "regulator", "release", Release("lot", REPORT)) == "wrong-stage"
    assert act(house, "s1", "ask_release", AskRelease("lot", REPORT)) == ["lot-release-asked"]
    assert sell(house, 0) == "lot-quarantined"
    assert refusal(house, "regulator", "release", Release("lot", RECORD)) == "report-differs"
    assert act(house, "regulator", "release", Release("lot", REPORT)) == ["lot-released"]
    assert sell(house, 0) == "ok"


def test_a_producer_stops_its_own_lot_and_frees_none(house: Consortium) -> None:
    act(house, "s1", "quarantine", Quarantine("lot", "inspection"))
    assert refusal(house, "s1", "release", Release("lot", REPORT)) == "not-permitted"
    act(house, "s1", "ask_release", AskRelease("lot", REPORT))
    act(house, "bureau", "quarantine", Quarantine("lot", "fault"))
    assert refusal(house, "regulator", "release", Release("lot", REPORT)) == "wrong-stage"
    assert refusal(house, "s2", "ask_release", AskRelease("lot", REPORT)) == "not-yours"


def test_a_recalled_pack_in_quarantine_goes_back(house: Consortium) -> None:
    act(house, "regulator", "quarantine", Quarantine("lot", "fault"))
    house.run("regulator", "trace_code", "recall", Recall("lot", "quality"))
    assert house.refusal("p1", "trace_code", "send_back", SendBack(P1, CODES[:4])) == "ok"


@pytest.mark.parametrize(
    ("declare", "code"),
    [
        (Declare("lot2", 20260602, 20270101), "bad-date"),  # a day that has not come
        (Declare("lot2", 20260101, 20260101), "bad-date"),
        (Declare("lot2", 20260101, 20261301), "bad-date"),
        (Declare("lot", 20260101, 20270101), "already-declared"),
        (Declare("lot9", 20260101, 20270101), "not-yours"),
    ],
)
def test_days_are_declared_once(house: Consortium, declare: Declare, code: str) -> None:
    house.run("s1", "trace_code", "produce", Produce("lot2", "D", "tablet", 10, (code_of(9),)))
    assert refusal(house, "s1", "declare", declare) == code


def step(lot_no: str, *materials: str, equipment: str = "mixer-1", record: bytes = RECORD) -> RecordStep:
    return RecordStep(lot_no, "mixing", "plant", equipment, materials, record)


def test_steps_are_added_and_never_changed(house: Consortium) -> None:
    assert refusal(house, "s2", "record_step", step("lot")) == "not-yours"
    assert refusal(house, "s1", "record_step", step("lot", record=b"short")) == "bad-digest"
    assert refusal(house, "s1", "record_step", RecordStep("lot", "dancing", "a", "b", (), RECORD)) == "bad-choice"
    assert refusal(house, "s1", "record_step", step("lot", *["m"] * 21)) == "bad-length"
    house.run("s1", "trace_code", "produce", Produce("lot2", "D", "tablet", 10, (code_of(9),)))
    assert refusal(house, "s1", "record_step", step("lot2")) == "not-declared"
    for _ in range(STEPS_MAX):
        act(house, "s1", "record_step", step("lot", "raw"))
    assert refusal(house, "s1", "record_step", step("lot")) == "too-many-steps"
    history = ask(house, "of_lot", OfLot("lot"), "s1")
    assert len(history.steps) == STEPS_MAX and history.quality.produced_on == 20260101


def test_a_fault_is_reported_once_for_a_pack_by_who_holds_it(house: Consortium) -> None:
    report = ReportFault(CODES[0], "potency")
    assert refusal(house, "h1", "report_fault", report) == "not-yours"
    assert refusal(house, "p1", "report_fault", ReportFault(CODES[0], "taste")) == "bad-choice"
    assert act(house, "p1", "report_fault", report) == ["lot-fault-reported"]
    assert refusal(house, "p1", "report_fault", report) == "fault-reported"
    assert ask(house, "of_lot", OfLot("lot")).quality.faults == 1


def furnished() -> Consortium:
    """Tablets A, B, C of bulk-1 and D of bulk-2, all pressed on press-1; bulk-1 is made of raw-7, bulk-2 of raw-8; A
    and B have faults."""
    house = founded()
    made = {"bulk-1": ("raw-7",), "bulk-2": ("raw-8",), "A": ("bulk-1",), "B": ("bulk-1",), "C": ("bulk-1",)}
    for number, (lot_no, materials) in enumerate({**made, "D": ("bulk-2",)}.items()):
        house.run("s1", "trace_code", "produce", Produce(lot_no, "D", "tablet", 10, (code_of(number),)))
        act(house, "s1", "declare", Declare(lot_no, 20260101, 20270101))
        act(house, "s1", "record_step", step(lot_no, *materials, equipment="press-1"))
    for number in (2, 3):
        act(house, "s1", "report_fault", ReportFault(code_of(number), "contamination"))
    return house


def test_the_source_of_a_fault_is_what_faulty_lots_alone_have_in_common() -> None:
    house = furnished()
    found = ask(house, "in_common", InCommon(("A", "B")))
    ranked = [(one.source, one.lots, one.faulty) for one in found.suspects]
    assert ranked == [("bulk-1", 3, 2), ("raw-7", 4, 2), ("press-1", 6, 2), ("plant", 6, 2)] and not found.is_cut
    assert find_made(house.state, "material", "raw-7") == ["bulk-1", "A", "B", "C"]
    assert find_sources(house.state, "D") == {
        ("place", "plant"),
        ("equipment", "press-1"),
        ("material", "bulk-2"),
        ("material", "raw-8"),
    }
    assert ask(house, "made_with", MadeWith("material", "bulk-1")).lots == ("A", "B", "C")
    assert ask(house, "made_with", MadeWith("material", "bulk-1", "A")).lots == ("B", "C")
    assert ask(house, "in_common", InCommon(("A", "D"))).suspects[0].source == "press-1"


def test_what_is_made_of_itself_ends_the_walk() -> None:
    house = founded()
    for number, (lot_no, material) in enumerate((("A", "B"), ("B", "A"))):
        house.run("s1", "trace_code", "produce", Produce(lot_no, "D", "tablet", 10, (code_of(number),)))
        act(house, "s1", "declare", Declare(lot_no, 20260101, 20270101))
        act(house, "s1", "record_step", step(lot_no, material))
    assert ("material", "A") in find_sources(house.state, "A")
    assert sorted(find_made(house.state, "material", "A")) == ["A", "B"]


def test_an_answer_says_that_it_was_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    house = furnished()
    monkeypatch.setattr(lot_faults, "MADE_MAX", 2)
    assert ask(house, "in_common", InCommon(("A", "B"))).is_cut


@pytest.mark.parametrize(
    ("query", "arguments", "code"),
    [
        ("in_common", InCommon(()), "bad-length"),
        ("in_common", InCommon(("lot", "lot404")), "unknown-lot"),
        ("made_with", MadeWith("colour", "red"), "bad-choice"),
        ("made_with", MadeWith("place", "a/b"), "bad-identifier"),
        ("of_lot", OfLot("lot404"), "unknown-lot"),
        ("of_lot", OfLot("lot2"), "not-declared"),
    ],
)
def test_questions_that_cannot_be_answered(house: Consortium, query: str, arguments: Any, code: str) -> None:
    house.run("s1", "trace_code", "produce", Produce("lot2", "D", "tablet", 10, (code_of(9),)))
    with pytest.raises(Refused, match=code):
        ask(house, query, arguments)


@pytest.mark.parametrize("count", [4_000, pytest.param(100_000, marks=pytest.mark.nightly)])
def test_a_recall_finds_every_holder_of_many_packs(count: int) -> None:
    """Handed on in part, sold in part; each pack is found once."""
    house = founded()
    codes = [code_of(number) for number in range(count)]
    house.genesis("trace_code", "produce", Produce("big", "D", "tablet", 10, tuple(codes[:500]), S1))
    for first in range(500, count, 500):
        house.run("s1", "trace_code", "extend", Extend("big", tuple(codes[first : first + 500])))
    for first in range(0, count, count // 8):
        house.run("s1", "trace_code", "transfer", Transfer(S1, P1, tuple(codes[first : first + 200])))
    house.run("p1", "trace_code", "sell", Sell("P1", codes[0], "till-1", 0))
    house.run("regulator", "trace_code", "recall", Recall("big", "quality"))
    places = [
        place
        for page in range(1, count // 500 + 1)
        for place in CONTRACTS["trace_code"]
        .ask(house.state, "places", PageOfLot("big", page), Reader("regulator", "regulator", 20260601))
        .places
    ]
    assert [place.drug_trac_codg for place in places] == codes
    assert sum(place.holder == P1 for place in places) == 1_600
    assert [(place.drug_trac_codg, place.sales[0].bill_no) for place in places if place.sales] == [(codes[0], "till-1")]
    assert lots.PAGES_MAX * 500 >= 1_000_000
