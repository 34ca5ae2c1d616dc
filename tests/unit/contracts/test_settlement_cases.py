"""The worked cases of docs/domain.md, to the fen."""

import msgspec
import pytest

from consortium.contracts.insurance import (
    accumulators,
    bill,
    enrolment,
    fund_transfer,
    funds,
    institution,
    policy,
    settlement,
)
from consortium.contracts.insurance.accumulators import Accumulator, OfScheme, Used
from consortium.contracts.insurance.drg import compute_drg_payment, divide_half_up
from consortium.contracts.insurance.journal import SETTLEMENTS
from consortium.contracts.insurance.lines import Line, Sums
from consortium.contracts.insurance.policy_pack import ILLUSTRATIVE_PACK
from consortium.contracts.insurance.settlement_rules import Terms, adjudicate
from consortium.core.contract import Refused
from tests.contracts_state import Consortium, founded

CASE_A = (
    Line("A", 1, 3_000_000),
    Line("B", 1, 2_000_000),
    Line("S", 1, 850_000),
    Line("C", 1, 150_000),
)


@pytest.fixture
def house() -> Consortium:
    return founded()


def fund_account(house: Consortium, psn_no: str, amount_fen: int) -> None:
    house.run("bureau", "funds", "contribute", funds.Contribute(f"person/{psn_no}", amount_fen, "opening/2026"))


def test_case_a_employee_at_level_three(house: Consortium) -> None:
    fund_account(house, "E", 500_000)
    amounts = house.claim("E", CASE_A).amounts
    assert amounts.medfee_sumamt == 6_000_000
    assert amounts.fulamt_ownpay_amt == 150_000
    assert amounts.overlmt_selfpay == 50_000
    assert amounts.preselfpay_amt == 360_000
    assert amounts.inscp_amt == 5_440_000
    assert amounts.act_pay_dedc == 80_000
    assert amounts.hifp_pay == 4_556_000
    assert amounts.psn_pay == 1_444_000
    assert (amounts.acct_pay, amounts.cash_payamt) == (500_000, 944_000)
    assert funds.get_balance(house.state, "person/E") == 0
    assert house.owed("H3") == 4_556_000 + 500_000
    assert funds.get_balance(house.state, funds.EMPLOYEE_POOL) == 10**11 - 4_556_000
    assert house.sum_of_balances() == 0


def test_case_a_off_site_and_unfiled(house: Consortium) -> None:
    amounts = house.claim("E", CASE_A, offsite="unfiled").amounts
    assert amounts.hifp_pay == 3_189_200
    assert amounts.psn_pay == 6_000_000 - 3_189_200


def test_case_b_retired_second_stay_meets_the_pool_cap(house: Consortium) -> None:
    used = Accumulator(sequence=1, newest=0, stays=1, employee=OfScheme(hifp_fen=10_000_000))
    house.state.put(accumulators.ACCUMULATORS, "R/2026", used)
    amounts = house.claim("R", (Line("A", 1, 6_000_000),), fixmedins_code="H2").amounts
    assert amounts.act_pay_dedc == 20_000
    assert amounts.hifp_pay == 2_000_000
    assert amounts.hifob_pay == 3_403_978
    assert amounts.fund_pay_sumamt == 5_403_978
    assert amounts.psn_pay == 596_022


def test_case_c_resident_on_assistance(house: Consortium) -> None:
    amounts = house.claim("A", (Line("A", 1, 15_800_000), Line("C", 1, 2_200_000))).amounts
    assert amounts.hifp_pay == 9_432_000
    assert amounts.hifmi_pay == 3_169_200
    assert amounts.maf_pay == 2_239_160
    assert amounts.fund_pay_sumamt == 14_840_360
    assert amounts.psn_pay == amounts.cash_payamt == 3_159_640
    assert funds.get_balance(house.state, funds.SERIOUS_ILLNESS) == 10**11 - 3_169_200
    assert funds.get_balance(house.state, funds.MEDICAL_AID) == 10**11 - 2_239_160


def test_rounding_is_half_up_where_floats_and_bankers_are_not() -> None:
    assert divide_half_up(10_010 * 8_500, 10_000) == 8_509
    terms = Terms(ILLUSTRATIVE_PACK.employee, True, 3, False, False, "")
    sums = Sums(90_010, 0, 0, 0, 90_010)
    assert adjudicate(sums, terms, Used(), ILLUSTRATIVE_PACK, 0).hifp_pay == 8_509


