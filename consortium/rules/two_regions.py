"""Enrolment in two regions 重复参保: one person is covered in two regions at once. Who moved was covered in one after
the other."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import msgspec

from consortium.contracts.insurance.enrolment import Person
from consortium.core.calendar import ordinal_of_day
from consortium.core.words import mark
from consortium.rules.facts import Facts
from consortium.rules.rule import LINKS, Finding, Rule


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`days`: from how many common days on."""

    days: int = 1


def _common_days(one: Person, other: Person) -> int:
    return sum(
        max(
            0,
            ordinal_of_day(min(first.to_day, second.to_day)) - ordinal_of_day(max(first.from_day, second.from_day)),
        )
        for first in one.periods
        for second in other.periods
    )


def _find(facts: Facts, parameters: Parameters) -> Iterator[Finding]:
    numbers: dict[str, list[str]] = {}
    for psn_no, insured in sorted(facts.insured.items()):
        if psn_no in facts.covers:
            numbers.setdefault(insured.person, []).append(psn_no)
    for person, held in numbers.items():
        for one, other in combinations(held, 2):
            regions = facts.insured[one].region, facts.insured[other].region
            days = _common_days(facts.covers[one], facts.covers[other])
            if regions[0] != regions[1] and days >= parameters.days:
                paid = [
                    sum(claim.fund_fen for claim in facts.by_person.get(person, ()) if claim.psn_no == number)
                    for number in (one, other)
                ]
                why = f"covered in two regions on {days} days"
                yield Finding("", "", (), (f"person/{one}", f"person/{other}"), min(paid), why)


RULE = Rule(
    "two_regions",
    mark("One person was covered in two regions at once."),
    Parameters(),
    _find,
    frozenset((LINKS,)),
)
