"""Premiums that drive cover 缴费与待遇: from which day on a scheme pays only for whom a premium came, and how late.

The members decide by vote. Whether one came stands in enrolment's contributions; version 3 of settlement asks.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BY_PROVIDERS, SUPERVISORS
from consortium.contracts.checks import check_choice, check_range
from consortium.contracts.insurance.enrolment import SCHEMES
from consortium.contracts.insurance.premiums import PREMIUM_RULES, PremiumRule, PremiumRules
from consortium.contracts.insurance.versions import with_version
from consortium.core.contract import (
    GENESIS,
    VOTE,
    Context,
    Contract,
    Event,
    Operation,
    Query,
    Reader,
    Refused,
    State,
    StateReader,
)

MONTHS_BACK_MAX = 11


class SetRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For services from `from_day` on. `months_back`: how many months late a premium may be; −1: none is asked for."""

    insutype: str
    from_day: int
    months_back: int


class OfScheme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for the rules of a scheme."""

    insutype: str


def _set_rule(state: State, arguments: SetRule, context: Context) -> list[Event]:
    check_choice(arguments.insutype, SCHEMES, "insutype")
    check_range(arguments.months_back, -1, MONTHS_BACK_MAX, "months_back")
    rules = state.get(PREMIUM_RULES, arguments.insutype)
    rule = PremiumRule(arguments.from_day, arguments.months_back)
    held = () if rules is None else rules.versions
    versions = with_version(held, rule, f"the premium rule of {arguments.insutype}", context)
    state.put(PREMIUM_RULES, arguments.insutype, PremiumRules(versions))
    fields: dict[str, int | str] = {
        "insutype": arguments.insutype,
        "from_day": rule.from_day,
        "months_back": rule.months_back,
    }
    return [Event("premium-rule-set", fields)]


def _rules(state: StateReader, asked: OfScheme, reader: Reader) -> PremiumRules:
    check_choice(asked.insutype, SCHEMES, "insutype")
    rules = state.get(PREMIUM_RULES, asked.insutype)
    if rules is None:
        raise Refused("no-rule", f"no premium is asked for before {asked.insutype} care is paid")
    return rules


CONTRACT = Contract(
    "premium",
    1,
    (Operation("set_rule", SetRule, frozenset((VOTE, GENESIS)), _set_rule),),
    (Query("rules", OfScheme, BY_PROVIDERS | SUPERVISORS, _rules),),
    founding=0,
)
