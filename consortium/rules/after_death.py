"""A claim after death 死亡后就医: the last day of service lies after the day on which the person died.

The ledger refuses what it knows to be so; an accepted claim comes before the word of the death. What is done for the
dead is no claim of theirs against the rule: a certificate within some days, known by its lines or, where these are not
known, by its small amount.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.core.calendar import ordinal_of_day
from consortium.core.words import mark
from consortium.rules.facts import Claim, Facts
from consortium.rules.knowledge import CERTIFICATES
from consortium.rules.rule import Finding, Rule, about


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`certificates`: prefixes of items that are rendered after a death, within `certificate_days` of it; without lines
    a bill of at most `certificate_fen` is taken for one."""

    certificates: tuple[str, ...] = CERTIFICATES
    certificate_days: int = 7
    certificate_fen: int = 10_000


def _is_certificate(facts: Facts, claim: Claim, days: int, parameters: Parameters) -> bool:
    lines = facts.lines_of(claim)
    if days > parameters.certificate_days:
        return False
    if not lines:
        return claim.medfee_fen <= parameters.certificate_fen
    return all(line.med_list_codg.startswith(parameters.certificates) for line in lines)


def _find(facts: Facts, parameters: Parameters) -> Iterator[Finding]:
    for claim in facts.claims:
        cover = facts.covers.get(claim.psn_no)
        if cover is None or not cover.died_on or claim.enddate <= cover.died_on:
            continue
        days = claim.last - ordinal_of_day(cover.died_on)
        if not _is_certificate(facts, claim, days, parameters):
            yield about((claim,), claim.fund_fen, f"service {days} days after the day of death")


RULE = Rule("after_death", mark("A service was claimed for a day after the person's death."), Parameters(), _find)
