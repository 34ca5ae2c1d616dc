"""From the reference's words to the contracts' arguments: the only file that knows both."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from consortium.contracts.insurance import enrolment, lines, policy, policy_pack
from consortium.contracts.insurance.lines import Line
from consortium.contracts.medicines import trace_code
from consortium.core.contract import StateReader
from tests.reference.arithmetic import Item, LineOf, Policy, SchemeRules, Sums
from tests.reference.registry import Person

FOREVER = 99991231
UNITS = 12  # of a pack


def bp(ratio: Fraction) -> int:
    value = ratio * 10_000
    assert value.denominator == 1, f"{ratio} is no whole number of basis points"
    return int(value)


def _three(values: tuple[Fraction, ...]) -> Any:
    return tuple(bp(value) for value in values)


def scheme_of(rules: SchemeRules) -> policy_pack.Scheme:
    return policy_pack.Scheme(
        inpatient_deductible_fen=rules.stay_deductible,
        inpatient_ratio_bp=_three(rules.stay_ratio),
        inpatient_retiree_bp=bp(rules.stay_retired),
        outpatient_deductible_fen=rules.visit_deductible,
        outpatient_ratio_bp=_three(rules.visit_ratio),
        outpatient_retiree_bp=bp(rules.visit_retired),
        outpatient_cap_fen=rules.visit_cap,
        outpatient_cap_retiree_fen=rules.visit_cap_retired,
        pool_cap_fen=rules.pool_cap,
        offsite_filed_bp=bp(rules.away["filed"]),
        offsite_referral_bp=bp(rules.away["referral"]),
        offsite_unfiled_bp=bp(rules.away["unfiled"]),
        hifob_ratio_bp=bp(rules.large_ratio),
        pool_and_hifob_cap_fen=rules.both_cap,
        hifmi_steps=tuple(policy_pack.Step(above, bp(share)) for above, share in rules.illness_steps),
        hifmi_cap_fen=rules.illness_cap,
    )


def pack_of(value: Policy, label: str) -> policy_pack.Pack:
    return policy_pack.Pack(
        label=label,
        from_day=value.since,
        employee=scheme_of(value.employee),
        resident=scheme_of(value.resident),
        repeat_stay_deductible_bp=bp(value.later_stay_share),
        outpatient_deductible_is_yearly=value.is_visit_deductible_yearly,
        offsite_subtracts=value.is_away_subtracted,
        maf_ratio_bp=bp(value.aid_share),
        maf_cap_fen=value.aid_cap,
        drg_base_rate_fen=value.case_rate,
        drg_high_bp=bp(value.case_high),
        drg_low_bp=bp(value.case_low),
        claim_days=value.claim_days,
        lines_days=value.lines_days,
    )


def item_of(name: str, item: Item) -> policy.Item:
    kind = "drug" if item.needs_code else "service"
    return policy.Item(name, item.since, item.grade, kind, bp(item.share), item.ceiling)


def periods_of(person: Person) -> tuple[enrolment.Period, ...]:
    return tuple(
        enrolment.Period(cover.begin, cover.end, cover.scheme, cover.is_retired, cover.is_assisted)
        for cover in person.covers
    )


def line_of(line: LineOf) -> Line:
    return Line(line.item, line.count, line.price, line.codes, line.pack_units > 0)


def sums_of(reader: StateReader, of: tuple[LineOf, ...], day: int, expected: Sums) -> tuple[lines.Sums, Any]:
    """What a bill of these lines states, by the contracts' own sums, which must be the reference's."""
    sums, sold = lines.summarise(reader, [line_of(line) for line in of], day)
    assert sums.by_class == (expected.whole, expected.own, expected.above, expected.first, expected.scope)
    return sums, sold


def group_of(group: str, since: int, weight: Fraction) -> policy.SetDrgGroup:
    return policy.SetDrgGroup(group, since, bp(weight))


def produce(lot: str, item: str, codes: tuple[str, ...], holder: str) -> trace_code.Produce:
    return trace_code.Produce(lot, item, "tablet", UNITS, codes, holder)


def spelt(number: str, turn: int) -> str:
    """The same number as somebody types it."""
    wide = str.maketrans({chr(at): chr(at + 0xFEE0) for at in range(0x21, 0x7F)})
    return (number, number.upper(), f" {number} ", number.translate(wide))[turn % 4]
