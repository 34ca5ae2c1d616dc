"""Split stays 分解住院: one stay is settled as two: discharged and admitted again at once, in one hospital, for one
illness."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import msgspec

from consortium.core.words import mark
from consortium.rules.facts import Facts
from consortium.rules.knowledge import CYCLES
from consortium.rules.related import is_cycle, is_related
from consortium.rules.rule import DIAGNOSES, Finding, Rule, about


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`to_days`: between discharge and admission, at most. `cycles`, `families`: as of `readmission`."""

    to_days: int = 1
    cycles: tuple[str, ...] = CYCLES
    families: tuple[tuple[str, ...], ...] = (("J15", "J18"), ("I20", "I21", "I25"))


def _find(facts: Facts, parameters: Parameters) -> Iterator[Finding]:
    for stays in facts.stays.values():
        for before, after in pairwise(stays):
            days = after.first - before.last
            if before.fixmedins_code != after.fixmedins_code or not 0 <= days <= parameters.to_days:
                continue
            if is_cycle(facts, before, parameters.cycles) or is_cycle(facts, after, parameters.cycles):
                continue
            if is_related(facts, before, after, parameters.families):
                yield about((before, after), after.fund_fen, f"one stay in two: {days} days between them")


RULE = Rule(
    "split_stays",
    mark("One stay was settled as two, one upon the other in one hospital."),
    Parameters(),
    _find,
    frozenset((DIAGNOSES,)),
)
