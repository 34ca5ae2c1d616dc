"""What one person uses of two schemes in one year; and when the books of a year are closed."""

import pytest

from consortium.contracts.checks import FOREVER
from consortium.contracts.insurance import enrolment, settlement
from consortium.contracts.insurance.accumulators import Accumulator, accumulate, compute_used
from consortium.contracts.insurance.amounts import Amounts
from consortium.contracts.insurance.lines import Line, Sums
from consortium.contracts.insurance.policy_pack import ILLUSTRATIVE_PACK
from consortium.contracts.insurance.settlement_rules import Terms, adjudicate
from tests.contracts_state import Consortium, founded

RESIDENT_STAY = {"begndate": 20260501, "enddate": 20260510, "serial": "2"}


@pytest.fixture
def house() -> Consortium:
    return founded()


def of_both(house: Consortium, *, assisted: bool = False) -> str:
    """An employee until the end of March 2026, then a resident."""
    periods = (
        enrolment.Period(20200101, 20260401, "employee", assisted=assisted),
        enrolment.Period(20260401, FOREVER, "resident", assisted=assisted),
    )
    house.genesis("enrolment", "register", enrolment.Register("X", periods))
    return "X"


def test_what_one_scheme_paid_leaves_the_room_and_the_burden_of_the_other_untouched(house: Consortium) -> None:
    person = of_both(house)
    house.claim(person, (Line("A", 1, 15_000_000),))
    amounts = house.claim(person, (Line("A", 1, 10_040_000),), **RESIDENT_STAY).amounts
    assert (amounts.act_pay_dedc, amounts.hifp_pay) == (40_000, 6_000_000)
    assert amounts.inscp_amt - amounts.hifp_pay == 4_040_000, "the burden"
    assert (amounts.hifmi_pay, amounts.fund_pay_sumamt) == (1_704_000, 7_704_000)


def test_an_exhausted_scheme_does_not_exhaust_the_other(house: Consortium) -> None:
    person = of_both(house)
    house.claim(person, (Line("A", 1, 40_000_000),))
    amounts = house.claim(person, (Line("A", 1, 1_040_000),), **RESIDENT_STAY).amounts
    assert (amounts.act_pay_dedc, amounts.hifp_pay) == (40_000, 600_000)


def test_stays_and_medical_aid_with_its_cap_count_across_schemes(house: Consortium) -> None:
    person = of_both(house, assisted=True)
    first = house.claim(person, (Line("A", 1, 20_000_000),)).amounts
    second = house.claim(person, (Line("A", 1, 30_000_000),), **RESIDENT_STAY).amounts
    assert 0 < first.maf_pay < 3_000_000 and first.maf_pay + second.maf_pay == 3_000_000
    assert (first.act_pay_dedc, second.act_pay_dedc) == (80_000, 40_000)


@pytest.mark.parametrize(
    ("employee_fen", "resident_fen", "hifp_pay", "hifmi_pay"),
    [(15_000_000, 10_040_000, 2_277_882, 6_101_589), (40_000_000, 1_040_000, 0, 1_040_000)],
)
def test_by_version_one_the_schemes_add_up(employee_fen: int, resident_fen: int, hifp_pay: int, hifmi_pay: int) -> None:
    """What 0.1 paid of the second stay."""
    row, amounts = Accumulator(), Amounts()
    for insutype, fen in (("employee", employee_fen), ("resident", resident_fen)):
        scheme = ILLUSTRATIVE_PACK.employee if insutype == "employee" else ILLUSTRATIVE_PACK.resident
        terms = Terms(scheme, True, 3, False, False, "")
        used = compute_used(row, insutype, is_joint=True)
        amounts = adjudicate(Sums(fen, 0, 0, 0, fen), terms, used, ILLUSTRATIVE_PACK, 0)
        row = accumulate(row, insutype, amounts, is_inpatient=True, sign=1)
    assert (amounts.hifp_pay, amounts.hifmi_pay) == (hifp_pay, hifmi_pay)


def test_a_year_is_closed_only_when_it_is_over(house: Consortium) -> None:
    close = settlement.CloseYear(2026)
    house.today(20261231)
    assert house.refusal("bureau", "settlement", "close_year", close) == "year-not-over"
    house.today(20270101)
    assert house.refusal("bureau", "settlement", "close_year", settlement.CloseYear(2027)) == "year-not-over"
    house.run("bureau", "settlement", "close_year", close)
    assert house.refusal("bureau", "settlement", "close_year", close) == "year-closed"


def test_a_closed_year_is_opened_again_by_a_vote_alone(house: Consortium) -> None:
    house.today(20270115)
    reopen = settlement.ReopenYear(2025)
    assert house.refusal("vote", "settlement", "reopen_year", reopen) == "year-open"
    house.run("bureau", "settlement", "close_year", settlement.CloseYear(2026))
    assert house.refusal("bureau", "settlement", "reopen_year", reopen) == "not-permitted"
    house.run("vote", "settlement", "reopen_year", reopen)
    house.claim("E", (Line("A", 1, 1_000),))
    assert house.refusal("vote", "settlement", "reopen_year", settlement.ReopenYear(2026)) == "year-open"
    house.run("vote", "settlement", "close_year", settlement.CloseYear(2025))
    assert house.refusal("vote", "settlement", "close_year", settlement.CloseYear(2025)) == "year-closed"
