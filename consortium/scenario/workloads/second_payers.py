"""The workload "second_payers": a hospital claims for invented persons, and commercial insurers pay of what is left.

Needs a bureau, a hospital, an insurer and a member that is an agent or hosts one. The settlement of the last
`corrected` persons is reversed from `corrected_at_us` on, when it was paid; the insurer declines the `declined` ones
before them.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL, INSURER
from consortium.contracts.insurance.lines import Line
from consortium.contracts.insurance.second_payer import Register
from consortium.roles.agent import AgentTasks
from consortium.roles.hospital import Correction, HospitalTasks, Visit
from consortium.roles.insurer import InsurerTasks
from consortium.roles.meddler import MeddlerTasks
from consortium.roles.patient_desk import DeskTasks
from consortium.roles.second_covers import SecondCover
from consortium.roles.work import Work
from consortium.scenario.fhir.records import Pseudonyms
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.cast import playing
from consortium.scenario.workloads.one_hospital import BEGAN, CODE, ENDED, SERVICE, YEAR, hospital_calls
from consortium.scenario.workloads.person_years import BILL, SETTLEMENT, new_year
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

DEDUCTIBLE_FEN, SCOPE_BP, BEYOND_BP, CAP_FEN = 50_000, 8_000, 5_000, 10_000_000  # of each policy


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    persons: int = 6
    declined: int = 1
    corrected: int = 1
    corrected_at_us: int = 6_000_000
    meddled: int = 3
    interval_us: int = 200_000


def _visit(number: int, patient: str, psn_no: str, options: Options) -> Visit:
    return Visit(
        at_us=number * options.interval_us,
        fixmedins_code=CODE,
        bill_no=f"{CODE}-{number:04d}",
        patient=patient,
        psn_no=psn_no,
        med_type="inpatient",
        begndate=BEGAN,
        enddate=ENDED,
        lines=(Line(SERVICE, 9, 100_000 + 100 * number),),
    )


def _policy(insurer: str, number: int, psn_no: str) -> Register:
    days = (new_year(YEAR), new_year(YEAR + 1))
    return Register(f"{insurer}:{number:04d}", psn_no, *days, DEDUCTIBLE_FEN + number, SCOPE_BP, BEYOND_BP, CAP_FEN)


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options = read_workload_options(scenario.workload.options, Options)
    if not options.declined + options.corrected < options.persons <= 1_000:
        raise ScenarioError("workload.options: expected up to 1000 persons, of whom fewer are declined or corrected")
    bureau, hospital, insurer, agent = (
        playing(scenario, role, "second_payers")[0] for role in (BUREAU, HOSPITAL, INSURER, "agent")
    )
    pseudonyms, numbers = Pseudonyms(pseudonym_key), range(options.persons)
    patients = [pseudonyms.of(BILL, f"{YEAR}/{number}") for number in numbers]
    settled = [pseudonyms.of(SETTLEMENT, f"{YEAR}/{number}") for number in numbers]
    policies = tuple(_policy(insurer, number, settled[number]) for number in numbers)
    visits = tuple(_visit(number, patients[number], settled[number], options) for number in numbers)
    wrong = options.persons - options.corrected
    corrections = tuple(Correction(options.corrected_at_us, visit.bill_no) for visit in visits[wrong:])
    declined = policies[wrong - options.declined : wrong]
    covers = tuple(SecondCover(policy.psn_no, policy.policy_no) for policy in policies)
    voices = (*patients, *settled)
    tasks: dict[str, list[msgspec.Struct]] = {member.name: [] for member in scenario.members}
    tasks[hospital].append(HospitalTasks(visits, corrections=corrections))
    tasks[agent].append(AgentTasks(voices, covers=covers))
    tasks[bureau].append(DeskTasks(dict.fromkeys(voices, agent), dict(zip(patients, settled, strict=True))))
    tasks[insurer].append(InsurerTasks(policies, {one.policy_no: "waiting-period" for one in declined}))
    for name in playing(scenario, "meddler"):
        tasks[name].append(MeddlerTasks(options.meddled))
    work = {name: Work(name, tuple(own)) for name, own in tasks.items()}
    return Prepared(tuple(hospital_calls(hospital, settled)), work)


WORKLOAD = WorkloadSpec("second_payers", _prepare)
