"""The money of a claim by the rules of the domain, in exact fractions: written from docs/domain.md, not from contracts.

Nothing of `consortium` is imported here. Amounts are fen, ratios are fractions, days are YYYYMMDD.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

Scheme = Literal["employee", "resident"]
Kind = Literal["inpatient", "outpatient"]
ByLevel = tuple[int, int, int]
Ratios = tuple[Fraction, Fraction, Fraction]


def half_up(value: Fraction | int) -> int:
    """To the nearest fen, halves up."""
    return int((Fraction(value) + Fraction(1, 2)) // 1)


@dataclass(frozen=True)
class SchemeRules:
    """One scheme's part of a policy pack."""

    stay_deductible: ByLevel
    stay_ratio: Ratios
    stay_retired: Fraction
    visit_deductible: ByLevel
    visit_ratio: Ratios
    visit_retired: Fraction
    visit_cap: int
    visit_cap_retired: int
    pool_cap: int
    away: Mapping[str, Fraction]  # off-site: filed, referral, unfiled
    large_ratio: Fraction
    both_cap: int  # of pool and large-amount scheme together
    illness_steps: tuple[tuple[int, Fraction], ...]  # above so much of the year's burden, this share
    illness_cap: int


@dataclass(frozen=True)
class Policy:
    since: int
    employee: SchemeRules
    resident: SchemeRules
    later_stay_share: Fraction
    is_visit_deductible_yearly: bool
    is_away_subtracted: bool
    aid_share: Fraction
    aid_cap: int
    case_rate: int
    case_high: Fraction
    case_low: Fraction
    claim_days: int  # a claim comes within so many days of the last day of service
    lines_days: int  # then what is owed becomes payable without a word on the lines; 0: at once

    def of(self, scheme: Scheme) -> SchemeRules:
        return self.employee if scheme == "employee" else self.resident


@dataclass(frozen=True)
class Item:
    """A version of a catalogue item. `grade`: A 甲, B 乙, C 丙. `ceiling` of a unit, or of a pack where it is split."""

    since: int
    grade: str
    share: Fraction = Fraction(0)
    ceiling: int = 0
    needs_code: bool = False


@dataclass(frozen=True)
class LineOf:
    """`pack_units`: 0, or of how many units the pack is of which this line takes `count`."""

    item: str
    count: int
    price: int
    codes: tuple[str, ...] = ()
    pack_units: int = 0


@dataclass(frozen=True)
class Sums:
    whole: int = 0
    own: int = 0  # fulamt_ownpay_amt
    above: int = 0  # overlmt_selfpay
    first: int = 0  # preselfpay_amt
    scope: int = 0  # inscp_amt


def sum_lines(lines: Sequence[LineOf], items: Mapping[str, Item | None]) -> Sums:
    """Class C or off the catalogue; above the ceiling; class B's own share; what is left is in scope."""
    whole = own = above = first = scope = 0
    for line in lines:
        amount, item = line.count * line.price, items[line.item]
        whole += amount
        if item is None or item.grade == "C":
            own += amount
            continue
        if item.ceiling:
            allowed = half_up(Fraction(line.count * item.ceiling, line.pack_units or 1))
            above += max(0, amount - allowed)
            amount = min(amount, allowed)
        share = half_up(amount * item.share) if item.grade == "B" else 0
        first += share
        scope += amount - share
    return Sums(whole, own, above, first, scope)