@pytest.mark.parametrize(
    ("cost_fen", "payment_fen"),
    [(800_000, 594_300), (2_000_000, 811_400), (200_000, 200_000)],
)
def test_drg_payment(cost_fen: int, payment_fen: int) -> None:
    assert compute_drg_payment(5_660, 1_000_000, 10_500, cost_fen, 30_000, 4_000) == payment_fen


def test_drg_pays_the_institution_by_case_and_the_patient_by_bill(house: Consortium) -> None:
    house.genesis("policy", "set_drg_group", policy.SetDrgGroup("GB15", 20260101, 5_660))
    sign = institution.Sign("DRG", "hospital", 3, "h1", "L-DRG", 20991231, 10_500)
    house.run("bureau", "institution", "sign", sign)
    settled = house.claim("E", (Line("A", 1, 800_000),), fixmedins_code="DRG", drg_group="GB15")
    assert settled.drg_payment_fen == 594_300
    assert settled.amounts.hifp_pay == 612_000
    assert settled.pool_paid_fen == 594_300 - settled.amounts.psn_pay
    assert house.owed("DRG") + settled.amounts.cash_payamt == 594_300


def test_retiree_points_and_referral_multiply_or_subtract() -> None:
    sums = Sums(1_080_000, 0, 0, 0, 1_080_000)
    terms = Terms(ILLUSTRATIVE_PACK.employee, True, 3, True, False, "referral")
    assert adjudicate(sums, terms, Used(), ILLUSTRATIVE_PACK, 0).hifp_pay == 792_000
    subtracting = msgspec.structs.replace(ILLUSTRATIVE_PACK, offsite_subtracts=True)
    assert adjudicate(sums, terms, Used(), subtracting, 0).hifp_pay == 780_000


def test_outpatient_cap_of_the_year(house: Consortium) -> None:
    first = house.claim("E", (Line("A", 1, 400_000),), fixmedins_code="H1", med_type="outpatient").amounts
    second = house.claim("E", (Line("A", 1, 400_000),), fixmedins_code="H1", med_type="outpatient", serial="2").amounts
    assert first.hifp_pay == 250_000  # (4,000 − 20) × 0.75 = 2,985, at most 2,500
    assert second.hifp_pay == 0


def test_order_of_claims_changes_money() -> None:
    def paid(order: tuple[tuple[str, int], ...]) -> int:
        house = founded()
        total = 0
        for serial, (code, amount) in enumerate(order):
            total += house.claim("E", (Line("A", 1, amount),), fixmedins_code=code, serial=str(serial)).amounts.hifp_pay
        return total

    assert paid((("H1", 1_000_000), ("H3", 1_000_000))) != paid((("H3", 1_000_000), ("H1", 1_000_000)))


def test_reversal_is_last_in_first_out_and_restores_everything(house: Consortium) -> None:
    fund_account(house, "E", 500_000)
    before = house.state.copy()
    house.claim("E", CASE_A)
    middle = house.state.copy()
    house.claim("E", CASE_A, serial="2")
    reverse = settlement.Reverse("E", 2026, 1, "wrong-lines")
    assert house.refusal("h1", "settlement", "reverse", reverse) == "not-newest"
    assert house.refusal("h2", "settlement", "reverse", reverse) == "not-yours"
    house.run("h1", "settlement", "reverse", settlement.Reverse("E", 2026, 2, "wrong-lines"))
    assert house.state.copy()["account"] == middle["account"]
    house.run("bureau", "settlement", "reverse", reverse)
    assert house.state.copy()["account"] == before["account"]
    used = accumulators.get_accumulator(house.state, "E", 2026)
    assert msgspec.structs.replace(used, sequence=0) == Accumulator()
    journal = [entry for _, entry in house.state.range(SETTLEMENTS, "E/2026/", "E/20260")]
    assert [entry.reverses for entry in journal] == [0, 0, 2, 1]
    assert sum(entry.amounts.fund_pay_sumamt for entry in journal) == 0
    assert house.refusal("h1", "settlement", "reverse", reverse) == "not-newest"
    again = settlement.Claim("H3-1", "E")
    assert house.refusal("h1", "settlement", "claim", again) == "bill-not-verified"
    house.run("h1", "bill", "deliver", bill.Step("H3-1"))
    house.run("bureau", "bill", "verify", bill.Step("H3-1"))
    house.run("h1", "settlement", "claim", again)


