"""服务协议: what an agreement names is settled, and what it says of months happens by itself."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from consortium.contracts.insurance import funds, institution, payable, settlement
from consortium.contracts.insurance.agreement import OfAgreement, Offer
from consortium.contracts.insurance.lines import Line
from consortium.contracts.oversight.due import Ring
from consortium.core import versions
from consortium.core.contract import Event, Reader, Refused
from tests.contracts_state import CONTRACTS, Consortium, founded

STAY = (Line("A", 1, 1_000_000),)  # the pool pays 7,820.00, of the second stay 8,160.00
OFFER = Offer("H3", 2026, ("inpatient",), 1, 2, 2_000_000, 0, 50_000, "fund/employee-pool")
ACCEPT = OfAgreement("H3", 2026)
RING = Ring(20260701, "H3/202606")


@pytest.fixture
def house() -> Consortium:
    """H3 accepted: inpatients alone, 1 to 2 stays and 20,000.00 a month, no dispute, a bonus of 500.00."""
    house = founded()
    versions.found(house.state, {"settlement": 3, "agreement": 1})
    house.run("bureau", "agreement", "offer", OFFER)
    house.run("h1", "agreement", "accept", ACCEPT)
    return house


def judge(house: Consortium) -> tuple[str, list[Event]]:
    house.today(20260701)
    events = house.run("bureau", "agreement", "judge_month", RING)
    return str(events[-1].fields["verdict"]), events


def test_a_month_that_kept_it_is_paid_the_bonus_once(house: Consortium) -> None:
    house.claim("E", STAY)
    assert house.refusal("bureau", "agreement", "judge_month", RING) == "not-due"
    assert judge(house)[0] == "kept"
    assert house.owed("H3") == 782_000 + 50_000 and funds.get_balance(house.state, "payable/H3") == 50_000
    assert house.sum_of_balances() == 0
    assert house.run("regulator", "agreement", "judge_month", RING) == []


def test_a_month_without_a_bonus_moves_nothing() -> None:
    house = founded()
    house.run("bureau", "agreement", "offer", msgspec.structs.replace(OFFER, bonus_fen=0, stays_min=0))
    house.run("h1", "agreement", "accept", ACCEPT)
    assert [event.kind for event in judge(house)[1]] == ["month-judged"]


def test_each_month_of_the_year_is_judged_and_december_is_the_last(house: Consortium) -> None:
    for month in range(6, 13):
        day = 20260001 + (month + 1) * 100 if month < 12 else 20270101
        house.today(day)
        (told,) = house.run("bureau", "agreement", "judge_month", Ring(day, f"H3/{202600 + month}"))
        assert (told.fields["month"], told.fields["verdict"]) == (202600 + month, "short")
    house.today(20270201)
    assert house.run("bureau", "agreement", "judge_month", Ring(20270201, "H3/202701")) == []


def test_a_disputed_bill_more_than_agreed_suspends_until_a_human_decides(house: Consortium) -> None:
    house.claim("E", STAY)
    house.run("bureau", "settlement", "report_mismatch", payable.ReportMismatch("E", 2026, 1, "sums"))
    verdict, events = judge(house)
    assert verdict == "suspended" and events[0].kind == "institution-suspended"
    assert institution.get_institution(house.state, "H3").reason == "inspection-failed"
    with pytest.raises(Refused, match="institution-suspended"):
        house.claim("E", STAY, serial="2")
    house.run("bureau", "institution", "resume", institution.Decide("H3", "cleared"))
    house.claim("E", STAY, serial="2")


def test_who_is_suspended_already_stays_so(house: Consortium) -> None:
    house.claim("E", STAY)
    house.run("bureau", "settlement", "report_mismatch", payable.ReportMismatch("E", 2026, 1, "sums"))
    house.run("bureau", "institution", "suspend", institution.Decide("H3", "inquiry"))
    assert [event.kind for event in judge(house)[1]] == ["month-judged"]


@pytest.mark.parametrize(("stays", "verdict"), [(0, "short"), (2, "kept"), (3, "above")])
def test_volume(house: Consortium, stays: int, verdict: str) -> None:
    for serial in range(stays):
        house.claim("E", (Line("A", 1, 200_000),), serial=str(serial))
    assert judge(house)[0] == verdict


def test_a_reversed_settlement_is_no_volume(house: Consortium) -> None:
    house.claim("E", STAY)
    house.run("h1", "settlement", "reverse", settlement.Reverse("E", 2026, 1, "wrong-amount"))
    assert judge(house)[0] == "short"


def test_a_month_above_its_budget_is_told_and_pays_no_bonus(house: Consortium) -> None:
    house.claim("E", (Line("A", 1, 3_000_000),))  # (30,000 − 800) × 0.85 = 24,820.00
    verdict, events = judge(house)
    assert verdict == "above" and events[0].fields["why"] == "agreement-exceeded"
    assert house.owed("H3") == 2_482_000


def test_a_fund_that_cannot_pay_is_asked_again(house: Consortium) -> None:
    house.claim("E", STAY)
    events: list[Event] = []
    funds.move(house.state, "fund/employee-pool", "fund/medical-aid", 10**11 - 782_000 - 1, "x/1", events)
    house.today(20260701)
    assert house.refusal("bureau", "agreement", "judge_month", RING) == "fund-exhausted"
    funds.move(house.state, "fund/medical-aid", "fund/employee-pool", 100_000, "x/2", events)
    assert judge(house)[0] == "kept"


def test_what_the_agreement_does_not_name_is_not_settled(house: Consortium) -> None:
    visit: dict[str, Any] = {"med_type": "outpatient", "begndate": 20260310}
    with pytest.raises(Refused, match="not-in-agreement"):
        house.claim("E", STAY, **visit)
    house.claim("E", STAY, fixmedins_code="H2", **visit)
    early = {"begndate": 20250901, "enddate": 20250910, "med_type": "outpatient"}
    house.claim("E", STAY, serial="2", **early)  # of a year without an agreement


def test_an_offer_binds_nobody_and_may_be_made_anew() -> None:
    house = founded()
    versions.found(house.state, {"settlement": 3, "agreement": 1})
    assert house.refusal("h1", "agreement", "accept", ACCEPT) == "no-agreement"
    house.run("bureau", "agreement", "offer", OFFER)
    house.claim("E", STAY, med_type="outpatient", begndate=20260310)
    house.run("bureau", "agreement", "offer", msgspec.structs.replace(OFFER, med_types=("outpatient",)))
    house.run("h1", "agreement", "accept", ACCEPT)
    assert house.refusal("bureau", "agreement", "offer", OFFER) == "agreement-accepted"
    assert house.refusal("h1", "agreement", "accept", ACCEPT) == "agreement-accepted"
    with pytest.raises(Refused, match="not-in-agreement"):
        house.claim("E", STAY, serial="2")


def test_an_agreement_of_a_year_to_come_begins_in_january(house: Consortium) -> None:
    house.run("bureau", "agreement", "offer", msgspec.structs.replace(OFFER, year=2027))
    house.run("h1", "agreement", "accept", OfAgreement("H3", 2027))
    house.today(20270201)
    (told,) = house.run("bureau", "agreement", "judge_month", Ring(20270201, "H3/202701"))
    assert told.fields["verdict"] == "short"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"fixmedins_code": "H9"}, "unknown-institution"),
        ({"year": 1}, "bad-number"),
        ({"med_types": ()}, "bad-length"),
        ({"med_types": ("surgery",)}, "bad-choice"),
        ({"stays_min": -1}, "bad-number"),
        ({"stays_max": 0}, "bad-number"),
        ({"disputes_max": -1}, "bad-number"),
        ({"budget_fen": -1}, "bad-amount"),
        ({"bonus_fen": -1}, "bad-amount"),
        ({"fund": "person/E"}, "bad-account"),
        ({"fund": "fund/none"}, "unknown-account"),
        ({}, "agreement-accepted"),
    ],
)
def test_offers_that_cannot_be(house: Consortium, change: dict[str, Any], code: str) -> None:
    assert house.refusal("bureau", "agreement", "offer", msgspec.structs.replace(OFFER, **change)) == code


def test_who_may_accept_and_read(house: Consortium) -> None:
    house.run("bureau", "agreement", "offer", msgspec.structs.replace(OFFER, year=2025))
    assert house.refusal("h2", "agreement", "accept", OfAgreement("H3", 2025)) == "not-yours"
    assert house.refusal("h1", "agreement", "accept", OfAgreement("H3", 2025)) == "year-over"
    contract = CONTRACTS["agreement"]
    assert contract.ask(house.state, "get", ACCEPT, Reader("h1", "hospital", 20260601)).stage == "accepted"
    with pytest.raises(Refused, match="not-yours"):
        contract.ask(house.state, "get", ACCEPT, Reader("h2", "hospital", 20260601))