@dataclass
class Used:
    """What a person used in a year of one scheme (or of both, where the rule of the day is that they are one)."""

    pool: int = 0
    visit_pool: int = 0
    visit_deductible: int = 0
    large: int = 0
    illness: int = 0
    burden: int = 0

    def plus(self, other: Used) -> Used:
        return Used(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Circumstances:
    scheme: Scheme
    kind: Kind
    level: int
    is_retired: bool
    is_assisted: bool
    away: str  # "", filed, referral, unfiled


@dataclass(frozen=True)
class Split:
    """Who pays what of a claim."""

    deductible: int = 0
    pool: int = 0
    large: int = 0
    illness: int = 0
    aid: int = 0
    account: int = 0
    cash: int = 0
    used: Used = field(default_factory=Used)  # what it adds

    @property
    def fund(self) -> int:
        return self.pool + self.large + self.illness + self.aid


def ratio_of(policy: Policy, who: Circumstances) -> Fraction:
    """(ratio + points of the retired) × factor, or minus what the factor lacks of one. Never outside 0 to 1."""
    rules = policy.of(who.scheme)
    is_stay = who.kind == "inpatient"
    ratio = (rules.stay_ratio if is_stay else rules.visit_ratio)[who.level - 1]
    if who.is_retired:
        ratio = min(Fraction(1), ratio + (rules.stay_retired if is_stay else rules.visit_retired))
    factor = rules.away[who.away] if who.away else Fraction(1)
    return max(Fraction(0), ratio - (1 - factor)) if policy.is_away_subtracted else ratio * factor


def illness_due(rules: SchemeRules, burden: int) -> int:
    """What the serious-illness scheme owes for a year's burden."""
    due, uppers = Fraction(0), [above for above, _ in rules.illness_steps[1:]]
    for index, (above, share) in enumerate(rules.illness_steps):
        upper = uppers[index] if index < len(uppers) else burden
        due += max(0, min(burden, upper) - above) * share
    return min(half_up(due), rules.illness_cap)


def split_claim(
    policy: Policy, who: Circumstances, sums: Sums, used: Used, stays: int, aid: int, account: int
) -> Split:
    """Deductible, pool, large amounts or serious illness, aid, account, cash. `used`, `stays`, `aid`: of the year
    before this claim."""
    rules, is_stay = policy.of(who.scheme), who.kind == "inpatient"
    deductible = min(_deductible(policy, who, used, stays), sums.scope)
    base = sums.scope - deductible
    ratio = ratio_of(policy, who)
    room = min(rules.pool_cap - used.pool, rules.both_cap - used.pool - used.large)
    if not is_stay:
        room = min(room, (rules.visit_cap_retired if who.is_retired else rules.visit_cap) - used.visit_pool)
    wanted = half_up(base * ratio)
    pool = min(wanted, max(0, room))
    large = illness = 0
    if is_stay:
        if pool < wanted and rules.large_ratio:
            beyond = base - half_up(pool / ratio)
            room = max(0, rules.both_cap - used.pool - pool - used.large)
            large = min(half_up(beyond * rules.large_ratio), room)
        if rules.illness_steps:
            burden = sums.scope - pool
            illness = max(0, illness_due(rules, used.burden + burden) - used.illness)
            illness = min(illness, burden - large)
    left = sums.scope - pool - large - illness
    helped = min(half_up(left * policy.aid_share), max(0, policy.aid_cap - aid)) if who.is_assisted else 0
    personal = sums.whole - pool - large - illness - helped
    from_account = min(account, personal)
    adds = Used(
        pool=pool,
        visit_pool=0 if is_stay else pool,
        visit_deductible=0 if is_stay else deductible,
        large=large,
        illness=illness,
        burden=sums.scope - pool if is_stay else 0,
    )
    return Split(deductible, pool, large, illness, helped, from_account, personal - from_account, adds)


def _deductible(policy: Policy, who: Circumstances, used: Used, stays: int) -> int:
    rules = policy.of(who.scheme)
    if who.kind == "inpatient":
        whole = rules.stay_deductible[who.level - 1]
        return half_up(whole * policy.later_stay_share) if stays else whole
    whole = rules.visit_deductible[who.level - 1]
    return max(0, whole - used.visit_deductible) if policy.is_visit_deductible_yearly else whole


def case_payment(policy: Policy, weight: Fraction, coefficient: Fraction, cost: int) -> int:
    """By diagnosis-related group: weight × rate × coefficient; far dearer adds the excess, far cheaper is paid as it
    is."""
    value = half_up(weight * policy.case_rate * coefficient)
    if cost < value * policy.case_low:
        return cost
    return value + max(0, cost - half_up(value * policy.case_high))
