"""Enrolment by two organisations, institutions, catalogue versions, funds."""

import msgspec
import pytest

from consortium.contracts.checks import FOREVER
from consortium.contracts.insurance import enrolment, fund_transfer, funds, institution, policy
from consortium.contracts.insurance.enrolment import DecideChange, Period, ProposeChange
from consortium.contracts.insurance.policy_pack import ILLUSTRATIVE_PACK, Step
from consortium.core.contract import Refused
from tests.contracts_state import Consortium, founded


@pytest.fixture
def house() -> Consortium:
    return founded()


def status_on(house: Consortium, psn_no: str, day: int) -> str:
    """`active`, or the code with which a claim of that day would be refused."""
    try:
        enrolment.cover(enrolment.get_person(house.state, psn_no), psn_no, day)
    except Refused as refusal:
        return refusal.code
    return "active"


def test_a_change_needs_another_organisation_of_another_role(house: Consortium) -> None:
    lapse = ProposeChange("c1", "E", (Period(19970101, 20260101, "employee"),))
    endorse = DecideChange("c1", "E")
    house.run("h1", "enrolment", "propose_change", lapse)
    assert house.refusal("h1", "enrolment", "endorse_change", endorse) == "same-organisation"
    assert house.refusal("h2", "enrolment", "endorse_change", endorse) == "same-organisation"
    assert status_on(house, "E", 20260101) == "active"
    house.run("bureau", "enrolment", "endorse_change", endorse)
    assert status_on(house, "E", 20260101) == "coverage-lapsed"
    assert status_on(house, "E", 20251231) == "active"
    assert status_on(house, "E", 19961231) == "not-enrolled"
    assert house.refusal("regulator", "enrolment", "endorse_change", endorse) == "unknown-change"


def test_a_stale_proposal_and_a_withdrawn_one_take_no_effect(house: Consortium) -> None:
    for change_id, member in (("c1", "bureau"), ("c2", "bureau"), ("c3", "regulator")):
        propose = ProposeChange(change_id, "E", (Period(19970101, FOREVER, "resident"),))
        house.run(member, "enrolment", "propose_change", propose)
    assert house.refusal("h1", "enrolment", "withdraw_change", DecideChange("c3", "E")) == "not-yours"
    house.run("regulator", "enrolment", "withdraw_change", DecideChange("c3", "E"))
    assert house.refusal("bureau", "enrolment", "endorse_change", DecideChange("c3", "E")) == "unknown-change"
    house.run("h1", "enrolment", "endorse_change", DecideChange("c1", "E"))
    assert house.refusal("h1", "enrolment", "endorse_change", DecideChange("c2", "E")) == "stale-proposal"


def test_a_new_person_and_a_death_in_operation(house: Consortium) -> None:
    periods = (Period(20200101, 20200201, "resident"), Period(20200401, 20210101, "employee", retired=True))
    house.run("bureau", "enrolment", "propose_change", ProposeChange("n", "N", periods))
    house.run("regulator", "enrolment", "endorse_change", DecideChange("n", "N"))
    assert funds.has_account(house.state, "person/N")
    assert enrolment.cover(enrolment.get_person(house.state, "N"), "N", 20200105).insutype == "resident"
    assert status_on(house, "N", 20200301) == "coverage-lapsed"
    house.run("h1", "enrolment", "propose_change", ProposeChange("d", "N", periods, 20200502))
    house.run("bureau", "enrolment", "endorse_change", DecideChange("d", "N"))
    assert status_on(house, "N", 20200502) == "active"
    assert status_on(house, "N", 20200503) == "person-dead"
    assert status_on(house, "nobody", 20200203) == "not-enrolled"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (ProposeChange("c", "N", (Period(20200101, 20200701, "resident"),)), "ok"),
        (ProposeChange("c", "N", ()), "ok"),
        (ProposeChange("c", "N", (Period(20210101, 20210701, "resident"),)), "other-year"),
        (ProposeChange("c", "N", (Period(20200101, 20210102, "resident"),)), "other-year"),
        (ProposeChange("c", "M", (Period(20210101, 20220101, "resident"),)), "ok"),
        (ProposeChange("c", "M", (Period(20210101, 20220102, "resident"),)), "other-year"),
        (ProposeChange("c", "M", (Period(20210101, FOREVER, "resident"),)), "other-year"),
        (ProposeChange("c", "M", ()), "other-year"),
    ],
)
def test_a_pseudonym_is_of_one_insurance_year(house: Consortium, change: ProposeChange, code: str) -> None:
    house.run(
        "bureau", "enrolment", "propose_change", ProposeChange("n", "N", (Period(20200101, 20210101, "resident"),))
    )
    house.run("regulator", "enrolment", "endorse_change", DecideChange("n", "N"))
    assert house.refusal("bureau", "enrolment", "propose_change", change) == code


