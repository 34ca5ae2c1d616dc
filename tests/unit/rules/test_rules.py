"""Each rule over facts made by hand: what it finds, what only looks so, and what its parameters change."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

import pytest
from msgspec.structs import replace

from consortium.contracts.access import BY_BUREAU, SUPERVISORS
from consortium.contracts.checks import check_reference
from consortium.contracts.insurance.enrolment import Period, Person
from consortium.contracts.insurance.lines import Line, Sold
from consortium.contracts.medicines.packs import Sale
from consortium.contracts.medicines.sales import Attempt, SecondSales
from consortium.core.errors import UserError
from consortium.rules import load_rules
from consortium.rules.facts import Claim, Facts, Insured, Place
from consortium.rules.rule import Finding, about, links_pseudonyms, run_rule, with_parameters

RULES = load_rules()
YEAR = (Period(20260101, 20270101, "employee"),)
PLACES = {
    "H1": Place("hospital"),
    "H2": Place("hospital"),
    "HN": Place("hospital", "north"),
    "HS": Place("hospital", "suburb"),
    "P1": Place("pharmacy"),
}
ITEMS = {"drug-a": "drug", "drug-herbal": "drug", "drug-coded": "drug", "goods-tonic": "consumable"}
serials = count(1)


def claim(psn_no: str = "A", first: int = 20260210, last: int = 0, **fields: Any) -> Claim:
    """A visit; a stay where a last day is said."""
    serial = next(serials)
    values: dict[str, Any] = {
        "key": f"{psn_no}/2026/{serial:06d}",
        "psn_no": psn_no,
        "bill_no": f"h1-{serial}",
        "fixmedins_code": "H1",
        "med_type": "inpatient" if last else "outpatient",
        "begndate": first,
        "enddate": last or first,
        "medfee_fen": 100_000,
        "fund_fen": 60_000,
    }
    return Claim(**(values | fields))


def facts_of(*claims: Claim, **more: Any) -> Facts:
    ordered = tuple(sorted(claims, key=lambda one: (one.enddate, one.bill_no)))
    covers = {one.psn_no: Person(YEAR) for one in claims}
    values: dict[str, Any] = {"claims": ordered, "covers": covers, "places": PLACES, "items": ITEMS}
    return Facts(**(values | more))


def find(name: str, facts: Facts, **parameters: Any) -> list[Finding]:
    rule = RULES[name]
    found = run_rule(rule, facts, with_parameters(rule, parameters))
    for finding in found:
        assert finding.rule == name and finding.amount_fen >= 0 and finding.records
        for record in finding.records:
            check_reference(record, "record")
    return found


def bills(found: Iterable[Finding]) -> list[tuple[str, ...]]:
    return [tuple(one.removeprefix("bill/") for one in each.records if one.startswith("bill/")) for each in found]


def lined(**lines: Line | tuple[Line, ...]) -> dict[str, tuple[Line, ...]]:
    """By the number of a bill, with _ for its hyphen."""
    return {
        name.replace("_", "-"): one if isinstance(one, tuple) else (one,)  # type: ignore[misc]
        for name, one in lines.items()
    }


# --- the same bill ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed", ["H1-1007", "h1 - 1007", "Ｈ１－１００７", "h1-1o07", "h1-l007", "h1-001007", "h1-10.07", "h1-1_007"]
)
def test_a_number_is_read_as_a_person_reads_it(typed: str) -> None:
    one, other = claim(bill_no="h1-1007"), claim(bill_no=typed)
    (found,) = run_rule(RULES["same_bill"], facts_of(one, other))
    assert set(bills([found])[0]) == {"h1-1007", typed} and found.amount_fen == 60_000


def test_bills_of_one_day_and_amount_with_other_numbers_are_two() -> None:
    assert not find("same_bill", facts_of(claim(bill_no="h1-1007"), claim(bill_no="h1-1070")))
    assert not find("same_bill", facts_of(claim(bill_no="h1-1007"), claim("B", bill_no="h1-1o07")))
    other = claim(bill_no="h1-1o07", medfee_fen=100_001)
    assert not find("same_bill", facts_of(claim(bill_no="h1-1007"), other))
    assert find("same_bill", facts_of(claim(bill_no="h1-1007"), other), same_amount=False)


# --- cover -----------------------------------------------------------------------------------------------------------


def test_a_service_after_death_is_found_and_a_certificate_is_not() -> None:
    late, last, paper = claim(first=20260220), claim(first=20260209), claim(first=20260212, bill_no="h1-paper")
    dead = {"A": Person(YEAR, died_on=20260210)}
    lines = lined(h1_paper=Line("svc-death-certificate", 1, 5_000))
    found = find("after_death", facts_of(late, last, paper, covers=dead, lines=lines))
    assert bills(found) == [(late.bill_no,)]
    assert len(find("after_death", facts_of(paper, covers=dead, lines=lined(h1_paper=Line("svc-ct-head", 1, 1))))) == 1
    assert find("after_death", facts_of(paper, covers=dead))  # without lines a dear bill is no certificate
    assert not find("after_death", facts_of(paper._replace(medfee_fen=5_000), covers=dead))
    assert find("after_death", facts_of(paper, covers=dead, lines=lines), certificate_days=1)


def test_a_service_after_a_lapse_is_found_and_a_stay_runs_on() -> None:
    cover = {"A": Person((Period(20260101, 20260201, "employee"), Period(20260301, 20270101, "resident")))}
    between, within, before = claim(first=20260215), claim(first=20260301), claim(first=20260131)
    stay = claim(first=20260131, last=20260205)
    assert bills(find("after_lapse", facts_of(between, within, before, stay, covers=cover))) == [(between.bill_no,)]
    assert len(find("after_lapse", facts_of(between, stay, covers=cover), stays_run_on=False)) == 2


def test_two_regions_at_once_are_found_and_a_move_is_not() -> None:
    insured = {"A": Insured("p", region=""), "B": Insured("p", region="north"), "C": Insured("q", region="north")}
    both = facts_of(claim("A"), claim("B"), claim("C"), insured=insured)
    (found,) = find("two_regions", both)
    assert (found.records, found.accused, found.settlements) == (("person/A", "person/B"), "", ())
    moved = {
        "A": Person((Period(20260101, 20260301, "employee"),)),
        "B": Person((Period(20260301, 20270101, "employee"),)),
    }
    assert not find("two_regions", facts_of(claim("A"), claim("B", 20260310), insured=insured, covers=moved))
    same = {"A": Insured("p", region="north"), "B": Insured("p", region="north")}
    assert not find("two_regions", facts_of(claim("A"), claim("B"), insured=same))


def test_more_than_two_on_one_telephone_are_found() -> None:
    claims = [claim(name) for name in "ABCD"]
    phones = {name: Insured(name, phone="x") for name in "ABC"} | {"D": Insured("D")}
    (found,) = find("shared_phone", facts_of(*claims, insured=phones))
    assert found.records == ("person/A", "person/B", "person/C") and found.amount_fen == 180_000
    assert not find("shared_phone", facts_of(*claims, insured=phones), persons=3)
    same = {"A": Insured("one", phone="x"), "B": Insured("one", phone="x"), "C": Insured("two", phone="x")}
    assert not find("shared_phone", facts_of(*claims, insured=same))


# --- stays -----------------------------------------------------------------------------------------------------------


def test_nights_in_two_hospitals_are_found_and_a_transfer_is_not() -> None:
    one = claim(first=20260210, last=20260220)
    other = claim(first=20260215, last=20260218, fixmedins_code="H2", fund_fen=9)
    (found,) = find("overlapping_stays", facts_of(one, other))
    assert (found.accused, found.settlements, found.amount_fen) == ("H2", (other.key,), 9)
    assert not find("overlapping_stays", facts_of(one, claim(first=20260220, last=20260225, fixmedins_code="H2")))
    assert not find("overlapping_stays", facts_of(one, claim(first=20260215, last=20260215, fixmedins_code="H2")))
    assert not find("overlapping_stays", facts_of(one, claim("B", 20260215, 20260218, fixmedins_code="H2")))
    assert not find("overlapping_stays", facts_of(one, other), nights=4)


@pytest.mark.parametrize(
    ("gap", "diagnoses", "found"),
    [
        (5, ("K29.1", "K29.9"), "readmission"),
        (15, ("K29.1", "K29.9"), "readmission"),
        (16, ("K29.1", "K29.9"), ""),
        (5, ("J15.1", "J18.9"), "readmission"),
        (5, ("K29.1", "M51.0"), ""),
        (5, ("Z51.1", "Z51.1"), ""),
        (5, ("", "K29.1"), ""),
        (1, ("K29.1", "K29.1"), "split_stays"),
        (0, ("K29.1", "K29.1"), "split_stays"),
        (1, ("Z51.1", "Z51.1"), ""),
        (1, ("K29.1", "N20.0"), ""),
    ],
)
def test_stays_upon_one_another(gap: int, diagnoses: tuple[str, str], found: str) -> None:
    one = claim(first=20260201, last=20260205, bill_no="h1-one")
    other = claim(first=20260205 + gap, last=20260210 + gap, bill_no="h1-other")
    facts = facts_of(one, other, diagnoses=dict(zip(("h1-one", "h1-other"), diagnoses, strict=True)))
    assert [name for name in ("readmission", "split_stays") if find(name, facts)] == ([found] if found else [])


def test_a_split_is_of_one_hospital() -> None:
    one = claim(first=20260201, last=20260205, bill_no="h1-one")
    other = claim(first=20260205, last=20260209, bill_no="h1-other", fixmedins_code="H2")
    assert not find("split_stays", facts_of(one, other, diagnoses={"h1-one": "K29.1", "h1-other": "K29.1"}))


def test_two_regions_on_one_day_are_found_and_what_one_can_reach_is_not() -> None:
    home, far = claim(bill_no="h1-a"), claim(bill_no="hn-b", fixmedins_code="HN")
    assert len(find("far_apart", facts_of(home, far))) == 1
    assert not find("far_apart", facts_of(home, claim(fixmedins_code="HS")))
    assert find("far_apart", facts_of(home, claim(fixmedins_code="HS")), near=[])
    assert not find("far_apart", facts_of(far, claim(fixmedins_code="P1")))
    stay = claim(first=20260208, last=20260214)
    assert find("far_apart", facts_of(stay, far))
    assert not find("far_apart", facts_of(stay, claim(first=20260214, fixmedins_code="HN")))
    assert not find("far_apart", facts_of(home, claim("B", fixmedins_code="HN")))


# --- what was charged ------------------------------------------------------------------------------------------------


def dispensed(days: Iterable[int], **fields: Any) -> Facts:
    claims = [claim(first=day, fixmedins_code="P1", **fields) for day in days]
    return facts_of(*claims, lines={one.bill_no: (Line("drug-a", 1, 1_000),) for one in claims})


def test_a_fifth_day_of_one_drug_in_a_month_is_found() -> None:
    (found,) = find("drug_frequency", dispensed(range(20260201, 20260206)))
    assert len(bills([found])[0]) == 5 and found.amount_fen == 60_000
    assert not find("drug_frequency", dispensed(range(20260201, 20260205)))
    assert not find("drug_frequency", dispensed([20260201] * 9))  # one by one
    assert not find("drug_frequency", dispensed((20260226, 20260227, 20260228, 20260301, 20260302)))
    assert find("drug_frequency", dispensed(range(20260201, 20260205)), times=3)
    assert not find("drug_frequency", dispensed(range(20260201, 20260206)), exempt=["drug-a"])


def test_a_drug_is_counted_by_its_trace_codes_where_lines_are_not_known() -> None:
    claims = [claim(first=day, sold=(Sold(1, "drug-coded", 1, (f"{day:020d}",)),)) for day in range(20260201, 20260206)]
    assert len(find("drug_frequency", facts_of(*claims))) == 1


def test_more_days_than_there_were_are_found() -> None:
    stay = claim(first=20260201, last=20260203, bill_no="h1-a")
    (found,) = find("quantity_over_days", facts_of(stay, lines=lined(h1_a=Line("svc-bed-day", 5, 9_000))))
    assert found.amount_fen == 18_000
    assert not find("quantity_over_days", facts_of(stay, lines=lined(h1_a=Line("svc-bed-day", 3, 9_000))))
    assert not find("quantity_over_days", facts_of(stay, lines=lined(h1_a=Line("svc-oxygen-hour", 72, 10))))


@pytest.mark.parametrize(
    ("sex", "born", "items", "found"),
    [
        ("M", 19800101, ["svc-cervical-smear"], True),
        ("F", 19800101, ["svc-cervical-smear"], False),
        ("M", 19660211, ["svc-geriatric-review"], True),  # 59 on that day
        ("M", 19660210, ["svc-geriatric-review"], False),
        ("F", 19900101, ["svc-newborn-care"], True),
        ("F", 19900101, ["svc-newborn-care", "svc-delivery"], False),
        ("F", 20260105, ["svc-newborn-care"], False),
        ("", 0, ["svc-prostate-exam"], False),
    ],
)
def test_sex_and_age(sex: str, born: int, items: list[str], found: bool) -> None:
    lines = {"h1-a": tuple(Line(item, 1, 1_000) for item in items)}
    facts = facts_of(claim(bill_no="h1-a"), lines=lines, insured={"A": Insured("p", sex, born)})
    assert bool(find("sex_age", facts)) == found


def test_what_is_done_once_a_day_is_found_twice() -> None:
    one, other = claim(bill_no="h1-a"), claim(bill_no="h1-b")
    scans = lined(h1_a=Line("svc-ct-head", 1, 45_000), h1_b=Line("svc-ct-chest", 1, 40_000))
    (found,) = find("repeat_charging", facts_of(one, other, lines=scans))
    assert found.amount_fen == 40_000
    assert len(find("repeat_charging", facts_of(one, lines=lined(h1_a=Line("svc-ct-head", 2, 45_000))))) == 1
    elsewhere = other._replace(fixmedins_code="H2")
    assert not find("repeat_charging", facts_of(one, elsewhere, lines=scans))
    assert not find("repeat_charging", facts_of(one, other._replace(begndate=20260211, enddate=20260211), lines=scans))
    tea = lined(h1_a=Line("drug-a", 1, 1), h1_b=Line("drug-a", 1, 1))
    assert not find("repeat_charging", facts_of(one, other, lines=tea))


def test_a_visit_charges_again_what_a_stay_charged_for_each_day() -> None:
    stay, visit = claim(first=20260208, last=20260212, bill_no="h1-s"), claim(bill_no="h1-v")
    lines = lined(h1_s=Line("svc-ecg", 5, 8_000), h1_v=Line("svc-ecg", 1, 8_000))
    assert len(find("repeat_charging", facts_of(stay, visit, lines=lines))) == 1
    assert not find("repeat_charging", facts_of(stay, visit, lines=lines | lined(h1_s=Line("svc-ecg", 2, 8_000))))


def test_a_part_beside_its_whole_is_found() -> None:
    both = (Line("svc-appendectomy", 1, 300_000), Line("svc-suture", 1, 20_000))
    (found,) = find("repeat_charging", facts_of(claim(bill_no="h1-a"), lines=lined(h1_a=both)))
    assert found.amount_fen == 20_000
    assert not find("repeat_charging", facts_of(claim(bill_no="h1-a"), lines=lined(h1_a=both[1:])))


def test_a_group_that_the_diagnosis_does_not_bear_out_is_found() -> None:
    stay = claim(first=20260201, last=20260205, bill_no="h1-a", drg_group="DRG-PNEUMONIA-MAJOR", drg_payment_fen=90_000)
    weights = {"DRG-PNEUMONIA-MAJOR": 9_000, "DRG-BRONCHITIS": 4_000}
    (found,) = find("upcoding", facts_of(stay, weights=weights, diagnoses={"h1-a": "J20.9"}))
    assert found.amount_fen == 50_000  # (9000 − 4000) / 9000 of what was paid
    assert not find("upcoding", facts_of(stay, weights=weights, diagnoses={"h1-a": "J15.1"}))
    assert not find("upcoding", facts_of(stay, weights=weights))


# --- goods -----------------------------------------------------------------------------------------------------------


def test_a_second_sale_is_found_with_both_parties() -> None:
    first = claim(bill_no="h1-a")
    code = "0" * 20
    second = SecondSales(
        Sale("h1-a", 1, 0, "institution/H1", True), (Attempt("x-1", "institution/X", True, "x", 1),), 1
    )
    (found,) = find("trace_code_reuse", facts_of(first, second_sales={code: second}))
    assert found.records == ("bill/h1-a", "bill/x-1", f"code/{code}") and found.accused == "H1"
    cash = replace(second, first=Sale("r-1", 1, 0, "institution/P1"))
    (found,) = find("trace_code_reuse", facts_of(first, second_sales={code: cash}))
    assert (found.accused, found.amount_fen) == ("", 0)
    assert not find("trace_code_reuse", facts_of(first, second_sales={code: cash}), counts_attempts=False)


def test_a_split_pack_sells_until_its_units_run_out() -> None:
    code = "1" * 20
    claims = [claim(sold=(Sold(1, "drug-coded", 5, (code,), True),)) for _ in range(2)]
    assert not find("trace_code_reuse", facts_of(*claims, pack_units={code: 10}))
    assert find("trace_code_reuse", facts_of(*claims, pack_units={code: 9}))
    whole = claim(sold=(Sold(1, "drug-coded", 1, (code,)),))
    assert find("trace_code_reuse", facts_of(claims[0], whole, pack_units={code: 10}))


def stocked(billed: int, received: int, tonic: tuple[int, int] = (0, 0)) -> Facts:
    one, other = claim(bill_no="h1-a"), claim(bill_no="h1-b", first=20260212)
    lines = lined(h1_a=Line("drug-herbal", 1, 6_000), h1_b=Line("drug-herbal", billed - 1, 6_000))
    if tonic[0]:
        lines["h1-b"] = (*lines["h1-b"], Line("goods-tonic", tonic[0], 6_000))
    return facts_of(
        one,
        other,
        lines=lines,
        code_free=frozenset(("drug-herbal",)),
        tendered=frozenset(("drug-herbal", "goods-tonic")),
        received={("H1", "drug-herbal"): received, ("H1", "goods-tonic"): tonic[1]},
    )


def test_more_than_was_shipped_is_found_from_the_claim_on_that_was_too_much() -> None:
    (found,) = find("above_stock", stocked(10, 7))
    assert bills([found]) == [("h1-b",)] and found.amount_fen == 18_000
    assert not find("above_stock", stocked(7, 7))
    assert not find("above_stock", stocked(10, 7), slack=3)
    assert not find("above_stock", Facts(claims=stocked(10, 7).claims, lines=stocked(10, 7).lines))  # not tendered


def test_what_left_the_shelf_instead_is_a_swap() -> None:
    assert find("swapped_items", stocked(10, 7, (1, 5)))
    assert not find("swapped_items", stocked(10, 7, (1, 2)))
    assert not find("swapped_items", stocked(7, 7, (1, 5)))


def test_what_would_link_two_pseudonyms_of_one_person_is_known() -> None:
    insured = {"A": Insured("p", region=""), "B": Insured("p", region="north"), "C": Insured("q")}
    one, other = claim("A", 20260201, 20260210), claim("B", 20260203, 20260208, fixmedins_code="H2")
    facts = facts_of(one, other, claim("C"), insured=insured)
    for name in ("overlapping_stays", "two_regions"):
        (found,) = find(name, facts)
        assert links_pseudonyms(facts, found)
    alone = facts_of(one, other._replace(psn_no="A"), insured=insured)
    (found,) = find("overlapping_stays", alone)
    assert not links_pseudonyms(alone, found)
    assert not links_pseudonyms(facts, about((one, claim("C")), 1, "of two persons"))


# --- all of them -----------------------------------------------------------------------------------------------------


def test_every_rule_says_who_may_run_it() -> None:
    alone = {name for name, rule in RULES.items() if rule.roles == BY_BUREAU}
    assert alone == {"readmission", "split_stays", "upcoding", "sex_age", "shared_phone", "two_regions"}
    assert all(rule.roles == SUPERVISORS for name, rule in RULES.items() if name not in alone)


def test_every_parameter_is_told_of_and_can_be_changed() -> None:
    for rule in RULES.values():
        for name in rule.parameters.__struct_fields__:
            assert f"`{name}`" in str(type(rule.parameters).__doc__), f"{rule.name}.{name}"
        assert with_parameters(rule, {}) == rule.parameters
    with pytest.raises(UserError, match=r"readmission has no parameter 'days'; it has from_days, to_days"):
        with_parameters(RULES["readmission"], {"days": 3})
    with pytest.raises(UserError, match="does not fit"):
        with_parameters(RULES["readmission"], {"to_days": "x"})


def test_no_rule_finds_anything_where_nothing_is() -> None:
    for name in RULES:
        assert not find(name, Facts())
        assert not find(name, facts_of(claim(), claim("B", 20260211)))
