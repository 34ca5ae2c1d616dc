"""A day of service binds: bill and claim are of one day, it has come, it is not long ago, and its rules are its own."""

import msgspec
import pytest

from consortium.contracts.insurance import accumulators, bill, enrolment, institution, policy, settlement
from consortium.contracts.insurance.lines import Line
from consortium.contracts.insurance.policy_pack import ILLUSTRATIVE_PACK
from consortium.core.contract import Refused
from tests.contracts_state import Consortium, founded

ONE = (Line("A", 1, 1_000_000),)
TODAY = 20260601


@pytest.fixture
def house() -> Consortium:
    return founded()


@pytest.mark.parametrize(("enddate", "code"), [(TODAY, "ok"), (20260602, "future-day"), (20990601, "future-day")])
def test_no_bill_and_no_claim_of_a_day_that_has_not_come(house: Consortium, enddate: int, code: str) -> None:
    """Regression: a claim dated 2099 settled, under a yearly cap of its own."""
    days = {"begndate": TODAY, "enddate": enddate}
    assert house.refusal("h1", "bill", "issue", house.issue("H1-1", "E", ONE, **days)) == code
    both = house.billed(settlement.IssueAndClaim, "H1-2", "E", ONE, fixmedins_code="H1", med_type="inpatient", **days)
    assert house.refusal("h1", "settlement", "issue_and_claim", both) == code


@pytest.mark.parametrize(("today", "code"), [(20260201, "ok"), (20260202, "claim-late")])
def test_a_claim_comes_within_the_days_that_the_pack_states(house: Consortium, today: int, code: str) -> None:
    """31 days by the pack of the day of discharge, whatever a later pack says."""
    house.today(20251201)
    brief = msgspec.structs.replace(ILLUSTRATIVE_PACK, from_day=20260101, claim_days=31)
    house.run("vote", "policy", "adopt_pack", policy.AdoptPack(brief))
    later = msgspec.structs.replace(ILLUSTRATIVE_PACK, from_day=20260102, claim_days=1)
    house.run("vote", "policy", "adopt_pack", policy.AdoptPack(later))
    house.today(today)
    house.issue_verified("H1-1", "E", ONE)
    assert house.refusal("h1", "settlement", "claim", settlement.Claim("H1-1", "E")) == code
    place = {"fixmedins_code": "H1", "med_type": "outpatient", "begndate": 20260101, "enddate": 20260101}
    both = house.billed(settlement.IssueAndClaim, "H1-2", "E", ONE, **place)
    assert house.refusal("h1", "settlement", "issue_and_claim", both) == code


def test_a_bill_of_the_last_day_of_a_year_settles_in_that_year(house: Consortium) -> None:
    """Regression: a claim could state other days than its bill, and pass for a stay of January."""
    house.today(20270110)
    house.issue_verified("H1-1", "E", ONE, begndate=20261231, enddate=20261231)
    house.run("h1", "settlement", "claim", settlement.Claim("H1-1", "E"))
    assert accumulators.get_accumulator(house.state, "E", 2026).sequence == 1
    assert accumulators.get_accumulator(house.state, "E", 2027).sequence == 0


def test_a_stay_across_new_year_is_of_the_year_and_the_rules_of_its_discharge(house: Consortium) -> None:
    house.today(20261201)
    dearer = msgspec.structs.replace(
        ILLUSTRATIVE_PACK,
        from_day=20270101,
        employee=msgspec.structs.replace(ILLUSTRATIVE_PACK.employee, inpatient_deductible_fen=(1, 2, 90_000)),
    )
    house.run("vote", "policy", "adopt_pack", policy.AdoptPack(dearer))
    house.today(20270110)
    stay = {"begndate": 20261228, "enddate": 20270103}
    assert house.claim("E", ONE, **stay).amounts.act_pay_dedc == 90_000
    before = {"begndate": 20261220, "enddate": 20261231, "serial": "2"}
    assert house.claim("E", ONE, **before).amounts.act_pay_dedc == 80_000
    used = [accumulators.get_accumulator(house.state, "E", year).stays for year in (2026, 2027)]
    assert used == [1, 1], "each is the first stay of its year"


def test_who_was_covered_on_the_last_day_alone_was_not_covered_on_the_first(house: Consortium) -> None:
    periods = (enrolment.Period(20260301, 99991231, "employee"),)
    house.genesis("enrolment", "register", enrolment.Register("N", periods))
    with pytest.raises(Refused, match="not-enrolled"):
        house.claim("N", ONE, begndate=20260228, enddate=20260305)
    house.claim("N", ONE, begndate=20260301, enddate=20260305)


def test_a_drg_group_changed_today_leaves_a_stay_of_last_month_as_it_was(house: Consortium) -> None:
    """Regression: a group had one weight, and a late claim was paid by a weight of after the stay."""
    house.today(20260101)
    change = policy.SetDrgGroup("GB15", 20260101, 5_660)
    house.run("vote", "policy", "set_drg_group", change)
    assert house.refusal("vote", "policy", "set_drg_group", change) == "version-exists"
    house.today(TODAY)
    assert house.refusal("vote", "policy", "set_drg_group", change) == "effective-in-the-past"
    house.run("vote", "policy", "set_drg_group", policy.SetDrgGroup("GB15", TODAY, 50_000))
    sign = institution.Sign("DRG", "hospital", 3, "h1", "L-DRG", 20991231, 10_500)
    house.run("bureau", "institution", "sign", sign)
    at = {"fixmedins_code": "DRG", "drg_group": "GB15", "begndate": 20260101}
    may = house.claim("E", (Line("A", 1, 800_000),), enddate=20260531, **at)
    june = house.claim("E", (Line("A", 1, 5_000_000),), enddate=TODAY, serial="2", **at)
    assert (may.drg_payment_fen, june.drg_payment_fen) == (594_300, 5_250_000)
    with pytest.raises(Refused, match="unknown-drg-group"):
        house.claim("E", ONE, serial="3", enddate=20251231, **(at | {"begndate": 20251201}))


def test_a_red_letter_bears_the_days_of_the_bill_that_it_cancels(house: Consortium) -> None:
    house.run("h1", "bill", "issue", house.issue("H1-1", "E", ONE))
    house.run("h1", "bill", "reverse", bill.Reverse("H1-1", "H1-2", "wrong-person"))
    red = bill.get_bill(house.state, "h1-2")
    assert (red.begndate, red.enddate, red.sums.medfee_sumamt) == (20260101, 20260101, -1_000_000)
