"""Sex or age against the item 性别年龄不符: an item of one sex, or of an age, is charged for a person of another."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.core.words import mark
from consortium.rules.facts import Claim, Facts, Insured
from consortium.rules.knowledge import LIMITS, Limit
from consortium.rules.rule import LINES, LINKS, Finding, Rule, about


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`limits`: which items are of which sex and age, and beside what they are well."""

    limits: tuple[Limit, ...] = LIMITS


def years_on(born_on: int, day: int) -> int:
    """Whole years of age on a day."""
    return day // 10_000 - born_on // 10_000 - (day % 10_000 < born_on % 10_000)


def _breaks(limit: Limit, claim: Claim, insured: Insured) -> bool:
    if limit.sex and insured.sex and limit.sex != insured.sex:
        return True
    return insured.born_on > 0 and not limit.from_years <= years_on(insured.born_on, claim.begndate) <= limit.to_years


def _find(facts: Facts, parameters: Parameters) -> Iterator[Finding]:
    for claim in facts.claims:
        insured, lines = facts.insured.get(claim.psn_no), facts.lines_of(claim)
        if insured is None:
            continue
        for limit in parameters.limits:
            found = [line for line in lines if line.med_list_codg.startswith(limit.prefix)]
            is_saved = limit.save and any(line.med_list_codg.startswith(limit.save) for line in lines)
            if found and not is_saved and _breaks(limit, claim, insured):
                fen = min(claim.fund_fen, sum(line.cnt * line.pric for line in found))
                why = f"{limit.prefix} for a person of another sex or age"
                yield about((claim,), fen, why, (f"item/{limit.prefix}",))


RULE = Rule(
    "sex_age",
    mark("An item was charged for a person of a sex or an age that it is not for."),
    Parameters(),
    _find,
    frozenset((LINES, LINKS)),
)
