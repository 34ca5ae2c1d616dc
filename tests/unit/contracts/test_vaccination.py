"""Doses of traced packs, in their order, to pseudonyms; who is late and what came after a dose is told."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts.medicines import trace_code, vaccination_queries
from consortium.contracts.medicines.lot_quality import Quarantine
from consortium.contracts.medicines.packs import PACKS
from consortium.contracts.medicines.vaccination import CHECK_DUE, Give, ReportReaction, SetSchedule, SetTarget, Withdraw
from consortium.contracts.medicines.vaccination_records import SERIES, Gap
from consortium.contracts.oversight import due
from consortium.core.contract import Reader
from tests.contracts_state import CONTRACTS, Consortium, code_of, founded, stock

REPORT = b"r" * 32


@pytest.fixture
def house() -> Consortium:
    """The item D is a vaccine of two doses, 21 days apart at least, due after 28. H1 and P1 hold packs of two doses."""
    house = founded()
    stock(house, "L1", (code_of(1), code_of(2)), "institution/H1", units=2)
    stock(house, "L2", (code_of(3),), "institution/P1", units=2)
    house.genesis("vaccination", "set_schedule", SetSchedule("D", 20260101, (Gap(21, 28),)))
    return house


def give(house: Consortium, number: int, person: str, pack: int = 1, code: str = "H1", member: str = "h1") -> str:
    return house.refusal(member, "vaccination", "give", Give(f"{code}:{number}", code, person, code_of(pack)))


def left(house: Consortium, pack: int) -> int:
    held = house.state.get(PACKS, code_of(pack))
    assert held is not None
    return held.units_left


def notices(house: Consortium) -> list[Any]:
    """What is due today, rung."""
    found = []
    for one in list(due.due_until(house.state, 20260731, 50)):
        if f"{one.contract}.{one.operation}" == CHECK_DUE:
            found += house.run("bureau", one.contract, one.operation, due.Ring(one.day, one.key))
    return [event.fields for event in found]


def test_each_dose_takes_a_unit_of_a_pack_that_may_be_given(house: Consortium) -> None:
    assert (give(house, 1, "v1"), give(house, 2, "v2"), left(house, 1)) == ("ok", "ok", 0)
    assert give(house, 3, "v3") == "trace-code-sold"
    assert give(house, 3, "v3", pack=3) == "trace-code-elsewhere"
    house.run("regulator", "lot_quality", "quarantine", Quarantine("L1", "fault"))
    assert give(house, 3, "v3", pack=2) == "lot-quarantined"
    assert give(house, 4, "v3", pack=3, code="P1", member="p1") == "ok"
    assert give(house, 4, "v4", pack=3, code="P1", member="p1") == "dose-exists"
    assert give(house, 4, "v4", pack=3, code="P1") == "not-yours"
    assert house.refusal("h1", "vaccination", "give", Give("P1:9", "H1", "v4", code_of(2))) == "number-foreign"


def test_doses_come_in_their_order_and_not_too_early(house: Consortium) -> None:
    assert give(house, 1, "v1") == "ok"
    assert give(house, 2, "v1", pack=2) == "dose-too-early"
    house.today(20260621)
    assert give(house, 2, "v1", pack=2) == "dose-too-early"
    house.today(20260622)
    assert give(house, 2, "v1", pack=2) == "ok"
    assert give(house, 3, "v1", pack=2) == "series-complete"
    house.today(20260801)
    assert notices(house) == []


def test_who_does_not_come_again_is_told_of_once(house: Consortium) -> None:
    assert (give(house, 1, "v1"), give(house, 2, "v2")) == ("ok", "ok")
    house.today(20260630)
    assert give(house, 3, "v2", pack=2) == "ok", "late by a day, and before anybody rang"
    told = notices(house)
    assert told == [{"why": "dose-overdue", "record": "vaccination/v1/D", "due": 20260630}]
    assert notices(house) == []
    assert give(house, 4, "v1", pack=2) == "ok", "better late than never"


def test_a_wrong_record_is_withdrawn_and_all_is_as_before(house: Consortium) -> None:
    before = house.state.copy()
    give(house, 1, "v1")
    sale = trace_code.ReturnSale("H1", code_of(1), "H1:1")
    assert house.refusal("h1", "trace_code", "return_sale", sale) == "sold-on-claim"
    assert house.refusal("p1", "vaccination", "withdraw", Withdraw("H1:1", "not-given")) == "not-yours"
    assert house.refusal("h1", "vaccination", "withdraw", Withdraw("H1:1", "not-given")) == "ok"
    after = house.state.copy()
    gone = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    assert gone == {"dose", "lot_doses"}, "a withdrawn dose, and a count of none"
    assert house.refusal("h1", "vaccination", "withdraw", Withdraw("H1:1", "not-given")) == "dose-exists"


def test_only_the_newest_dose_is_withdrawn(house: Consortium) -> None:
    give(house, 1, "v1")
    house.today(20260625)
    give(house, 2, "v1", pack=2)
    assert house.refusal("h1", "vaccination", "withdraw", Withdraw("H1:1", "wrong-pack")) == "not-newest"
    assert house.refusal("h1", "vaccination", "withdraw", Withdraw("H1:2", "wrong-pack")) == "ok"
    series = house.state.get(SERIES, "v1/D")
    assert series is not None and (series.doses, series.last_dose, series.due_on) == (1, "H1:1", 20260629)
    house.today(20260715)
    assert [one["record"] for one in notices(house)] == ["vaccination/v1/D"]


def test_what_came_after_a_dose_is_reported_by_any_provider_and_every_dose_of_the_lot_is_found(
    house: Consortium,
) -> None:
    give(house, 1, "v1")
    give(house, 2, "v2")
    assert house.refusal("h2", "vaccination", "report_reaction", ReportReaction("H1:1", "fever", False)) == "ok"
    assert house.refusal("h1", "vaccination", "report_reaction", ReportReaction("H1:1", "fever", False)) == (
        "reaction-exists"
    )
    serious = ReportReaction("H1:2", "anaphylaxis", True)
    assert house.refusal("h2", "vaccination", "report_reaction", serious) == "bad-digest"
    told = house.run("h2", "vaccination", "report_reaction", ReportReaction("H1:2", "anaphylaxis", True, REPORT))
    assert told[-1].fields == {"why": "reaction-serious", "record": "dose/H1:2", "lot_no": "L1", "serious": 1}
    asked = vaccination_queries.DosesAfter("L1")
    found = CONTRACTS["vaccination"].ask(house.state, "of_lot", asked, Reader("regulator", "regulator", 20260601))
    assert (found.counts.doses, found.counts.reactions, found.counts.serious) == (2, 2, 1)
    assert [(one.dose_no, one.pseudonym) for one in found.doses] == [("H1:1", "v1"), ("H1:2", "v2")]


@pytest.mark.parametrize(
    ("contract_operation", "arguments", "code"),
    [
        ("set_schedule", SetSchedule("D", 20260101, ()), "effective-in-the-past"),
        ("set_schedule", SetSchedule("D", 20270101, (Gap(0, 10),)), "bad-number"),
        ("set_schedule", SetSchedule("D", 20270101, (Gap(20, 10),)), "bad-number"),
        ("set_schedule", SetSchedule("D", 20270101, (Gap(1, 10),) * 12), "bad-length"),
    ],
)
def test_what_members_cannot_vote_for(
    house: Consortium, contract_operation: str, arguments: SetSchedule, code: str
) -> None:
    assert house.refusal("vote", "vaccination", contract_operation, arguments) == code
    assert house.refusal("bureau", "vaccination", "set_target", SetTarget("D", 2026, 0)) == "bad-number"


def test_nobody_is_named_by_an_identity_number(house: Consortium) -> None:
    assert give(house, 1, "650102198001011234") == "personal-number"
