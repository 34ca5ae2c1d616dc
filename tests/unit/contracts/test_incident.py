"""应急响应: an incident is reported, told to those whom it concerns in time, and closed by the regulator."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from consortium.contracts.oversight.due import Ring
from consortium.contracts.oversight.incident import INCIDENTS, Close, Extend, Incident, Notify, Report
from tests.contracts_state import Consortium, founded

NO = "h1:I-1"
REPORT = Report(NO, "leak", 2, 20260531, 40, b"a" * 32)


@pytest.fixture
def house() -> Consortium:
    made = founded()
    made.run("h1", "incident", "report", REPORT)
    return made


def incident(house: Consortium) -> Incident:
    found = house.state.get(INCIDENTS, NO)
    assert found is not None
    return found


def test_it_is_told_in_time_and_closed(house: Consortium) -> None:
    assert incident(house).term_on == 20260604  # severity 2: three days
    assert house.refusal("regulator", "incident", "close", Close(NO, "mended")) == "wrong-stage"
    house.run("h1", "incident", "notify", Notify(NO, "patients", 40))
    assert house.refusal("h1", "incident", "notify", Notify(NO, "patients", 1)) == "told-already"
    house.run("h1", "incident", "notify", Notify(NO, "regulator", 1))
    house.run("regulator", "incident", "close", Close(NO, "mended"))
    assert (incident(house).stage, [told.audience for told in incident(house).told]) == (
        "closed",
        ["patients", "regulator"],
    )
    assert house.refusal("h1", "incident", "notify", Notify(NO, "public", 1)) == "wrong-stage"


def test_after_the_term_the_regulator_gives_another_day(house: Consortium) -> None:
    house.today(20260605)
    assert house.refusal("h1", "incident", "notify", Notify(NO, "patients", 40)) == "term-over"
    (told,) = house.run("bureau", "incident", "check_term", Ring(20260605, NO))
    assert (told.fields["why"], told.fields["member"]) == ("incident-not-told", "h1")
    house.run("regulator", "incident", "extend", Extend(NO, 2))
    assert incident(house).term_on == 20260607
    house.run("h1", "incident", "notify", Notify(NO, "patients", 40))
    house.today(20260608)
    assert house.run("bureau", "incident", "check_term", Ring(20260608, NO)) == []


def test_reports_are_of_ones_own_and_once(house: Consortium) -> None:
    assert house.refusal("h1", "incident", "report", REPORT) == "incident-exists"
    assert house.refusal("h2", "incident", "report", replace(REPORT, incident_no="h1:I-2")) == "number-foreign"
    future = replace(REPORT, incident_no="h1:I-2", found_on=20260602)
    assert house.refusal("h1", "incident", "report", future) == "future-day"
    assert house.refusal("h2", "incident", "notify", Notify(NO, "patients", 1)) == "not-yours"
