"""The workload "claim_day": imported records become what each organisation of a scenario has to do in one working day.

Besides the claims of the data, in the order of their source: a procurement round and the dispensing of every
prescription, premiums, and things that the ledger must refuse: bills claimed twice (also typed otherwise, also by a
stranger), packs scanned twice, visits after lapse or death. How many of each depends on the options, never on the
pseudonym key.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL, PHARMACY, REGULATOR, SUPPLIER
from consortium.contracts.checks import FOREVER
from consortium.contracts.insurance import enrolment
from consortium.contracts.insurance.lines import Line
from consortium.roles.agent import AgentTasks
from consortium.roles.bureau import BureauTasks, EnrolmentChange, Premium
from consortium.roles.hospital import HospitalTasks, SecondClaim, Visit
from consortium.roles.line_judge import JudgeTasks
from consortium.roles.patient_desk import DeskTasks
from consortium.roles.pharmacy import PharmacyTasks
from consortium.roles.work import Work
from consortium.scenario.fhir.records import ClaimRecord, Coverage, Imported, ImportFault, Pseudonyms
from consortium.scenario.find import packaged_folder
from consortium.scenario.importing.formats import import_data
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import MemberSpec, Scenario
from consortium.scenario.streams import Stream
from consortium.scenario.workloads.claim_day_dishonest import pad, swap_persons
from consortium.scenario.workloads.claim_day_genesis import (
    ACCOUNT_PREMIUM_FEN,
    POOL_PREMIUM_FEN,
    genesis_calls,
)
from consortium.scenario.workloads.claim_day_pharmacy import (
    Round,
    add_spoilt,
    forget_payments,
    institution_of,
    plan_round,
    reuse_packs,
)
from consortium.scenario.workloads.claim_day_report import (
    DayExpectation,
    DayReport,
    compute_expectation,
    day_faults,
    day_report,
)
from consortium.scenario.workloads.person_years import PersonYears
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

__all__ = ["WORKLOAD", "DayExpectation", "DayReport", "compute_expectation", "day_faults", "day_report"]

FUTURE_DAY = 20990601
_WIDE = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}  # ASCII to the full-width forms of East Asian typing


class DayOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`data`: a folder that `consortium import` reads, relative to here or to the repository. `claims_max` 0 = all."""

    data: str = "scenarios/data/synthea_40"
    claims_max: int = 0
    duration_us: int = 40_000_000  # over which visits are spread
    second_claims: int = 12  # by the institution itself
    stranger_claims: int = 4  # by another hospital
    reused_packs: int = 6
    spoilt_orders: int = 1  # prepaid orders whose goods fail inspection, go back and are refunded
    forgotten_payments: int = 0  # tenders whose orders the bureau pays when it is told that they are overdue
    lapsed: int = 2  # visits of persons whose cover had lapsed before the day
    changed: int = 4  # visits of persons who lapse, or die, by a change endorsed during the day
    future_visits: int = 0  # billed as if they had been, in 2099
    disburse_fen: int = 3_000_000
    lines_days: int = 0  # until which bureau and regulator judge the lines of a bill; 0: nobody does
    padded: int = 0  # visits whose sums a dishonest hospital raises above their lines
    swapped: int = 0  # visits that it claims as if they had been another person's


class _Cast(NamedTuple):
    """Who is there, by role, and which of them runs which institution: (kind, member, level) by code."""

    bureau: MemberSpec
    hospitals: tuple[str, ...]
    pharmacies: tuple[str, ...]
    supplier: str
    operators: dict[str, tuple[str, str, int]]