def test_claim_on_an_issued_bill_pays_once_whoever_sends_it_and_however_typed(house: Consortium) -> None:
    issue = house.issue("H3-77a", "E", CASE_A)
    house.issue_verified("H3-77a", "E", CASE_A)
    claim = settlement.Claim("H3-77a", "E")
    house.run("h1", "settlement", "claim", claim)
    for typed in ("H3-77A", " h3-77 a", "Ｈ３－７７ａ"):
        again = msgspec.structs.replace(claim, bill_no=typed)
        assert house.refusal("h1", "settlement", "claim", again) == "bill-reimbursed"
        assert house.refusal("h1", "bill", "issue", msgspec.structs.replace(issue, bill_no=typed)) == "bill-exists"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"bill_no": "H3-none"}, "not-yours"),
        ({"bill_no": "K3-1"}, "not-yours"),
        ({"offsite": "far"}, "bad-choice"),
        ({"offsite": "filed"}, "no-filing"),
        ({"offsite": "referral"}, "no-filing"),
        ({"begndate": 19960101, "enddate": 19960102}, "not-enrolled"),
        ({"begndate": 19890101, "enddate": 19890102}, "no-policy"),
        ({"drg_group": "X"}, "drg-inpatient-only"),
        ({"drg_group": "X", "med_type": "inpatient"}, "unknown-drg-group"),
        ({"commitment": b"short"}, "bad-digest"),
        ({"psn_no": "E/2"}, "bad-identifier"),
    ],
)
def test_refusals_of_a_claim(house: Consortium, change: dict[str, object], code: str) -> None:
    days = {name: change[name] for name in ("begndate", "enddate", "med_type") if name in change}
    claimed = {name: value for name, value in change.items() if name not in days}
    house.issue_verified("H3-1", "E", CASE_A, **days)
    house.run("h2", "bill", "issue", house.issue("K3-1", "E", CASE_A))
    claim = settlement.Claim("H3-1", "E")
    if code == "no-policy":
        early = enrolment.Period(19800101, 19970101, "employee")
        person = house.state.get(enrolment.PERSONS, "E")
        assert person is not None
        longer = msgspec.structs.replace(person, periods=(early, *person.periods))
        house.state.put(enrolment.PERSONS, "E", longer)
    before = house.state.copy()
    assert house.refusal("h1", "settlement", "claim", msgspec.structs.replace(claim, **claimed)) == code
    assert house.state.copy() == before


def test_an_exhausted_fund_refuses(house: Consortium) -> None:
    drain = fund_transfer.Propose("T-1", funds.EMPLOYEE_POOL, funds.RESIDENT_POOL, 10**11, "budget/2026")
    house.run("bureau", "fund_transfer", "propose", drain)
    house.run("regulator", "fund_transfer", "endorse", fund_transfer.OfTransfer("T-1"))
    with pytest.raises(Refused, match="fund-exhausted"):
        house.claim("E", CASE_A)


def test_a_closed_year_takes_no_more(house: Consortium) -> None:
    house.claim("E", CASE_A)
    house.today(20270101)
    house.run("bureau", "settlement", "close_year", settlement.CloseYear(2026))
    with pytest.raises(Refused, match="year-closed"):
        house.claim("E", CASE_A, serial="2")
    assert (
        house.refusal("h1", "settlement", "reverse", settlement.Reverse("E", 2026, 1, "wrong-lines")) == "year-closed"
    )
    house.today(20270102)
    house.claim("E", CASE_A, serial="3", begndate=20270101, enddate=20270102)


def test_a_pharmacy_has_no_inpatients_and_a_suspended_hospital_no_claims(house: Consortium) -> None:
    with pytest.raises(Refused, match="not-a-hospital"):
        house.claim("E", CASE_A, fixmedins_code="P1", member="p1")
    house.run("bureau", "institution", "suspend", institution.Decide("H3", "inquiry"))
    with pytest.raises(Refused, match="institution-suspended"):
        house.claim("E", CASE_A)
