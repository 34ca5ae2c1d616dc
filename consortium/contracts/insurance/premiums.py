"""For which months a premium must have come before a claim is settled: rules by scheme and day, which settlement reads.

Without a rule periods of enrolment alone drive cover, as under version 2 of settlement.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.insurance import enrolment
from consortium.contracts.insurance.versions import version_on
from consortium.core.contract import Refused, StateReader, Table


class PremiumRule(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Effective for services from this day on: a premium of the scheme came for the month of the service, or for one
    of the `months_back` before it. `months_back` −1: no premium is asked for."""

    from_day: int
    months_back: int


class PremiumRules(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Keyed by scheme (`insutype`), by ascending day."""

    versions: tuple[PremiumRule, ...]


PREMIUM_RULES: Table[PremiumRules] = Table("premium_rule", PremiumRules)


def check_premium(state: StateReader, psn_no: str, day: int) -> None:
    """Refuses `premium-unpaid`. Months before the year are of another pseudonym: there `covered_before` counts."""
    person = state.get(enrolment.PERSONS, psn_no)
    if person is None:
        return  # judge_terms tells
    insutype = next((one.insutype for one in person.periods if one.from_day <= day < one.to_day), "")
    rules = state.get(PREMIUM_RULES, insutype)
    rule = None if rules is None else version_on(rules.versions, day)
    if rule is None or rule.months_back < 0:
        return
    month = day // 100
    first = month - rule.months_back
    if first % 100 == 0 or first // 100 != month // 100:  # it reaches into the year before
        if person.covered_before:
            return
        first = month // 100 * 100 + 1
    for each in range(month, first - 1, -1):
        paid = state.get(enrolment.CONTRIBUTIONS, f"{psn_no}/{each}")
        if paid is not None and paid.insutype == insutype:
            return
    raise Refused("premium-unpaid", f"no premium of {psn_no} came for {first} to {month}: it covers nothing on {day}")
