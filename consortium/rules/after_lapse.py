"""A claim after a lapse 停保后就医: no period of the person covers the last day of service, as the ledger knows it
today.

The claim was accepted before the cover was cut. A stay that began under cover may be let run to its end.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.contracts.insurance.enrolment import Person
from consortium.core.words import mark
from consortium.rules.facts import Facts
from consortium.rules.rule import Finding, Rule, about


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`stays_run_on`: a stay that began on a covered day is covered to its end."""

    stays_run_on: bool = True


def _covers(cover: Person, day: int) -> bool:
    return any(period.from_day <= day < period.to_day for period in cover.periods)


def _find(facts: Facts, parameters: Parameters) -> Iterator[Finding]:
    for claim in facts.claims:
        cover = facts.covers.get(claim.psn_no)
        if cover is None or _covers(cover, claim.enddate) or (cover.died_on and claim.enddate > cover.died_on):
            continue
        if parameters.stays_run_on and claim.is_stay and _covers(cover, claim.begndate):
            continue
        yield about((claim,), claim.fund_fen, f"no cover on {claim.enddate}")


RULE = Rule(
    "after_lapse", mark("A service was claimed for a day that no cover of the person holds."), Parameters(), _find
)
