"""The workload "imported_bills": what a folder holds, and nothing else: its persons are enrolled, its institutions
signed, its catalogue listed, its bills claimed one after the other.

Needs a bureau and hospitals, which act for the institutions by turns. options: `data`, a folder that
`consortium import` reads; `interval_us` between two bills, in the order of their days: what one was paid is known
before the next comes.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL
from consortium.contracts.insurance import enrolment, funds, institution, offsite, policy
from consortium.contracts.insurance.lines import LINES_MAX, Line
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.roles.bureau import BureauTasks
from consortium.roles.hospital import HospitalTasks, Visit
from consortium.roles.work import Work
from consortium.scenario.fhir.records import ClaimLine, ClaimRecord, Coverage, Imported, Pseudonyms
from consortium.scenario.importing.formats import import_data
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.cast import playing
from consortium.scenario.workloads.claim_day import find_data
from consortium.scenario.workloads.claim_day_genesis import (
    LICENCE_TO,
    OPENING_FEN,
    catalogue_calls,
    fund_calls,
    pack_from,
)
from consortium.scenario.workloads.person_years import PersonYears, new_year
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    data: str = "scenarios/data/worked_cases"
    interval_us: int = 1_000_000


class _Bills:
    """What was imported, and who acts for which institution."""

    def __init__(self, options: Options, imported: Imported, hospitals: list[str], years: PersonYears) -> None:
        self._options = options
        self._imported = imported
        self._years = years
        providers = imported.providers
        self.actors = {each.institution: hospitals[at % len(hospitals)] for at, each in enumerate(providers)}
        self._first_year = imported.claims[0].served_on // 10_000
        self._last_year = imported.claims[-1].served_on // 10_000

    def calls(self) -> Iterator[GenesisCall]:
        yield from fund_calls(OPENING_FEN)
        first_day = new_year(self._first_year)
        yield genesis_call("policy", "adopt_pack", policy.AdoptPack(pack_from(first_day)))
        yield from catalogue_calls(self._imported, first_day)
        for each in self._imported.providers:
            code, actor = each.institution, self.actors[each.institution]
            sign = institution.Sign(code, HOSPITAL, each.level, actor, f"licence-{code}", LICENCE_TO)
            yield genesis_call("institution", "sign", sign)
            if each.region:
                yield genesis_call("offsite", "place", offsite.Place(code, each.region))
        for register in self._years.registers(self._first_year, self._last_year, {}):
            yield genesis_call("enrolment", "register", register)
        yield from self._accounts()

    def _accounts(self) -> Iterator[GenesisCall]:
        """What is in the accounts of the insured when the first year begins."""
        first_day = new_year(self._first_year)
        employed = {each.person for each in self._imported.coverages if each.scheme == enrolment.EMPLOYEE}
        for person in self._imported.persons:
            if person.account_fen and person.person in employed:
                account = f"person/{self._years.settlement(person.person, first_day)}"
                given = funds.Contribute(account, person.account_fen, "opening/genesis")
                yield genesis_call("funds", "contribute", given)

    def visits(self, hospital: str) -> tuple[Visit, ...]:
        return tuple(
            self._visit(place, claim)
            for place, claim in enumerate(self._imported.claims)
            if self.actors[claim.institution] == hospital
        )

    def _visit(self, place: int, claim: ClaimRecord) -> Visit:
        return Visit(
            at_us=(place + 1) * self._options.interval_us,
            fixmedins_code=claim.institution,
            bill_no=f"{claim.institution}-{claim.claim}",
            patient=self._years.bill(claim.person, claim.served_on),
            psn_no=self._years.settlement(claim.person, claim.served_on),
            med_type=claim.setting,
            begndate=claim.served_on,
            enddate=claim.served_on,
            lines=tuple(map(_line, claim.lines)),
            record=self._years.source(claim.claim),
        )


def _line(line: ClaimLine) -> Line:
    """Where the amount is no multiple of the quantity, the bill says 1 × the amount."""
    whole, rest = divmod(line.amount_fen, line.quantity)
    return Line(line.code, 1, line.amount_fen) if rest else Line(line.code, line.quantity, whole)


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options = read_workload_options(scenario.workload.options, Options)
    if not 0 < options.interval_us < 1 << 40:
        raise ScenarioError(f"workload.options.interval_us is {options.interval_us}: expected more than 0")
    sources: dict[str, bytes] = {}
    imported = import_data(find_data(options.data), pseudonym_key, ends="unreadable", kept=sources)
    if not imported.claims:
        raise ScenarioError(f"{options.data}: no bill in it can be used; `consortium import` tells the reasons")
    if any(len(claim.lines) > LINES_MAX for claim in imported.claims):
        raise ScenarioError(f"{options.data}: a bill has more than {LINES_MAX} lines; split it")
    bureau = playing(scenario, BUREAU, "imported_bills")[0]
    hospitals = playing(scenario, HOSPITAL, "imported_bills")
    bills = _Bills(options, imported, hospitals, _years(imported, pseudonym_key, sources))
    tasks: dict[str, list[msgspec.Struct]] = {member.name: [] for member in scenario.members}
    tasks[bureau].append(BureauTasks(verifies=True))
    for hospital in hospitals:
        tasks[hospital].append(HospitalTasks(bills.visits(hospital)))
    return Prepared(tuple(bills.calls()), {name: Work(name, tuple(held)) for name, held in tasks.items()})


def _years(imported: Imported, pseudonym_key: bytes, sources: dict[str, bytes]) -> PersonYears:
    """Nobody is on assistance but who the data says is."""
    covers: dict[str, tuple[Coverage, ...]] = {person.person: () for person in imported.persons}
    for cover in imported.coverages:
        covers[cover.person] += (cover,)
    persons = {person.person: person for person in imported.persons}
    return PersonYears(Pseudonyms(pseudonym_key), persons, covers, frozenset(), sources)


WORKLOAD = WorkloadSpec("imported_bills", _prepare)