def test_a_stay_over_the_new_year_is_covered_by_the_word_for_the_year_before(house: Consortium) -> None:
    periods = (Period(20260101, 20270101, "employee"),)
    for psn_no, before in (("X", False), ("Y", True)):
        house.genesis("enrolment", "register", enrolment.Register(psn_no, periods, covered_before=before))
        person = enrolment.get_person(house.state, psn_no)
        enrolment.check_cover_began(person, psn_no, 20260103, 20260105)
        for began, ended in ((20251230, 20260105), (20241230, 20260105)):
            if before and began > 20250101:
                enrolment.check_cover_began(person, psn_no, began, ended)
            else:
                with pytest.raises(Refused, match="not-enrolled"):
                    enrolment.check_cover_began(person, psn_no, began, ended)


@pytest.mark.parametrize(
    ("periods", "code"),
    [
        ((Period(20200101, 20190101, "employee"),), "bad-date"),
        ((Period(20200101, FOREVER, "student"),), "bad-choice"),
        ((Period(20200101, 20210101, "employee"), Period(20201231, FOREVER, "employee")), "periods-overlap"),
        (tuple(Period(20200101 + day, 20200102 + day, "employee") for day in range(30)) * 3, "bad-length"),
    ],
)
def test_periods_that_are_refused(house: Consortium, periods: tuple[Period, ...], code: str) -> None:
    assert house.refusal("bureau", "enrolment", "propose_change", ProposeChange("x", "X", periods)) == code


def test_a_premium_is_recorded_once_and_fills_pool_and_account(house: Consortium) -> None:
    premium = enrolment.RecordContribution("E", 202601, "employee", 30_000, 8_000)
    pool = funds.get_balance(house.state, funds.EMPLOYEE_POOL)
    house.run("bureau", "enrolment", "record_contribution", premium)
    assert funds.get_balance(house.state, funds.EMPLOYEE_POOL) == pool + 30_000
    assert funds.get_balance(house.state, "person/E") == 8_000
    assert house.refusal("bureau", "enrolment", "record_contribution", premium) == "contribution-exists"
    resident = msgspec.structs.replace(premium, psn_no="A", insutype="resident")
    assert house.refusal("bureau", "enrolment", "record_contribution", resident) == "no-account"
    assert house.sum_of_balances() == 0


def test_money_goes_from_fund_to_fund_by_the_word_of_two_roles(house: Consortium) -> None:
    propose = fund_transfer.Propose("T-1", funds.EMPLOYEE_POOL, funds.RESIDENT_POOL, 10**11 + 1, "budget/2026")
    for change, code in (
        ({"source": "person/E"}, "bad-account"),
        ({"target": "fund/none"}, "unknown-account"),
        ({"target": "fund/a/b"}, "bad-identifier"),
        ({"target": funds.EMPLOYEE_POOL}, "same-account"),
        ({"amount_fen": 0}, "bad-amount"),
        ({"amount_fen": -5}, "bad-amount"),
        ({"amount_fen": 10**12}, "bad-amount"),
        ({"cause": "because we want to"}, "bad-reference"),
        ({"transfer_id": "T/1"}, "bad-identifier"),
    ):
        other = msgspec.structs.replace(propose, **change)
        assert house.refusal("bureau", "fund_transfer", "propose", other) == code
    one = fund_transfer.OfTransfer("T-1")
    assert house.refusal("regulator", "fund_transfer", "endorse", one) == "unknown-transfer"
    house.run("bureau", "fund_transfer", "propose", propose)
    assert funds.get_balance(house.state, funds.EMPLOYEE_POOL) == 10**11, "nothing has moved"
    assert house.refusal("bureau", "fund_transfer", "propose", propose) == "wrong-stage"
    assert house.refusal("bureau", "fund_transfer", "endorse", one) == "same-organisation"
    assert house.refusal("regulator", "fund_transfer", "endorse", one) == "fund-exhausted"
    assert house.refusal("regulator", "fund_transfer", "withdraw", one) == "not-your-proposal"
    house.run("bureau", "fund_transfer", "withdraw", one)
    assert house.refusal("regulator", "fund_transfer", "endorse", one) == "wrong-stage"


