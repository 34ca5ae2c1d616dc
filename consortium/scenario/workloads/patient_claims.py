"""The workload "patient_claims": invented persons pay at a hospital in cash, and claim themselves, by their agent.

Needs a bureau, a hospital and a member that is an agent or hosts one. The last `mistaken` persons name the settlement
pseudonym of another: only the bureau can tell, and declines. `meddled`: how many statements each member that hosts a
meddler carries once more, and bent.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL
from consortium.contracts.insurance.lines import Line
from consortium.roles.agent import AgentTasks, CashBill
from consortium.roles.hospital import HospitalTasks, Visit
from consortium.roles.meddler import MeddlerTasks
from consortium.roles.patient_desk import DeskTasks
from consortium.roles.work import Work
from consortium.scenario.fhir.records import Pseudonyms
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.cast import playing
from consortium.scenario.workloads.one_hospital import BEGAN, CODE, ENDED, SERVICE, YEAR, hospital_calls
from consortium.scenario.workloads.person_years import BILL, SETTLEMENT
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    persons: int = 6
    mistaken: int = 1
    meddled: int = 3
    interval_us: int = 200_000


class _Cast(msgspec.Struct, frozen=True):
    """Who is there; `agent`: the member that plays or hosts one."""

    bureau: str
    hospital: str
    agent: str
    meddlers: tuple[str, ...]


def _cast(scenario: Scenario) -> _Cast:
    bureau, hospital, agent = (playing(scenario, role, "patient_claims")[0] for role in (BUREAU, HOSPITAL, "agent"))
    return _Cast(bureau, hospital, agent, tuple(playing(scenario, "meddler")))


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options = read_workload_options(scenario.workload.options, Options)
    if not 2 <= options.persons <= 1_000 or not 0 <= options.mistaken < options.persons:
        raise ScenarioError("workload.options: expected 2 to 1000 persons, of whom fewer are mistaken")
    cast, pseudonyms = _cast(scenario), Pseudonyms(pseudonym_key)
    numbers = range(options.persons)
    patients = [pseudonyms.of(BILL, f"{YEAR}/{number}") for number in numbers]
    settled = [pseudonyms.of(SETTLEMENT, f"{YEAR}/{number}") for number in numbers]
    bills = [f"{CODE}-cash-{number:04d}" for number in numbers]
    visits = tuple(
        Visit(
            at_us=number * options.interval_us,
            fixmedins_code=CODE,
            bill_no=bills[number],
            patient=patients[number],
            psn_no=settled[number],
            med_type="inpatient",
            begndate=BEGAN,
            enddate=ENDED,
            lines=(Line(SERVICE, 9, 100_000 + 100 * number),),
            is_paid=True,
        )
        for number in numbers
    )
    named = [settled[0] if number >= options.persons - options.mistaken else settled[number] for number in numbers]
    claims = tuple(CashBill(*said) for said in zip(bills, patients, named, strict=True))
    tasks: dict[str, list[msgspec.Struct]] = {member.name: [] for member in scenario.members}
    tasks[cast.hospital].append(HospitalTasks(visits))
    tasks[cast.agent].append(AgentTasks(tuple(patients), claims))
    register = dict(zip(patients, settled, strict=True))
    tasks[cast.bureau].append(DeskTasks(dict.fromkeys(patients, cast.agent), register))
    for name in cast.meddlers:
        tasks[name].append(MeddlerTasks(options.meddled))
    work = {name: Work(name, tuple(own)) for name, own in tasks.items()}
    return Prepared(tuple(hospital_calls(cast.hospital, settled)), work)


WORKLOAD = WorkloadSpec("patient_claims", _prepare)
