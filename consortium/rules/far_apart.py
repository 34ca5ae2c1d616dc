"""Far apart on one day 异地同日就医: a person is treated in two regions on one day.

A visit is in its region on its day; a stay on the days between admission and discharge, for on those two one can
travel. Regions near to each other can be reached on one day. Relatives fetch medicines: a pharmacy proves nobody's
presence.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.core.words import mark
from consortium.rules.facts import Claim, Facts
from consortium.rules.rule import Finding, Rule, against


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`near`: pairs of regions, "" the home region, that one reaches on a day. `kinds`: of institutions that a person
    visits itself."""

    near: tuple[tuple[str, str], ...] = (("", "suburb"),)
    kinds: tuple[str, ...] = ("hospital",)


def _is_there(claim: Claim, day: int) -> bool:
    if claim.is_stay and claim.last > claim.first:
        return claim.first < day < claim.last
    return claim.first <= day <= claim.last


def _is_far(facts: Facts, one: Claim, other: Claim, parameters: Parameters) -> bool:
    places = [facts.places.get(claim.fixmedins_code) for claim in (one, other)]
    if any(place is None or place.kind not in parameters.kinds for place in places):
        return False
    regions = tuple(sorted(place.region for place in places if place is not None))
    return regions[0] != regions[1] and regions not in {tuple(sorted(pair)) for pair in parameters.near}


def _find(facts: Facts, parameters: Parameters) -> Iterator[Finding]:
    for claims in facts.by_person.values():
        visits = [claim for claim in claims if not claim.is_stay]
        for visit in visits:
            for other in claims:
                is_later = not other.is_stay and other.bill_no >= visit.bill_no  # each pair of visits once
                if is_later or not _is_there(other, visit.first) or not _is_far(facts, visit, other, parameters):
                    continue
                fen = min(visit.fund_fen, other.fund_fen)
                yield against(visit, (other,), fen, f"in two regions on {visit.begndate}")


RULE = Rule("far_apart", mark("One person was treated in two regions far apart on one day."), Parameters(), _find)
