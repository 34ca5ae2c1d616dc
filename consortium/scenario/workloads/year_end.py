"""The workload "year_end": invented employees pass from 2026 to 2027, with what is left on their accounts.

Each has one stay in 2026, and the first `crossing` of them are in hospital over the New Year as well. Needs a bureau, a
hospital and a regulator, and clocks that have come to 4 January 2027 by `opens_at_us`: then the bureau registers the
persons of the new year, and at `closes_at_us` it closes the old one.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL
from consortium.contracts.insurance import enrolment, funds, institution, policy
from consortium.contracts.insurance.account_carry import ALIKE_MIN
from consortium.contracts.insurance.lines import Line
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.roles.bureau import BureauTasks, EnrolmentChange
from consortium.roles.hospital import HospitalTasks, Visit
from consortium.roles.patient_desk import DeskTasks
from consortium.roles.work import Work
from consortium.roles.year_closing import Heir, YearTasks
from consortium.scenario.fhir.records import Pseudonyms
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.claim_day_genesis import (
    ACCOUNT_PREMIUM_FEN,
    LICENCE_TO,
    OPENING_FEN,
    POOL_PREMIUM_FEN,
    pack_from,
)
from consortium.scenario.workloads.person_years import BILL, SETTLEMENT, new_year
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

YEAR = 2026
SERVICE, CODE, CHANGE = "svc-bed-day", "H650100", "new-year"
BEGAN, ENDED = 20260301, 20260310
CROSSED = (20261229, 20270104)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    persons: int = 12
    crossing: int = 2
    opens_at_us: int = 12_000_000
    closes_at_us: int = 14_000_000
    batch_max: int = 10


class _Person(msgspec.Struct, frozen=True):
    """A person's pseudonyms: for settlements and for bills, of both years."""

    old: str
    new: str
    old_bill: str
    new_bill: str


def _persons(options: Options, pseudonyms: Pseudonyms) -> list[_Person]:
    def of(purpose: str, year: int, number: int) -> str:
        return pseudonyms.of(purpose, f"{year}/{number}")

    kinds = ((SETTLEMENT, YEAR), (SETTLEMENT, YEAR + 1), (BILL, YEAR), (BILL, YEAR + 1))
    return [_Person(*(of(*kind, number) for kind in kinds)) for number in range(options.persons)]


def _period(year: int) -> enrolment.Period:
    return enrolment.Period(new_year(year), new_year(year + 1), enrolment.EMPLOYEE)


def _genesis_calls(hospital: str, persons: list[_Person]) -> list[GenesisCall]:
    calls = [genesis_call("policy", "adopt_pack", policy.AdoptPack(pack_from(new_year(YEAR))))]
    item = policy.Item(SERVICE, new_year(YEAR), "A", "service", 0)
    calls.append(genesis_call("policy", "list_items", policy.ListItems((item,))))
    for fund in funds.STANDARD_FUNDS:
        calls.append(genesis_call("funds", "open", funds.Open(fund)))
        opening = funds.Contribute(f"fund/{fund}", OPENING_FEN, "opening/genesis")
        calls.append(genesis_call("funds", "contribute", opening))
    sign = institution.Sign(CODE, HOSPITAL, 3, hospital, f"licence-{CODE}", LICENCE_TO)
    calls.append(genesis_call("institution", "sign", sign))
    for person in sorted(persons, key=lambda one: one.old):
        calls.append(genesis_call("enrolment", "register", enrolment.Register(person.old, (_period(YEAR),))))
    for number, person in enumerate(persons):  # what the year has brought to each account
        paid = (person.old, YEAR * 100 + 3, enrolment.EMPLOYEE, POOL_PREMIUM_FEN, 150_000 + 12_345 * number)
        calls.append(genesis_call("enrolment", "record_contribution", enrolment.RecordContribution(*paid)))
    return calls


def _visit(at_us: int, number: int, patient: str, psn_no: str, days: tuple[int, int]) -> Visit:
    return Visit(
        at_us=at_us,
        fixmedins_code=CODE,
        bill_no=f"{CODE}-{days[1]}-{number:04d}",
        patient=patient,
        psn_no=psn_no,
        med_type="inpatient",
        begndate=days[0],
        enddate=days[1],
        lines=(Line(SERVICE, 6, 40_000 + 1_000 * number),),
    )


def _visits(options: Options, persons: list[_Person]) -> tuple[Visit, ...]:
    """The stays of the old year; and those over the New Year, once the person is registered in the new one."""
    ordinary = [
        _visit(number * 200_000, number, person.old_bill, person.old, (BEGAN, ENDED))
        for number, person in enumerate(persons)
    ]
    crossing = [
        msgspec.structs.replace(
            _visit(options.opens_at_us, number, person.new_bill, person.new, CROSSED),
            after_change=f"{person.new}/{CHANGE}",
        )
        for number, person in enumerate(persons[: options.crossing])
    ]
    return (*ordinary, *crossing)


def _bureau_tasks(options: Options, persons: list[_Person]) -> tuple[msgspec.Struct, ...]:
    ascending = sorted(persons, key=lambda one: one.new)  # an order that tells nothing
    changes = tuple(
        EnrolmentChange(options.opens_at_us, CHANGE, one.new, (_period(YEAR + 1),), covered_before=True)
        for one in ascending
    )
    register = {one.old_bill: one.old for one in persons} | {one.new_bill: one.new for one in persons}
    heirs = tuple(Heir(one.old, one.new) for one in ascending)
    premium = (POOL_PREMIUM_FEN, ACCOUNT_PREMIUM_FEN)
    return (
        BureauTasks(changes=changes, verifies=True),
        DeskTasks(register=dict(sorted(register.items()))),
        YearTasks(options.closes_at_us, YEAR, heirs, *premium, batch_max=options.batch_max),
    )


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options = read_workload_options(scenario.workload.options, Options)
    if not ALIKE_MIN <= options.persons <= 150 or not 0 <= options.crossing <= options.persons or options.batch_max < 1:
        raise ScenarioError(
            "workload.options: expected 5 to 150 persons, of whom some are crossing, and batch_max of 1"
        )
    named = {role: [one.name for one in scenario.members if one.role == role] for role in (BUREAU, HOSPITAL)}
    for role, names in named.items():
        if not names:
            raise ScenarioError(f"the workload year_end needs a member of role {role!r}")
    (bureau, *_), (hospital, *_) = named[BUREAU], named[HOSPITAL]
    persons = _persons(options, Pseudonyms(pseudonym_key))
    tasks: dict[str, tuple[msgspec.Struct, ...]] = {member.name: () for member in scenario.members}
    tasks[hospital] = (HospitalTasks(_visits(options, persons)),)
    tasks[bureau] = _bureau_tasks(options, persons)
    work = {name: Work(name, own) for name, own in tasks.items()}
    return Prepared(tuple(_genesis_calls(hospital, persons)), work)


WORKLOAD = WorkloadSpec("year_end", _prepare)
