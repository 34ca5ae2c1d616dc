"""Readmission 分解/短期再入院: within 15 days of a discharge the person is admitted again for a related illness.

Cycles of chemotherapy and the like are exempt. What begins on the day of the discharge or the next, in the same
hospital, is `split_stays`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import msgspec

from consortium.core.words import mark
from consortium.rules.facts import Facts
from consortium.rules.knowledge import CYCLES
from consortium.rules.related import is_cycle, is_related
from consortium.rules.rule import DIAGNOSES, Finding, Rule, against


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`from_days`, `to_days`: between discharge and admission. `cycles`: prefixes of diagnoses that are exempt.
    `families`: categories of ICD-10 that are related beside each with itself."""

    from_days: int = 2
    to_days: int = 15
    cycles: tuple[str, ...] = CYCLES
    families: tuple[tuple[str, ...], ...] = (("J15", "J18"), ("I20", "I21", "I25"))


def _find(facts: Facts, parameters: Parameters) -> Iterator[Finding]:
    for stays in facts.stays.values():
        for before, after in pairwise(stays):
            days = after.first - before.last
            if not parameters.from_days <= days <= parameters.to_days:
                continue
            if is_cycle(facts, before, parameters.cycles) or is_cycle(facts, after, parameters.cycles):
                continue
            if is_related(facts, before, after, parameters.families):
                yield against(after, (before,), after.fund_fen, f"admitted {days} days after a discharge, related")


RULE = Rule(
    "readmission",
    mark("A person was admitted again within days of a discharge, with a related diagnosis."),
    Parameters(),
    _find,
    frozenset((DIAGNOSES,)),
)
