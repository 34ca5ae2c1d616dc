"""异地就医: what a claim is paid off site follows from records that stood for the first day of the stay."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.contracts.insurance import institution, offsite, settlement
from consortium.contracts.insurance.journal import SETTLEMENTS
from consortium.contracts.insurance.lines import Line
from consortium.contracts.insurance.offsite import File, OfPerson, Place, Refer
from consortium.contracts.insurance.patient_claim import Settle
from consortium.contracts.records.identity import Vouch
from consortium.core import versions
from consortium.core.contract import Reader, Refused
from tests.contracts_state import CONTRACTS, Consortium, founded
from tests.unit.contracts.test_patient_claim import ANNA, SUITE, said
from tests.unit.contracts.test_settlement_cases import CASE_A

STAY = (Line("A", 1, 1_000_000),)
FILE = File("E", "north", 20260101, 20260401, "long-term-resident")


@pytest.fixture
def house() -> Consortium:
    """H3 lies in the region north; E is at home. By version 3 of settlement."""
    house = founded()
    versions.found(house.state, {"settlement": 3, "offsite": 1})
    house.run("bureau", "offsite", "place", Place("H3", "north"))
    return house


def test_case_a_prime_is_unfiled_by_records(house: Consortium) -> None:
    """A′: ratio 0.85 × 0.70 = 0.595 of 53,600.00."""
    stored = house.claim("E", CASE_A)
    assert (stored.offsite, stored.amounts.hifp_pay) == ("unfiled", 3_189_200)


@pytest.mark.parametrize(
    ("psn_no", "records", "word", "hifp_pay"),
    [
        ("E", [], "unfiled", 547_400),  # 9,200.00 × 0.85 × 0.70
        ("E", [FILE], "filed", 782_000),
        ("E", [File("E", "north", 20260301, 20260302, "posted")], "filed", 782_000),
        ("E", [File("E", "north", 20260302, 20260401, "posted")], "unfiled", 547_400),  # the stay began before
        ("E", [File("E", "north", 20260101, 20260301, "posted")], "unfiled", 547_400),  # it ended before
        ("E", [File("E", "south", 20260101, 20260401, "posted")], "unfiled", 547_400),
        ("R", [FILE], "unfiled", 566_720),  # 9,200.00 × 0.88 × 0.70: of another person
        ("A", [File("A", "north", 20260101, 20260401, "posted")], "filed", 552_000),  # 9,200.00 × 0.60
    ],
)
def test_what_stood_for_the_first_day_decides(
    house: Consortium, psn_no: str, records: list[File], word: str, hifp_pay: int
) -> None:
    for record in records:
        house.run("bureau", "offsite", "file", record)
    stored = house.claim(psn_no, STAY)
    assert (stored.offsite, stored.amounts.hifp_pay) == (word, hifp_pay)


def test_a_referral_is_paid_less_than_a_filing_and_a_filing_wins(house: Consortium) -> None:
    house.today(20260301)
    house.run("h1", "offsite", "refer", Refer("H1", "E", "north", 20260401, "equipment"))
    house.today(20260310)
    stored = house.claim("E", STAY)
    assert (stored.offsite, stored.amounts.hifp_pay) == ("referral", 703_800)  # 9,200.00 × 0.85 × 0.90
    house.run("bureau", "offsite", "file", FILE)
    second = house.claim("E", STAY, serial="2")
    assert (second.offsite, second.amounts.hifp_pay) == ("filed", 816_000)  # (10,000 − 400) × 0.85


def test_who_is_at_home_in_the_region_is_not_off_site_and_is_elsewhere(house: Consortium) -> None:
    house.run("bureau", "offsite", "settle", offsite.Settle("E", "north"))
    assert house.claim("E", STAY).offsite == ""
    assert house.claim("E", STAY, fixmedins_code="H2").offsite == "unfiled"
    assert house.refusal("bureau", "offsite", "file", FILE) == "at-home"
    house.run("bureau", "offsite", "file", File("E", "", 20260101, 20260401, "posted"))
    assert house.claim("E", STAY, fixmedins_code="H2", serial="2").offsite == "filed"
    house.run("bureau", "offsite", "settle", offsite.Settle("E", ""))
    assert house.claim("E", STAY, serial="3").offsite == "unfiled"


def test_a_withdrawal_leaves_stays_that_began(house: Consortium) -> None:
    house.today(20260305)
    house.run("bureau", "offsite", "file", FILE)
    house.run("bureau", "offsite", "withdraw", OfPerson("E", "north"))
    house.today(20260401)
    assert house.claim("E", STAY).offsite == "filed"
    later = {"begndate": 20260306, "enddate": 20260310}
    assert house.claim("E", STAY, serial="2", **later).offsite == "unfiled"
    assert house.refusal("bureau", "offsite", "withdraw", OfPerson("E", "north")) == "filing-expired"
    assert house.refusal("bureau", "offsite", "withdraw", OfPerson("R", "north")) == "no-filing"


def test_a_reversal_and_a_later_filing_settle_by_what_stands_then(house: Consortium) -> None:
    house.claim("E", STAY)
    house.run("bureau", "offsite", "file", FILE)
    house.run("h1", "settlement", "reverse", settlement.Reverse("E", 2026, 1, "wrong-amount"))
    assert house.claim("E", STAY, serial="2").amounts.hifp_pay == 782_000


def test_a_word_is_refused_by_version_3_and_counts_before_it(house: Consortium) -> None:
    with pytest.raises(Refused, match="offsite-is-recorded"):
        house.claim("E", STAY, offsite="unfiled")
    versions.found(house.state, {"settlement": 2, "offsite": 1})
    assert house.claim("E", STAY).offsite == ""
    assert house.claim("E", STAY, offsite="unfiled", serial="2").offsite == "unfiled"


def test_a_patients_own_claim_is_judged_by_records_too(house: Consortium) -> None:
    house.genesis("identity", "vouch", Vouch("b-anna", "", SUITE.public_key(ANNA)))
    days = {"begndate": 20260301, "enddate": 20260310, "med_type": "inpatient"}
    house.issue_verified("H3-1", "b-anna", STAY, **days)
    assert house.refusal("agent", "patient_claim", "claim", said(offsite="unfiled")) == "offsite-is-recorded"
    house.run("agent", "patient_claim", "claim", said())
    house.run("bureau", "patient_claim", "settle", Settle("H3-1"))
    key = "E/2026/000001"
    stored = house.state.get(SETTLEMENTS, key)
    assert stored is not None and stored.offsite == "unfiled"


@pytest.mark.parametrize(
    ("member", "operation", "arguments", "code"),
    [
        ("bureau", "place", Place("H9", "north"), "unknown-institution"),
        ("bureau", "place", Place("H1", "a/b"), "bad-identifier"),
        ("h1", "place", Place("H1", "north"), "not-permitted"),
        ("bureau", "settle", offsite.Settle("nobody", "north"), "not-enrolled"),
        ("bureau", "file", File("nobody", "north", 20260101, 20260401, "posted"), "not-enrolled"),
        ("bureau", "file", File("E", "", 20260101, 20260401, "posted"), "at-home"),
        ("bureau", "file", File("E", "north", 20260401, 20260101, "posted"), "bad-date"),
        ("bureau", "file", File("E", "north", 20260101, 20260401, "no mood"), "bad-reason"),
        ("h1", "file", FILE, "not-permitted"),
        ("h2", "refer", Refer("H1", "E", "north", 20260701, "no-bed"), "not-yours"),
        ("p1", "refer", Refer("P1", "E", "north", 20260701, "no-bed"), "not-permitted"),
        ("h1", "refer", Refer("H1", "E", "north", 20260601, "no-bed"), "bad-date"),
        ("h1", "refer", Refer("H1", "E", "north", 20261201, "no-bed"), "referral-too-long"),
        ("h1", "refer", Refer("H3", "E", "north", 20260701, "no-bed"), "not-at-home"),
        ("h1", "refer", Refer("H1", "E", "north", 20260701, "posted"), "bad-reason"),
        ("h1", "refer", Refer("H1", "E", "north", 20260701, "no-bed"), "ok"),
    ],
)
def test_refusals(house: Consortium, member: str, operation: str, arguments: Any, code: str) -> None:
    assert house.refusal(member, "offsite", operation, arguments) == code


def test_who_is_suspended_or_a_pharmacy_refers_nobody(house: Consortium) -> None:
    house.genesis("institution", "sign", institution.Sign("P9", "pharmacy", 1, "h1", "L-P9", 20991231))
    assert house.refusal("h1", "offsite", "refer", Refer("P9", "E", "north", 20260701, "no-bed")) == "not-a-hospital"
    house.run("bureau", "institution", "suspend", institution.Decide("H1", "inquiry"))
    refer = Refer("H1", "E", "north", 20260701, "no-bed")
    assert house.refusal("h1", "offsite", "refer", refer) == "institution-suspended"


def test_filings_of_a_person_are_bounded_and_may_be_read(house: Consortium) -> None:
    for _ in range(offsite.FILINGS_MAX):
        house.run("bureau", "offsite", "file", FILE)
    assert house.refusal("bureau", "offsite", "file", FILE) == "bad-length"
    contract, reader = CONTRACTS["offsite"], Reader("h2", "hospital", 20260601)
    assert len(contract.ask(house.state, "filings", OfPerson("E", "north"), reader).entries) == offsite.FILINGS_MAX
    assert contract.ask(house.state, "region", offsite.OfPlace("H3"), reader).region == "north"
    for query, asked, code in (
        ("region", offsite.OfPlace("H1"), "at-home"),
        ("filings", OfPerson("R", "north"), "no-filing"),
    ):
        with pytest.raises(Refused, match=code):
            contract.ask(house.state, query, asked, reader)
