"""One telephone of many 一号多保: more than two insured persons with claims gave the same number."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.core.words import mark
from consortium.rules.facts import Claim, Facts
from consortium.rules.rule import LINKS, Finding, Rule


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`persons`: so many may share one."""

    persons: int = 2


def _find(facts: Facts, parameters: Parameters) -> Iterator[Finding]:
    sharing: dict[str, dict[str, list[str]]] = {}
    for psn_no, insured in sorted(facts.insured.items()):
        if insured.phone and psn_no in facts.covers:
            sharing.setdefault(insured.phone, {}).setdefault(insured.person, []).append(psn_no)
    for persons in sharing.values():
        if len(persons) > parameters.persons:
            claims: list[Claim] = [claim for person in persons for claim in facts.by_person.get(person, ())]
            records = tuple(f"person/{psn_no}" for numbers in persons.values() for psn_no in numbers)
            fen = sum(claim.fund_fen for claim in claims)
            yield Finding("", "", (), records, fen, f"{len(persons)} persons, one telephone")


RULE = Rule(
    "shared_phone",
    mark("More than two insured persons gave one telephone number."),
    Parameters(),
    _find,
    frozenset((LINKS,)),
)
