"""Repeat charging 重复收费: what is done once a day is charged twice, or a part is charged beside the whole that
contains it.

Bills of one person at one institution are read together: a second bill of the day, and a visit on a day of a stay. Two
departments on one day do different things; drugs that are billed one by one are no services.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.contracts.insurance.lines import Line
from consortium.core.words import mark
from consortium.rules.facts import Claim, Facts
from consortium.rules.knowledge import ONCE_A_DAY, PACKAGES, Package, PerDay
from consortium.rules.rule import LINES, Finding, Rule, about


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`once`: how often on a day; `packages`: wholes and their parts."""

    once: tuple[PerDay, ...] = ONCE_A_DAY
    packages: tuple[Package, ...] = PACKAGES


def _find(facts: Facts, parameters: Parameters) -> Iterator[Finding]:
    for claims in facts.by_person.values():
        for claim in claims:
            yield from _packages(facts, claim, parameters)
            if not claim.is_stay:
                yield from _twice(facts, claim, claims, parameters)


def _packages(facts: Facts, claim: Claim, parameters: Parameters) -> Iterator[Finding]:
    lines = facts.lines_of(claim)
    for package in parameters.packages:
        parts = [line for line in lines if line.med_list_codg.startswith(package.parts)]
        if parts and any(line.med_list_codg.startswith(package.whole) for line in lines):
            why = f"parts of {package.whole} beside it"
            yield about((claim,), min(_fen(parts), claim.fund_fen), why, (f"item/{package.whole}",))


def _twice(facts: Facts, visit: Claim, claims: tuple[Claim, ...], parameters: Parameters) -> Iterator[Finding]:
    """Of a visit: with the other visits of its day before it, and with the stay that it falls into."""
    same = [
        one for one in claims if one.fixmedins_code == visit.fixmedins_code and one.first <= visit.first <= one.last
    ]
    others = [one for one in same if one.is_stay or one.bill_no < visit.bill_no]
    for rule in parameters.once:
        own = _of(facts, visit, rule)
        counted = [(one, _of(facts, one, rule)) for one in others]
        double = [one for one, lines in counted if lines and (not one.is_stay or _count(lines) >= rule.most * one.days)]
        if own and (_count(own) > rule.most or double):
            fen = min(_fen(own), visit.fund_fen)
            yield about((visit, *double), fen, f"{rule.prefix} again on {visit.begndate}", (f"item/{rule.prefix}",))


def _of(facts: Facts, claim: Claim, rule: PerDay) -> list[Line]:
    return [line for line in facts.lines_of(claim) if line.med_list_codg.startswith(rule.prefix)]


def _count(lines: list[Line]) -> int:
    return sum(line.cnt for line in lines)


def _fen(lines: list[Line]) -> int:
    return sum(line.cnt * line.pric for line in lines)


RULE = Rule(
    "repeat_charging",
    mark("What is done once a day, or contained in another item, was charged again."),
    Parameters(),
    _find,
    frozenset((LINES,)),
)
