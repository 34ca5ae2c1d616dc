"""Upcoding 高套分组: a stay is paid by a DRG group that its main diagnosis does not belong to.

What it cost too much: the share of the payment by which the group's weight is above that of the lightest group of the
diagnosis; all of it where the diagnosis belongs to none.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.core.words import mark
from consortium.rules.facts import Claim, Facts
from consortium.rules.knowledge import GROUPS, Group
from consortium.rules.related import CATEGORY
from consortium.rules.rule import DIAGNOSES, Finding, Rule, about


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`groups`: which categories of ICD-10 each DRG group is of; others are not judged."""

    groups: tuple[Group, ...] = GROUPS


def _excess_fen(facts: Facts, claim: Claim, category: str, parameters: Parameters) -> int:
    own = facts.weights.get(claim.drg_group, 0)
    fitting = [facts.weights.get(group.drg_group, 0) for group in parameters.groups if category in group.categories]
    if not own or not fitting:
        return claim.fund_fen
    return min(claim.fund_fen, claim.drg_payment_fen * max(0, own - min(fitting)) // own)


def _find(facts: Facts, parameters: Parameters) -> Iterator[Finding]:
    groups = {group.drg_group: group.categories for group in parameters.groups}
    for claim in facts.claims:
        category = facts.diagnoses.get(claim.bill_no, "")[:CATEGORY]
        wanted = groups.get(claim.drg_group)
        if category and wanted is not None and category not in wanted:
            why = f"{claim.drg_group} for a main diagnosis of {category}"
            yield about((claim,), _excess_fen(facts, claim, category, parameters), why, (f"group/{claim.drg_group}",))


RULE = Rule(
    "upcoding",
    mark("A stay was paid by a DRG group that its diagnosis does not belong to."),
    Parameters(),
    _find,
    frozenset((DIAGNOSES,)),
)