def prepare_day(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    """Raises ScenarioError and ImportFault."""
    options = read_workload_options(scenario.workload.options, DayOptions)
    for name in DayOptions.__struct_fields__[1:]:
        if not 0 <= getattr(options, name) < 1 << 40:
            raise ScenarioError(f"workload.options.{name} is {getattr(options, name)}: expected 0 or more")
    sources: dict[str, bytes] = {}
    imported = import_data(find_data(options.data), pseudonym_key, ends="unreadable", kept=sources)
    if options.claims_max:
        imported = _cut(imported, options.claims_max)
    if not imported.claims:
        raise ImportFault(f"{options.data}: no claim in it can be used; `consortium import` tells the reasons")
    return _Day(scenario, options, imported, Pseudonyms(pseudonym_key), sources).prepared()


def find_data(data: str) -> Path:
    """As it stands; or, where nothing lies there and it begins with `scenarios/`, out of what came with the package."""
    path = Path(data)
    packaged = packaged_folder() / data.removeprefix("scenarios/")
    return packaged if not path.is_dir() and packaged.is_dir() else path


def _cut(imported: Imported, claims_max: int) -> Imported:
    """The last claims of the data, and the prescriptions of their encounters."""
    claims = imported.claims[-claims_max:]
    encounters = {claim.encounter for claim in claims}
    kept = tuple(each for each in imported.prescriptions if each.encounter in encounters)
    return msgspec.structs.replace(imported, claims=claims, prescriptions=kept)


class _Day:
    """One day under construction."""

    def __init__(
        self,
        scenario: Scenario,
        options: DayOptions,
        imported: Imported,
        pseudonyms: Pseudonyms,
        sources: Mapping[str, bytes],
    ) -> None:
        self.sources = sources
        self.options = options
        self.imported = imported
        self.pseudonyms = pseudonyms
        self.hosts = [spec.name for spec in scenario.members if "agent" in spec.settings.get("hosts", ())]
        self.members = [spec.name for spec in scenario.members]
        self.judges = [spec.name for spec in scenario.members if spec.role in (BUREAU, REGULATOR)]
        self.cast = _cast(scenario, imported)
        self.jitter = Stream(scenario.seed, "claim_day", "arrivals")
        self.covers: dict[str, tuple[Coverage, ...]] = {person.person: () for person in imported.persons}
        for cover in imported.coverages:
            self.covers[cover.person] += (cover,)
        # Every tenth person is on medical assistance; the data does not tell who is poor.
        assisted = frozenset(person.person for person in imported.persons[::10])
        persons = {person.person: person for person in imported.persons}
        self.years = PersonYears(pseudonyms, persons, self.covers, assisted, sources)
        self.late_year = max(claim.served_on for claim in imported.claims) // 10_000 + 1
        self.last_claims = self._last_claims()

    def _last_claims(self) -> list[ClaimRecord]:
        """The last claim of each living person, in order of the person's first claim."""
        dead = {person.person for person in self.imported.persons if person.died_on}
        last = {claim.person: claim for claim in self.imported.claims if claim.person not in dead}
        wanted = self.options.lapsed + self.options.changed
        if len(last) < wanted:
            raise ScenarioError(f"workload.options: lapsed + changed = {wanted}, but {len(last)} living persons claim")
        return list(last.values())

    def prepared(self) -> Prepared:
        visits: dict[str, list[Visit]] = {hospital: [] for hospital in self.cast.hospitals}
        ordinary = self._visits()
        for visit in (*ordinary, *self._late_visits(), *self._future_visits()):
            visits[self.cast.operators[visit.fixmedins_code][1]].append(visit)
        second = self._second_claims(ordinary)
        round_ = self._round()
        agents = self._agents(itertools.chain.from_iterable(visits.values()), round_)
        work: dict[str, Work] = {}
        for name in self.members:
            second_claims = tuple(each for operator, each in second if operator == name)
            tasks: list[msgspec.Struct] = [HospitalTasks(tuple(visits.get(name, ())), second_claims)]
            tasks.append(PharmacyTasks(round_.orders.get(name, ()), round_.dispensings.get(name, ())))
            if name == self.cast.bureau.name:
                changes, premiums = self._changes(), self._premiums()
                disburse_fen, verifies = self.options.disburse_fen, not self.hosts
                tasks.append(BureauTasks(round_.awards, changes, premiums, disburse_fen, verifies=verifies))
                tasks.append(DeskTasks(agents, self._links()))
            if name in self.hosts:
                tasks.append(AgentTasks(tuple(agents)))
            if self.options.lines_days and name in self.judges:
                tasks.append(JudgeTasks())
            work[name] = Work(name, tuple(tasks))
        calls = genesis_calls(self.imported, self.cast.operators, self._registers(), self.options.lines_days)
        return Prepared(tuple(calls), work)

    def _agents(self, visits: Iterable[Visit], round_: Round) -> dict[str, str]:
        """Who keeps the key under which a person speaks of its bills: one agent for all."""
        dispensings = (each for some in round_.dispensings.values() for each in some)
        patients = {each.patient for some in (visits, dispensings) for each in some}
        return {patient: name for name in self.hosts[:1] for patient in sorted(patients)}

    def _registers(self) -> Iterator[enrolment.Register]:
        lapsed = {claim.person: self._lapse_day for claim in self.last_claims[: self.options.lapsed]}
        return self.years.registers(self.imported.claims[0].served_on // 10_000, self.late_year, lapsed)

    def _links(self) -> dict[str, str]:
        return self.years.links(self.imported.claims[0].served_on // 10_000, self.late_year)

    @property
    def _lapse_day(self) -> int:
        return self.late_year * 10_000 + 110

    def _visits(self) -> list[Visit]:
        spacing_us = self.options.duration_us // len(self.imported.claims)
        visits: list[Visit] = []
        for serial, claim in enumerate(self.imported.claims):
            at_us = serial * spacing_us + self.jitter.below(max(1, spacing_us))
            visits.append(self._visit(claim, at_us, claim.claim, claim.served_on))
        return self._deceived(visits)

    def _deceived(self, visits: list[Visit]) -> list[Visit]:
        """With what the last hospital does that it must not."""
        liar, operators = self.cast.hospitals[-1], self.cast.operators
        own = [at for at, visit in enumerate(visits) if operators[visit.fixmedins_code][1] == liar]
        pad(visits, own, self.options.padded)
        swap_persons(visits, own, self.options.swapped)
        return visits

    def _visit(self, claim: ClaimRecord, at_us: int, serial: str, day: int, after_change: str = "") -> Visit:
        lines = tuple(
            Line(line.code, line.quantity, line.amount_fen // line.quantity)
            if line.amount_fen % line.quantity == 0
            else Line(line.code, 1, line.amount_fen)
            for line in claim.lines
        )
        return Visit(
            at_us=at_us,
            fixmedins_code=claim.institution,
            bill_no=f"{claim.institution}-{serial}",
            patient=self.years.bill(claim.person, day),
            psn_no=self.years.settlement(claim.person, day),
            med_type=claim.setting,
            begndate=day,
            enddate=day,
            lines=lines,
            record=self.sources[claim.claim],
            after_change=after_change,
        )

    def _late_visits(self) -> list[Visit]:
        """One each in the January after the data ends, when the person's cover has lapsed or the person has died."""
        day = self.late_year * 10_000 + 115
        options = self.options
        visits: list[Visit] = []
        for serial, claim in enumerate(self.last_claims[: options.lapsed + options.changed]):
            psn_no = self.years.settlement(claim.person, day)
            after = "" if serial < options.lapsed else f"{psn_no}/{_change_id(serial)}"
            visits.append(self._visit(claim, options.duration_us // 2, f"late-{serial:03d}", day, after))
        return visits

    def _future_visits(self) -> list[Visit]:
        """Of persons who are covered without an end: in their own words they were there in June 2099."""
        covered = [claim for claim in self.last_claims if self.covers[claim.person][-1].to_day == FOREVER]
        return [
            self._visit(claim, self.options.duration_us // 2, f"future-{serial:03d}", FUTURE_DAY)
            for serial, claim in enumerate(covered[: self.options.future_visits])
        ]

    def _changes(self) -> tuple[EnrolmentChange, ...]:
        """By turns a lapse and a death, proposed in the first half of the day."""
        options, changes = self.options, []
        chosen = self.last_claims[options.lapsed : options.lapsed + options.changed]
        for serial, claim in enumerate(chosen, options.lapsed):
            is_death = (serial - options.lapsed) % 2 == 1
            psn_no = self.years.settlement(claim.person, self._lapse_day)
            changes.append(
                EnrolmentChange(
                    at_us=options.duration_us // 4,
                    change_id=_change_id(serial),
                    psn_no=psn_no,
                    periods=self.years.periods(claim.person, self.late_year, FOREVER if is_death else self._lapse_day),
                    died_on=self._lapse_day + 4 if is_death else 0,
                    commitment=self.years.commitment(claim.person, psn_no),
                    covered_before=self.years.was_covered(claim.person, self.late_year),
                )
            )
        return tuple(changes)

    def _premiums(self) -> tuple[Premium, ...]:
        """The last month of the data's last year, of everybody who was an employee then."""
        month = (self.late_year - 1) * 100 + 12
        day = month * 100 + 1
        covers = [
            cover
            for cover in self.imported.coverages
            if cover.scheme == enrolment.EMPLOYEE
            and cover.from_day <= day < cover.to_day
            and self.years.is_alive(cover.person, self.late_year - 1)
        ]
        spacing_us = self.options.duration_us // 2 // max(1, len(covers))
        insured = sorted((self.years.settlement(cover.person, day), cover.scheme) for cover in covers)
        return tuple(  # in an order that tells nothing of who is who in another year
            Premium(serial * spacing_us, psn_no, month, scheme, POOL_PREMIUM_FEN, ACCOUNT_PREMIUM_FEN)
            for serial, (psn_no, scheme) in enumerate(insured)
        )

    def _second_claims(self, visits: Sequence[Visit]) -> list[tuple[str, SecondClaim]]:
        """(member, claim): first those of the institutions themselves, each typed another way, then strangers'."""
        options = self.options
        count = options.second_claims + options.stranger_claims
        if count > len(visits):
            raise ScenarioError(f"workload.options: {count} second claims on {len(visits)} bills")
        if options.stranger_claims and len(self.cast.hospitals) < 2:
            raise ScenarioError("workload.options: stranger_claims needs a second hospital; set it to 0 or add one")
        second: list[tuple[str, SecondClaim]] = []
        for serial in range(count):
            visit = visits[(2 * serial + 1) * len(visits) // (2 * count)]
            code = visit.fixmedins_code
            if serial >= options.second_claims:
                own = self.cast.operators[code][1]
                code = next(
                    other
                    for other, (kind, member, _) in sorted(self.cast.operators.items())
                    if kind == HOSPITAL and member != own
                )
            claim = SecondClaim(
                bill_no=_typed_otherwise(visit.bill_no, serial),
                after_bill=visit.bill_no,
                psn_no=visit.psn_no,
            )
            second.append((self.cast.operators[code][1], claim))
        return second

    def _round(self) -> Round:
        if not self.cast.pharmacies:
            return Round((), {}, {})
        cast = (self.cast.pharmacies, self.cast.supplier)
        round_ = plan_round(self.imported, *cast, self.options.duration_us, self.years)
        round_ = forget_payments(add_spoilt(round_, self.options.spoilt_orders), self.options.forgotten_payments)
        return round_._replace(dispensings=reuse_packs(round_.dispensings, self.options.reused_packs))


def _cast(scenario: Scenario, imported: Imported) -> _Cast:
    """Busy and idle institutions by turns to the hospitals; one institution to each pharmacy."""
    by_role: dict[str, list[MemberSpec]] = {}
    for spec in scenario.members:
        by_role.setdefault(spec.role, []).append(spec)
    for role in (BUREAU, HOSPITAL, REGULATOR):
        if role not in by_role:
            raise ScenarioError(f"the workload claim_day needs a member of role {role!r}")
    pharmacies = tuple(spec.name for spec in by_role.get(PHARMACY, ()))
    if pharmacies and SUPPLIER not in by_role:
        raise ScenarioError("the workload claim_day needs a member of role 'supplier' where there are pharmacies")
    hospitals = tuple(spec.name for spec in by_role[HOSPITAL])
    claims: dict[str, int] = {}
    for claim in imported.claims:
        claims[claim.institution] = claims.get(claim.institution, 0) + 1
    busy_first = sorted(imported.providers, key=lambda one: (-claims.get(one.institution, 0), one.institution))
    operators: dict[str, tuple[str, str, int]] = {}
    for rank, provider in enumerate(busy_first):
        operators[provider.institution] = (HOSPITAL, hospitals[rank % len(hospitals)], provider.level)
    for pharmacy in pharmacies:
        operators[institution_of(pharmacy)] = (PHARMACY, pharmacy, 1)
    supplier = by_role[SUPPLIER][0].name if pharmacies else ""
    return _Cast(by_role[BUREAU][0], hospitals, pharmacies, supplier, operators)


def _change_id(serial: int) -> str:
    return f"change-{serial:03d}"


def _typed_otherwise(bill_no: str, serial: int) -> str:
    """The same number in capitals, full-width, with spaces, or as it was."""
    match serial % 4:
        case 0:
            return bill_no.upper()
        case 1:
            return bill_no.translate(_WIDE)
        case 2:
            return " ".join(bill_no[first : first + 8] for first in range(0, len(bill_no), 8))
        case _:
            return bill_no


WORKLOAD = WorkloadSpec("claim_day", prepare_day)
