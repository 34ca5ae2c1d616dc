"""Quantity above the days 超天数收费: what is charged by the day stands on a bill more often than the service had days.

The first and the last day count, both.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.core.words import mark
from consortium.rules.facts import Facts
from consortium.rules.knowledge import PER_DAY, PerDay
from consortium.rules.rule import LINES, Finding, Rule, about


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`per_day`: items that are charged by the day, and how often on each."""

    per_day: tuple[PerDay, ...] = PER_DAY


def _find(facts: Facts, parameters: Parameters) -> Iterator[Finding]:
    for claim in facts.claims:
        for rule in parameters.per_day:
            lines = [line for line in facts.lines_of(claim) if line.med_list_codg.startswith(rule.prefix)]
            count, most = sum(line.cnt for line in lines), rule.most * claim.days
            if count > most:
                fen = (count - most) * max(line.pric for line in lines)
                why = f"{count} of {rule.prefix} in {claim.days} days"
                yield about((claim,), min(fen, claim.fund_fen), why, (f"item/{rule.prefix}",))


RULE = Rule(
    "quantity_over_days",
    mark("What is charged by the day was charged for more days than there were."),
    Parameters(),
    _find,
    frozenset((LINES,)),
)
