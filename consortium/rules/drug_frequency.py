"""The same drug too often 超量开药: more than 4 times in a calendar month, outside of stays.

What counts are days on which it was dispensed: a drug that is billed one by one is dispensed once.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.core.words import mark
from consortium.rules.facts import Claim, Facts
from consortium.rules.rule import Finding, Rule, about


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`times`: so often is well. `exempt`: prefixes of items that are dispensed daily by rule."""

    times: int = 4
    exempt: tuple[str, ...] = ("drug-methadone",)


def _find(facts: Facts, parameters: Parameters) -> Iterator[Finding]:
    for claims in facts.by_person.values():
        taken: dict[tuple[str, int], dict[str, Claim]] = {}
        for claim in claims:
            for item, _ in () if claim.is_stay else facts.dispensed(claim):
                if not item.startswith(parameters.exempt):
                    taken.setdefault((item, claim.enddate // 100), {})[claim.bill_no] = claim
        for (item, month), bills in sorted(taken.items()):
            days = sorted({claim.enddate for claim in bills.values()})
            if len(days) <= parameters.times:
                continue
            found = sorted(bills.values(), key=lambda claim: (claim.enddate, claim.bill_no))
            fen = sum(claim.fund_fen for claim in found if claim.enddate > days[parameters.times - 1])
            yield about(found, fen, f"{item} on {len(days)} days of {month}", (f"item/{item}",))


RULE = Rule("drug_frequency", mark("One person was dispensed the same drug too often in a month."), Parameters(), _find)
