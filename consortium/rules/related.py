"""Whether two stays are for one illness, and which are of a course of treatment that comes back by plan."""

from __future__ import annotations

from consortium.rules.facts import Claim, Facts

CATEGORY = 3  # characters of an ICD-10 code: C50.1 is of C50


def is_related(facts: Facts, one: Claim, other: Claim, families: tuple[tuple[str, ...], ...]) -> bool:
    """By the categories of their main diagnoses, or by a family of categories; never where one is not known."""
    first, second = (facts.diagnoses.get(claim.bill_no, "")[:CATEGORY] for claim in (one, other))
    if not first or not second:
        return False
    return first == second or any(first in family and second in family for family in families)


def is_cycle(facts: Facts, claim: Claim, cycles: tuple[str, ...]) -> bool:
    """Chemotherapy, dialysis: the next stay is part of the plan."""
    return facts.diagnoses.get(claim.bill_no, "").startswith(cycles)
