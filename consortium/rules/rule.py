"""What a rule is: a pure function from the facts of a ledger to findings, with parameters that have defaults.

A rule sees accepted claims alone: what was refused has cost nothing. It names the records, the rule and the amount, and
says what it saw in a sentence; it decides nothing. `needs` says what it must know beyond the ledger, and by that who
may run it: the lines of bills are the bureau's and the regulator's, links between pseudonyms and the diagnoses of bills
are the bureau's alone (docs/privacy.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from consortium.contracts.access import BY_BUREAU, SUPERVISORS
from consortium.core.errors import UserError
from consortium.rules.facts import Claim, Facts

LINES, LINKS, DIAGNOSES = "lines", "links", "diagnoses"  # beyond the ledger
OF_BUREAU = frozenset((LINKS, DIAGNOSES))


class Finding(NamedTuple):
    """`settlements`: keys of those that it is about; `records`: references of all that it names, bills first.
    `accused`: an institution, "" where it is about persons. `amount_fen`: what the funds paid for it, as far as the
    rule can tell."""

    rule: str
    accused: str
    settlements: tuple[str, ...]
    records: tuple[str, ...]
    amount_fen: int
    why: str


class Rule(NamedTuple):
    """`parameters`: a frozen struct that holds the defaults; `find(facts, parameters)`: the findings, whose `rule` is
    put in by `run_rule`. `needs`: what it needs beyond the ledger."""

    name: str
    sentence: str
    parameters: msgspec.Struct
    find: Callable[[Facts, Any], Iterable[Finding]]
    needs: frozenset[str] = frozenset()

    @property
    def roles(self) -> frozenset[str]:
        """Who may run it."""
        return BY_BUREAU if self.needs & OF_BUREAU else SUPERVISORS


def run_rule(rule: Rule, facts: Facts, parameters: msgspec.Struct | None = None) -> list[Finding]:
    """Its findings, in the order of their records: the same for the same facts, whoever runs it."""
    found = rule.find(facts, rule.parameters if parameters is None else parameters)
    return sorted((each._replace(rule=rule.name) for each in found), key=lambda each: (each.records, each.amount_fen))


def with_parameters(rule: Rule, values: dict[str, Any]) -> msgspec.Struct:
    """The rule's parameters with some changed. Raises UserError naming what it knows."""
    known = rule.parameters.__struct_fields__
    for name in values:
        if name not in known:
            raise UserError(f"the rule {rule.name} has no parameter {name!r}; it has {', '.join(known) or 'none'}")
    try:
        return msgspec.convert({**msgspec.to_builtins(rule.parameters), **values}, type(rule.parameters))
    except msgspec.ValidationError as error:
        raise UserError(f"a parameter of the rule {rule.name} does not fit: {error}") from None


def links_pseudonyms(facts: Facts, finding: Finding) -> bool:
    """Whether all that it names, once on the ledger, would tell that two pseudonyms are one person: what only the
    bureau may know (docs/privacy.md). Such a finding stays with its finder."""
    named = [facts.by_bill[number] for number in _named(finding, "bill") if number in facts.by_bill]
    pairs = {(facts.person_of(claim), claim.psn_no) for claim in named}
    pairs |= {(facts.insured[psn_no].person, psn_no) for psn_no in _named(finding, "person") if psn_no in facts.insured}
    return len({person for person, _ in pairs}) < len({psn_no for _, psn_no in pairs})


def _named(finding: Finding, kind: str) -> list[str]:
    parts = [record.partition("/") for record in finding.records]
    return [rest for word, _, rest in parts if word == kind]


def about(claims: Iterable[Claim], amount_fen: int, why: str, records: Iterable[str] = ()) -> Finding:
    """A finding on claims; accused is whose they are, "" where they are of several institutions."""
    named = list(claims)
    accused = {claim.fixmedins_code for claim in named}
    bills = tuple(f"bill/{claim.bill_no}" for claim in named)
    keys = tuple(claim.key for claim in named)
    return Finding("", accused.pop() if len(accused) == 1 else "", keys, (*bills, *records), amount_fen, why)


def against(one: Claim, others: Iterable[Claim], amount_fen: int, why: str) -> Finding:
    """A finding on one claim that others, perhaps of another institution, make odd."""
    records = (f"bill/{one.bill_no}", *(f"bill/{other.bill_no}" for other in others))
    return Finding("", one.fixmedins_code, (one.key,), records, amount_fen, why)
