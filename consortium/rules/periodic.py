"""The regulator's report of a period, as tables: what was claimed where, what rules find, what became of findings.

Amounts are fen. A claim is of the period of its last day of service; a finding on the ledger, an incident, of the day
on which it was reported; what rules find, of any of its claims.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from consortium.contracts.checks import FOREVER
from consortium.contracts.insurance.institution import INSTITUTIONS
from consortium.contracts.oversight.finding_records import FINDINGS
from consortium.contracts.oversight.hold import HOLDS
from consortium.contracts.oversight.incident import INCIDENTS
from consortium.core.contract import StateReader
from consortium.core.words import mark
from consortium.rules.facts import Claim, Facts
from consortium.rules.rule import Finding

END = "~"
Cell = str | int


class Period(NamedTuple):
    """Days YYYYMMDD, both within."""

    from_day: int = 0
    to_day: int = FOREVER

    def holds(self, day: int) -> bool:
        return self.from_day <= day <= self.to_day


class Table(NamedTuple):
    """`name`: of its CSV file; `title` for a person; columns that end in `_fen` are amounts."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def periodic_tables(
    state: StateReader, facts: Facts, found: Mapping[str, Sequence[Finding]], period: Period
) -> tuple[Table, ...]:
    """The tables of a report, each also where it is empty: nothing is told by leaving something out."""
    claims = [claim for claim in facts.claims if period.holds(claim.enddate)]
    keys = {claim.key for claim in claims}
    own = {
        name: [each for each in findings if not each.settlements or keys & set(each.settlements)]
        for name, findings in found.items()
    }
    return (
        _institutions(state, claims, own),
        _rules(own),
        _found(own),
        _findings(state, period),
        _holds(state),
        _incidents(state, period),
    )


def _institutions(state: StateReader, claims: Iterable[Claim], found: Mapping[str, Sequence[Finding]]) -> Table:
    held: dict[str, list[Claim]] = {code: [] for code, _ in state.range(INSTITUTIONS, "", END)}
    for claim in claims:
        held.setdefault(claim.fixmedins_code, []).append(claim)
    accused: dict[str, list[Finding]] = {}
    for findings in found.values():
        for finding in findings:
            accused.setdefault(finding.accused, []).append(finding)
    rows = tuple(
        (
            code,
            len(own),
            sum(claim.is_stay for claim in own),
            sum(claim.medfee_fen for claim in own),
            sum(claim.fund_fen for claim in own),
            len(accused.get(code, ())),
            sum(finding.amount_fen for finding in accused.get(code, ())),
        )
        for code, own in sorted(held.items())
    )
    columns = ("fixmedins_code", "claims", "stays", "medfee_fen", "fund_fen", "findings", "found_fen")
    return Table("institutions", mark("Institutions"), columns, rows)


def _rules(found: Mapping[str, Sequence[Finding]]) -> Table:
    rows = tuple((name, len(own), sum(each.amount_fen for each in own)) for name, own in sorted(found.items()))
    return Table("rules", mark("Rules"), ("rule", "findings", "amount_fen"), rows)


def _found(found: Mapping[str, Sequence[Finding]]) -> Table:
    columns = ("rule", "fixmedins_code", "amount_fen", "why", "records")
    rows = tuple(
        (name, each.accused, each.amount_fen, each.why, " ".join(each.records))
        for name, own in sorted(found.items())
        for each in own
    )
    return Table("found", mark("What the rules find"), columns, rows)


def _findings(state: StateReader, period: Period) -> Table:
    who = ("finding_no", "rule", "fixmedins_code", "member", "reported_on", "stage", "stance")
    columns = (*who, "amount_fen", "decided_fen", "recovered_fen")
    rows = tuple(
        (
            number,
            one.rule,
            one.accused,
            one.member,
            one.reported_on,
            one.stage,
            one.stance,
            one.amount_fen,
            one.decided_fen,
            one.recovered_fen,
        )
        for number, one in state.range(FINDINGS, "", END)
        if period.holds(one.reported_on)
    )
    return Table("findings", mark("Findings on the ledger"), columns, rows)


def _holds(state: StateReader) -> Table:
    rows = tuple(
        (account, one.why, one.record, one.member, one.day)
        for account, held in state.range(HOLDS, "", END)
        for one in held.holds
    )
    return Table("holds", mark("Holds that lie on accounts now"), ("account", "why", "record", "member", "day"), rows)


def _incidents(state: StateReader, period: Period) -> Table:
    columns = ("incident_no", "kind", "severity", "member", "reported_on", "stage", "affected", "told", "outcome")
    rows = tuple(
        (
            number,
            one.kind,
            one.severity,
            one.member,
            one.reported_on,
            one.stage,
            one.affected,
            " ".join(told.audience for told in one.told),
            one.outcome,
        )
        for number, one in state.range(INCIDENTS, "", END)
        if period.holds(one.reported_on)
    )
    return Table("incidents", mark("Incidents"), columns, rows)
