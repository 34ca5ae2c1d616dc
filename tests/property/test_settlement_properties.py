"""Settlement under any claims in any order: identities, caps, last-in-first-out reversal, balances that sum to zero."""

from fractions import Fraction
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from consortium.contracts.insurance import accumulators, enrolment, funds, settlement
from consortium.contracts.insurance.accumulators import Accumulator, OfScheme, Used, accumulate, compute_used
from consortium.contracts.insurance.amounts import Amounts
from consortium.contracts.insurance.drg import compute_drg_payment, divide_half_up
from consortium.contracts.insurance.journal import SETTLEMENTS
from consortium.contracts.insurance.lines import Line, Sums, compute_sums
from consortium.contracts.insurance.policy import ItemVersion
from consortium.contracts.insurance.policy_pack import ILLUSTRATIVE_PACK, OFFSITE
from consortium.contracts.insurance.settlement_rules import Terms, adjudicate
from consortium.core.contract import Refused
from tests.contracts_state import Consortium, founded

PACK = ILLUSTRATIVE_PACK
amount = st.integers(0, 10**8) | st.integers(0, 10**6)
items = st.none() | st.builds(
    ItemVersion,
    from_day=st.just(19970101),
    chrgitm_lv=st.sampled_from("ABC"),
    kind=st.just("service"),
    selfpay_prop_bp=st.integers(0, 10_000),
    ceiling_fen=st.just(0) | st.integers(1, 10**6),
)
priced = st.lists(st.tuples(st.integers(1, 20), amount, items), min_size=1, max_size=6)
of_scheme = st.builds(
    OfScheme,
    hifp_fen=st.integers(0, 15_000_000),
    outpatient_hifp_fen=st.integers(0, 300_000),
    hifob_fen=st.integers(0, 43_000_000),
    hifmi_fen=st.integers(0, 35_000_000),
    burden_fen=st.integers(0, 50_000_000),
)
rows = st.builds(
    Accumulator,
    stays=st.integers(0, 3),
    maf_fen=st.integers(0, 3_000_000),
    employee=of_scheme,
    resident=of_scheme,
)
schemes = st.sampled_from(("employee", "resident"))
used = st.builds(compute_used, rows, schemes, is_joint=st.booleans())
terms = st.builds(
    Terms,
    scheme=st.sampled_from((PACK.employee, PACK.resident)),
    is_inpatient=st.booleans(),
    level=st.integers(1, 3),
    is_retired=st.booleans(),
    is_assisted=st.booleans(),
    offsite=st.sampled_from(OFFSITE),
)


def sums_of(priced: list[Any]) -> Sums:
    return compute_sums([Line("x", cnt, pric) for cnt, pric, _ in priced], [item for _, _, item in priced])


@given(st.integers(0, 10**20), st.integers(1, 10**9))
def test_half_up_is_the_nearest_integer(numerator: int, denominator: int) -> None:
    nearest = divide_half_up(numerator, denominator)
    assert Fraction(-1, 2) < Fraction(nearest) - Fraction(numerator, denominator) <= Fraction(1, 2)


def check_identities(amounts: Amounts) -> None:
    scope_parts = (amounts.fulamt_ownpay_amt, amounts.overlmt_selfpay, amounts.preselfpay_amt, amounts.inscp_amt)
    assert amounts.medfee_sumamt == sum(scope_parts)
    assert amounts.medfee_sumamt == amounts.fund_pay_sumamt + amounts.psn_pay
    assert amounts.psn_pay == amounts.acct_pay + amounts.cash_payamt
    assert amounts.fund_pay_sumamt == amounts.hifp_pay + amounts.hifob_pay + amounts.hifmi_pay + amounts.maf_pay
    assert min(getattr(amounts, name) for name in amounts.__struct_fields__) >= 0
    assert amounts.fund_pay_sumamt <= amounts.inscp_amt - (
        0 if amounts.hifmi_pay or amounts.maf_pay else amounts.act_pay_dedc
    )


