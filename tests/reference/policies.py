"""The illustrative policy of docs/domain.md, and two changes of it, one a year."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from tests.reference.arithmetic import Item, Policy, Ratios, SchemeRules

YUAN = 100


def _percent(*values: float | str) -> Ratios:
    one, two, three = (Fraction(str(value)) / 100 for value in values)
    return one, two, three


def _away(filed: str, referral: str, unfiled: str) -> dict[str, Fraction]:
    return {"filed": Fraction(filed), "referral": Fraction(referral), "unfiled": Fraction(unfiled)}


EMPLOYEE = SchemeRules(
    stay_deductible=(200 * YUAN, 400 * YUAN, 800 * YUAN),
    stay_ratio=_percent(90, 88, 85),
    stay_retired=Fraction(3, 100),
    visit_deductible=(20 * YUAN, 50 * YUAN, 100 * YUAN),
    visit_ratio=_percent(75, 65, 55),
    visit_retired=Fraction(5, 100),
    visit_cap=2_500 * YUAN,
    visit_cap_retired=3_000 * YUAN,
    pool_cap=120_000 * YUAN,
    away=_away("1", "0.90", "0.70"),
    large_ratio=Fraction(9, 10),
    both_cap=550_000 * YUAN,
    illness_steps=(),
    illness_cap=0,
)
RESIDENT = SchemeRules(
    stay_deductible=(200 * YUAN, 400 * YUAN, 800 * YUAN),
    stay_ratio=_percent(85, 75, 60),
    stay_retired=Fraction(0),
    visit_deductible=(0, 0, 0),
    visit_ratio=_percent(0, 0, 0),
    visit_retired=Fraction(0),
    visit_cap=0,
    visit_cap_retired=0,
    pool_cap=150_000 * YUAN,
    away=_away("1", "0.85", "0.60"),
    large_ratio=Fraction(0),
    both_cap=150_000 * YUAN,
    illness_steps=(
        (12_000 * YUAN, Fraction(60, 100)),
        (50_000 * YUAN, Fraction(65, 100)),
        (100_000 * YUAN, Fraction(75, 100)),
    ),
    illness_cap=350_000 * YUAN,
)
FIRST = Policy(
    since=19900101,
    employee=EMPLOYEE,
    resident=RESIDENT,
    later_stay_share=Fraction(1, 2),
    is_visit_deductible_yearly=False,
    is_away_subtracted=False,
    aid_share=Fraction(70, 100),
    aid_cap=30_000 * YUAN,
    case_rate=10_000 * YUAN,
    case_high=Fraction(3),
    case_low=Fraction(2, 5),
    claim_days=365,
    lines_days=15,
)


def second(since: int) -> Policy:
    """Visits of residents are covered, the deductible of visits is of the year, caps are lower."""
    employee = replace(EMPLOYEE, pool_cap=90_000 * YUAN, both_cap=300_000 * YUAN, visit_cap=4_000 * YUAN)
    resident = replace(
        RESIDENT,
        visit_deductible=(10 * YUAN, 30 * YUAN, 60 * YUAN),
        visit_ratio=_percent("55.5", "50", "44.44"),
        visit_cap=800 * YUAN,
        visit_cap_retired=800 * YUAN,
        illness_steps=((8_000 * YUAN, Fraction(61, 100)), (40_000 * YUAN, Fraction(7, 10))),
        illness_cap=60_000 * YUAN,
    )
    return replace(
        FIRST,
        since=since,
        employee=employee,
        resident=resident,
        is_visit_deductible_yearly=True,
        later_stay_share=Fraction(1, 4),
        claim_days=180,
        lines_days=40,
        aid_cap=12_345 * YUAN + 67,
    )


def third(since: int) -> Policy:
    """Off-site care subtracts, aid pays more, cases have another rate."""
    before = second(since)
    return replace(
        before,
        employee=replace(before.employee, stay_ratio=_percent("91.25", "87.5", "83.33"), large_ratio=Fraction(4, 5)),
        is_away_subtracted=True,
        lines_days=0,
        aid_share=Fraction(3, 4),
        case_rate=11_111 * YUAN,
        case_high=Fraction(5, 2),
        case_low=Fraction(1, 2),
    )


DEARER = Item(20270801, "B", Fraction(15, 100), 90_000)
