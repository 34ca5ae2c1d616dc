"""The workload "year_end": invented employees pass from 2026 to 2027, with what is left on their accounts.

Each has one stay in 2026, and the first `crossing` of them are in hospital over the New Year as well. Needs a bureau, a
hospital and a regulator, and clocks that have come to 4 January 2027 by `opens_at_us`: then the bureau registers the
persons of the new year, and at `closes_at_us` it closes the old one. The regulator endorses that the rest leaves.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL, REGULATOR
from consortium.contracts.insurance import enrolment
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
from consortium.scenario.workloads.claim_day_genesis import ACCOUNT_PREMIUM_FEN, POOL_PREMIUM_FEN
from consortium.scenario.workloads.one_hospital import BEGAN, CODE, ENDED, SERVICE, YEAR, employed, hospital_calls
from consortium.scenario.workloads.person_years import BILL, SETTLEMENT
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

CHANGE = "new-year"
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


def _genesis_calls(hospital: str, persons: list[_Person]) -> list[GenesisCall]:
    calls = list(hospital_calls(hospital, [person.old for person in persons]))
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
        EnrolmentChange(options.opens_at_us, CHANGE, one.new, (employed(YEAR + 1),), covered_before=True)
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
    named = {role: [one.name for one in scenario.members if one.role == role] for role in (BUREAU, HOSPITAL, REGULATOR)}
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