@given(priced, terms, used, amount)
def test_identities_and_caps_of_one_claim(lines: list[Any], under: Terms, before: Used, account_fen: int) -> None:
    amounts = adjudicate(sums_of(lines), under, before, PACK, account_fen)
    check_identities(amounts)
    assert amounts.medfee_sumamt == sum(cnt * pric for cnt, pric, _ in lines)
    scheme = under.scheme
    assert amounts.hifp_pay <= max(0, scheme.pool_cap_fen - before.hifp_fen)
    both = amounts.hifp_pay + amounts.hifob_pay
    assert both <= max(0, scheme.pool_and_hifob_cap_fen - before.hifp_fen - before.hifob_fen)
    assert amounts.hifmi_pay <= max(0, scheme.hifmi_cap_fen - before.hifmi_fen)
    assert amounts.maf_pay <= max(0, PACK.maf_cap_fen - before.maf_fen)
    assert amounts.acct_pay <= account_fen
    if not under.is_assisted:
        assert amounts.maf_pay == 0


@given(rows, schemes, st.booleans(), st.builds(Amounts, *[amount] * 14))
def test_accumulating_is_undone_exactly_and_leaves_the_other_scheme_alone(
    row: Accumulator, insutype: str, is_inpatient: bool, amounts: Amounts
) -> None:
    after = accumulate(row, insutype, amounts, is_inpatient=is_inpatient, sign=1)
    assert accumulate(after, insutype, amounts, is_inpatient=is_inpatient, sign=-1) == row
    other = "resident" if insutype == "employee" else "employee"
    assert compute_used(after, other, is_joint=False)[2:] == compute_used(row, other, is_joint=False)[2:]


@given(st.integers(0, 10**8), st.integers(0, 10**7), terms, used)
def test_a_dearer_claim_in_scope_never_gets_less(inscp: int, more: int, under: Terms, before: Used) -> None:
    item = ItemVersion(19970101, "A", "service")
    less = adjudicate(sums_of([(1, inscp, item)]), under, before, PACK, 0)
    most = adjudicate(sums_of([(1, inscp + more, item)]), under, before, PACK, 0)
    assert less.fund_pay_sumamt <= most.fund_pay_sumamt
    assert less.hifp_pay <= most.hifp_pay


@given(st.integers(0, 10**8), terms, used)
def test_off_site_and_a_higher_level_never_pay_more_from_the_pool(inscp: int, under: Terms, before: Used) -> None:
    sums = sums_of([(1, inscp, ItemVersion(19970101, "A", "service"))])
    here = adjudicate(sums, under._replace(offsite="filed"), before, PACK, 0).hifp_pay
    referred = adjudicate(sums, under._replace(offsite="referral"), before, PACK, 0).hifp_pay
    unfiled = adjudicate(sums, under._replace(offsite="unfiled"), before, PACK, 0).hifp_pay
    assert here >= referred >= unfiled
    by_level = [adjudicate(sums, under._replace(level=level), before, PACK, 0).hifp_pay for level in (1, 2, 3)]
    assert by_level == sorted(by_level, reverse=True)


@given(st.integers(1, 10**6), st.integers(0, 10**9), st.integers(0, 10**6))
def test_drg_pays_more_for_dearer_cases_beyond_the_band(weight_bp: int, cost_fen: int, more: int) -> None:
    normal = divide_half_up(weight_bp * 1_000_000 * 10_000, 10**8)
    paid = compute_drg_payment(weight_bp, 1_000_000, 10_000, cost_fen, 30_000, 4_000)
    assert paid <= max(cost_fen, normal)
    assert paid <= compute_drg_payment(weight_bp, 1_000_000, 10_000, cost_fen + more, 30_000, 4_000)


act = st.fixed_dictionaries(
    {
        "psn_no": st.sampled_from(("E", "R", "A")),
        "fixmedins_code": st.sampled_from(("H1", "H2", "H3")),
        "med_type": st.sampled_from(("inpatient", "outpatient")),
        "year": st.sampled_from((2025, 2026)),
        "offsite": st.sampled_from(("", "unfiled")),
        "acct_used_flag": st.booleans(),
        "prices": st.lists(st.tuples(st.sampled_from("ABSCX"), st.integers(1, 2 * 10**7)), min_size=1, max_size=3),
        "is_reversal": st.sampled_from((False, False, True)),
    }
)