def test_an_endorsed_transfer_moves_once(house: Consortium) -> None:
    propose = fund_transfer.Propose("T-1", funds.EMPLOYEE_POOL, funds.RESIDENT_POOL, 70, "budget/2026")
    one = fund_transfer.OfTransfer("T-1")
    house.run("regulator", "fund_transfer", "propose", propose)
    house.run("bureau", "fund_transfer", "endorse", one)
    assert funds.get_balance(house.state, funds.RESIDENT_POOL) == 10**11 + 70
    assert house.refusal("bureau", "fund_transfer", "endorse", one) == "wrong-stage"
    assert house.sum_of_balances() == 0


def test_accounts_never_go_below_zero_and_always_sum_to_zero(house: Consortium) -> None:
    with pytest.raises(Refused, match="account-short"):
        funds.move(house.state, "person/E", funds.EMPLOYEE_POOL, 1, "x", [])
    contribute = funds.Contribute("person/E", 5, "a gift of somebody")
    assert house.refusal("bureau", "funds", "contribute", contribute) == "bad-reference"
    assert house.sum_of_balances() == 0


def test_an_institution_is_paid_at_most_what_it_is_owed(house: Consortium) -> None:
    funds.move(house.state, funds.EMPLOYEE_POOL, "payable/H1", 100, "claim", [])
    pay = institution.Disburse("H1", 60, "month/202601")
    house.run("bureau", "institution", "disburse", pay)
    assert house.refusal("bureau", "institution", "disburse", pay) == "payable-short"
    house.run("bureau", "institution", "suspend", institution.Decide("H1", "inquiry"))
    pay = institution.Disburse("H1", 40, "month/202601")
    assert house.refusal("bureau", "institution", "disburse", pay) == "institution-suspended"
    house.run("bureau", "institution", "resume", institution.Decide("H1", "cleared"))
    house.run("bureau", "institution", "disburse", pay)
    assert funds.get_balance(house.state, "paid/H1") == 100
    house.run("bureau", "institution", "terminate", institution.Decide("H1", "closed"))
    assert house.refusal("bureau", "institution", "resume", institution.Decide("H1", "cleared")) == "wrong-status"
    assert house.refusal("bureau", "institution", "suspend", institution.Decide("H1", "a feud")) == "bad-reason"
    assert (
        house.refusal("bureau", "institution", "disburse", institution.Disburse("H1", 1, "a gift")) == "bad-reference"
    )
    sign = institution.Sign("H1", "hospital", 2, "h2", "L", 20991231)
    house.run("bureau", "institution", "sign", sign)
    assert funds.get_balance(house.state, "paid/H1") == 100
    assert house.refusal("bureau", "institution", "sign", sign) == "institution-exists"


def test_catalogue_and_pack_versions_are_effective_by_service_day(house: Consortium) -> None:
    house.today(20190101)
    item = policy.Item("A", 20200101, "C", "service")
    house.run("vote", "policy", "list_items", policy.ListItems((item,)))
    before, after = policy.item_on(house.state, "A", 20191231), policy.item_on(house.state, "A", 20200101)
    assert before is not None and before.chrgitm_lv == "A"
    assert after is not None and after.chrgitm_lv == "C"
    assert policy.item_on(house.state, "A", 19900101) is None
    assert house.refusal("vote", "policy", "list_items", policy.ListItems((item,))) == "version-exists"
    pack = msgspec.structs.replace(ILLUSTRATIVE_PACK, from_day=20200101, maf_ratio_bp=1)
    house.run("vote", "policy", "adopt_pack", policy.AdoptPack(pack))
    assert policy.pack_on(house.state, 20191231) == ILLUSTRATIVE_PACK
    assert policy.pack_on(house.state, 20200101) == pack
    house.day = 20_000  # 2024-10-04
    pack = msgspec.structs.replace(pack, from_day=20240101)
    assert house.refusal("vote", "policy", "adopt_pack", policy.AdoptPack(pack)) == "effective-in-the-past"


def test_packs_out_of_range_are_refused(house: Consortium) -> None:
    house.today(20190101)
    employee = ILLUSTRATIVE_PACK.employee
    for change, code in (
        ({"hifmi_steps": (Step(5, 1), Step(5, 1))}, "bad-steps"),
        ({"inpatient_ratio_bp": (1, 2, 10_001)}, "bad-number"),
        ({"pool_cap_fen": 10**12}, "bad-amount"),
    ):
        scheme = msgspec.structs.replace(employee, **change)
        pack = msgspec.structs.replace(ILLUSTRATIVE_PACK, from_day=20200101, employee=scheme)
        assert house.refusal("vote", "policy", "adopt_pack", policy.AdoptPack(pack)) == code
