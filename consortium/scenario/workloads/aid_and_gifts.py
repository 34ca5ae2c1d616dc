"""The workload "aid_and_gifts": persons with dear stays apply for aid, donors give money and goods.

Needs a bureau, a hospital and an agent, which host "aid", a finance office and a charity. The last `rich` persons have
no papers of their means, so that nobody reviews what they ask; the stays of the `small` before them leave less than the
deductible, and they appeal. The hospital is advanced money for the first person.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL
from consortium.contracts.aid.aid_payments import AdvanceUrgent
from consortium.contracts.aid.gift import Pledge
from consortium.contracts.insurance.lines import Line
from consortium.roles.agent import AgentTasks
from consortium.roles.aid import AidTasks, Applicant
from consortium.roles.bureau import BureauTasks
from consortium.roles.charity import CharityTasks
from consortium.roles.finance import FinanceTasks
from consortium.roles.hospital import HospitalTasks, Visit
from consortium.roles.patient_desk import DeskTasks
from consortium.roles.work import Work
from consortium.scenario.fhir.records import Pseudonyms
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.one_hospital import BEGAN, CODE, ENDED, SERVICE, YEAR, hospital_calls
from consortium.scenario.workloads.person_years import BILL, SETTLEMENT
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

ROLES = (BUREAU, HOSPITAL, "agent", "finance", "charity")
DEAR_FEN, SMALL_FEN = 3_000_000, 60_000  # of nine days each
ADVANCE_FEN, APPROPRIATION_FEN = 500_000, 10_000_000
NEEDS = ("low-income", "rare-disease")


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    persons: int = 5
    small: int = 1
    rich: int = 1
    interval_us: int = 300_000


def _cast(scenario: Scenario) -> dict[str, str]:
    found = {role: [one.name for one in scenario.members if one.role == role] for role in ROLES}
    for role, names in found.items():
        if not names:
            raise ScenarioError(f"the workload aid_and_gifts needs a {role!r}")
    return {role: names[0] for role, names in found.items()}


def pledges(charity: str) -> tuple[Pledge, ...]:
    """Money for anybody, money for one need, and wheelchairs."""
    return (
        Pledge(f"{charity}:G-1", "donor-1", "money", "fen", "", "", "any", 2_000_000),
        Pledge(f"{charity}:G-2", "donor-2", "money", "fen", "", "", "rare-disease", 300_000),
        Pledge(f"{charity}:G-3", "donor-3", "goods", "piece", "wheelchair", "", "any", 2),
    )


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options, cast = read_workload_options(scenario.workload.options, Options), _cast(scenario)
    if not 1 <= options.persons <= 500 or min(options.small, options.rich) < 0:
        raise ScenarioError("workload.options: expected 1 to 500 persons, and no number below 0")
    if options.small + options.rich > options.persons:
        raise ScenarioError("workload.options: more small stays and persons without papers than persons")
    pseudonyms, persons = Pseudonyms(pseudonym_key), range(options.persons)
    settled = [pseudonyms.of(SETTLEMENT, f"{YEAR}/{number}") for number in persons]
    first_rich = options.persons - options.rich
    first_small = first_rich - options.small
    visits = tuple(
        _visit(number, options, pseudonyms, SMALL_FEN if first_small <= number < first_rich else DEAR_FEN)
        for number in persons
    )
    applicants = tuple(
        Applicant(settled[number], NEEDS[number % 2], first_small <= number < first_rich) for number in persons
    )
    hospital = cast[HOSPITAL]
    advances = (AdvanceUrgent(f"{hospital}:U-1", CODE, settled[0], ADVANCE_FEN),)
    work = {
        cast[BUREAU]: (
            BureauTasks(verifies=True),
            DeskTasks(dict.fromkeys(settled, cast["agent"])),
            AidTasks(reviews=True),
        ),
        hospital: (HospitalTasks(visits), AidTasks(advances=advances, attests=True)),
        cast["agent"]: (AgentTasks(), AidTasks(applicants)),
        cast["finance"]: (FinanceTasks(tuple(settled[:first_rich]), APPROPRIATION_FEN),),
        cast["charity"]: (CharityTasks(pledges(cast["charity"])),),
    }
    tasks = {name: Work(name, own) for name, own in work.items()}
    return Prepared(tuple(hospital_calls(hospital, settled)), tasks)


def _visit(number: int, options: Options, pseudonyms: Pseudonyms, fen_a_day: int) -> Visit:
    return Visit(
        at_us=number * options.interval_us,
        fixmedins_code=CODE,
        bill_no=f"{CODE}-aid-{number:04d}",
        patient=pseudonyms.of(BILL, f"{YEAR}/{number}"),
        psn_no=pseudonyms.of(SETTLEMENT, f"{YEAR}/{number}"),
        med_type="inpatient",
        begndate=BEGAN,
        enddate=ENDED,
        lines=(Line(SERVICE, 9, fen_a_day),),
    )


WORKLOAD = WorkloadSpec("aid_and_gifts", _prepare)