def perform(house: Consortium, serial: int, act: dict[str, Any]) -> Amounts | None:
    psn_no, year = act["psn_no"], act["year"]
    if act["is_reversal"]:
        newest = accumulators.get_accumulator(house.state, psn_no, year).newest
        reverse = settlement.Reverse(psn_no, year, max(1, newest), "wrong-lines")
        expected = "ok" if newest else ("unknown-settlement", "not-newest")
        assert house.refusal("bureau", "settlement", "reverse", reverse) in expected
        return None
    lines = tuple(Line(code, 1, price) for code, price in act["prices"])
    fields = {name: act[name] for name in ("fixmedins_code", "med_type", "offsite", "acct_used_flag")}
    day = year * 10_000 + 301
    house.today(day)
    return house.claim(psn_no, lines, serial=str(serial), begndate=day, enddate=day, **fields).amounts


@settings(deadline=None, max_examples=40)
@given(st.lists(act, max_size=14))
def test_any_claims_and_reversals_keep_the_books_and_can_be_undone(acts: list[dict[str, Any]]) -> None:
    house = founded()
    house.genesis("funds", "contribute", funds.Contribute("person/E", 3_000_000, "opening/2026"))
    start = house.state.copy()["account"]
    for serial, each in enumerate(acts):
        amounts = perform(house, serial, each)
        if amounts is not None:
            check_identities(amounts)
        assert house.sum_of_balances() == 0
        check_caps(house)
    for psn_no in ("E", "R", "A"):
        for year in (2025, 2026):
            while newest := accumulators.get_accumulator(house.state, psn_no, year).newest:
                house.run("bureau", "settlement", "reverse", settlement.Reverse(psn_no, year, newest, "wrong-lines"))
            rest = accumulators.get_accumulator(house.state, psn_no, year)
            assert msgspec.structs.replace(rest, sequence=0) == Accumulator()
    assert house.state.copy()["account"] == start


def check_caps(house: Consortium) -> None:
    for key, spent in house.state.range(accumulators.ACCUMULATORS, "", "~"):
        psn_no = key.partition("/")[0]
        scheme = PACK.resident if psn_no == "A" else PACK.employee
        cap = scheme.outpatient_cap_retiree_fen if psn_no == "R" else scheme.outpatient_cap_fen
        own = spent.resident if psn_no == "A" else spent.employee
        assert (spent.employee if psn_no == "A" else spent.resident) == OfScheme()
        assert 0 <= own.hifp_fen <= scheme.pool_cap_fen
        assert 0 <= own.hifp_fen + own.hifob_fen <= scheme.pool_and_hifob_cap_fen
        assert 0 <= own.outpatient_hifp_fen <= cap
        assert 0 <= own.hifmi_fen <= scheme.hifmi_cap_fen
        assert 0 <= spent.maf_fen <= PACK.maf_cap_fen
        journal = [entry for _, entry in house.state.range(SETTLEMENTS, f"{key}/", f"{key}0")]
        assert sum(entry.amounts.hifp_pay for entry in journal) == own.hifp_fen
        assert sum(entry.amounts.hifmi_pay for entry in journal) == own.hifmi_fen
        assert len(journal) == spent.sequence


@settings(deadline=None, max_examples=40)
@given(st.integers(19900101, 20301231), st.integers(0, 1))
def test_no_claim_outside_cover_is_paid(day: int, dead: int) -> None:
    house = Consortium()
    periods = (
        enrolment.Period(20000101, 20050101, "employee"),
        enrolment.Period(20100101, 20150101, "resident"),
    )
    person = enrolment.Register("X", periods, 20120101 if dead else 0)
    house.genesis("enrolment", "register", person)
    is_covered = 20000101 <= day < 20050101 or 20100101 <= day < (20120102 if dead else 20150101)
    try:
        enrolment.cover(enrolment.get_person(house.state, "X"), "X", day)
    except Refused as refused:
        assert not is_covered
        assert refused.code in ("not-enrolled", "coverage-lapsed", "person-dead")
    else:
        assert is_covered
