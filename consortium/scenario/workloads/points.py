"""The workload "points": stays of invented persons are paid by points of diagnoses, and a month is settled.

Needs a bureau and hospitals, which host "points". `persons`, employees all, have a stay each on 1 April 2026, at one
hospital after the other; their groups come round, and so do costs, of which some lie far off. `budget_fen`,
`value_max_fen`: of the year. `upcoded`: how many of its stays the second hospital puts into the dearest group, which
the bureau finds. The bureau settles the month in which they were grouped from `settled_at_us` on.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL
from consortium.contracts.insurance import dip, institution
from consortium.contracts.insurance.enrolment import EMPLOYEE
from consortium.contracts.insurance.lines import Line
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.roles.bureau import BureauTasks
from consortium.roles.claimant import number_of
from consortium.roles.hospital import HospitalTasks, Visit
from consortium.roles.points import PointsTasks
from consortium.roles.work import Work
from consortium.scenario.fhir.records import Pseudonyms
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.cast import playing
from consortium.scenario.workloads.claim_day_genesis import LICENCE_TO
from consortium.scenario.workloads.one_hospital import CODE, SERVICE, YEAR, hospital_calls
from consortium.scenario.workloads.person_years import BILL, SETTLEMENT, new_year
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

DAY = 20260401
GROUPS = {
    "J18-conservative": (85_324, 800_000),
    "I63-conservative": (142_650, 1_300_000),
    "K80-surgery": (210_000, 2_000_000),
}
COSTS_FEN = (800_000, 1_350_000, 1_900_000, 300_000, 1_250_000, 5_200_000)  # the fourth and the sixth lie far off
COEFFICIENTS_BP = (10_000, 10_500, 9_300)
LOW_BP, HIGH_BP = 5_000, 20_000


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    persons: int = 12
    interval_us: int = 100_000
    begins_at_us: int = 1_000_000
    budget_fen: int = 120_000_000
    value_max_fen: int = 20_000
    upcoded: int = 1
    settled_at_us: int = 12_000_000


def code_of(place: int) -> str:
    """Of the hospital at this place of the cast."""
    return CODE if place == 0 else f"H65{place + 1:02d}00"


def _group(number: int) -> str:
    return list(GROUPS)[number % len(GROUPS)]


def _visit(number: int, options: Options, houses: int, person: str, patient: str) -> Visit:
    code = code_of(number % houses)
    return Visit(
        at_us=options.begins_at_us + number * options.interval_us,
        fixmedins_code=code,
        bill_no=f"{code}-{number:04d}",
        patient=patient,
        psn_no=person,
        med_type="inpatient",
        begndate=DAY,
        enddate=DAY,
        lines=(Line(SERVICE, 1, COSTS_FEN[number % len(COSTS_FEN)]),),
    )


def _calls(hospitals: list[str], persons: list[str], options: Options) -> list[GenesisCall]:
    calls = list(hospital_calls(hospitals[0], persons))
    for place, hospital in enumerate(hospitals[1:], 1):
        code, coefficient = code_of(place), COEFFICIENTS_BP[place % len(COEFFICIENTS_BP)]
        sign = institution.Sign(code, HOSPITAL, 3, hospital, f"licence-{code}", LICENCE_TO, coefficient)
        calls.append(genesis_call("institution", "sign", sign))
    for group, (points_hundredths, mean_fen) in GROUPS.items():
        call = dip.SetGroup(group, new_year(YEAR), points_hundredths, mean_fen)
        calls.append(genesis_call("dip", "set_group", call))
    rule = dip.SetRule(EMPLOYEE, YEAR, options.budget_fen, options.value_max_fen, LOW_BP, HIGH_BP)
    return [*calls, genesis_call("dip", "set_rule", rule)]


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options = read_workload_options(scenario.workload.options, Options)
    bureau, hospitals = playing(scenario, BUREAU, "points")[0], playing(scenario, HOSPITAL, "points")
    if not 1 <= options.persons <= 1_000 or options.upcoded < 0:
        raise ScenarioError("the workload points has from 1 to 1000 persons, and no number below 0")
    pseudonyms, numbers = Pseudonyms(pseudonym_key), range(options.persons)
    persons = [pseudonyms.of(SETTLEMENT, f"{YEAR}/{number}") for number in numbers]
    patients = [pseudonyms.of(BILL, f"{YEAR}/{number}") for number in numbers]
    visits = [_visit(number, options, len(hospitals), persons[number], patients[number]) for number in numbers]
    second = [number for number in numbers if number % len(hospitals) == 1 and _group(number) != "K80-surgery"]
    wrong = second[: options.upcoded]
    groups = {number: "K80-surgery" if number in wrong else _group(number) for number in numbers}
    work = {one.name: Work(one.name) for one in scenario.members}
    for place, hospital in enumerate(hospitals):
        mine = [number for number in numbers if number % len(hospitals) == place]
        grouped = {number_of(visits[number].bill_no): groups[number] for number in mine}
        stays = HospitalTasks(tuple(visits[number] for number in mine))
        work[hospital] = Work(hospital, (stays, PointsTasks(grouped)))
    regroups = {number_of(visits[number].bill_no): _group(number) for number in wrong}
    points = PointsTasks(regroups=regroups, settles_at_us=options.settled_at_us)
    work[bureau] = Work(bureau, (BureauTasks(verifies=True), points))
    return Prepared(tuple(_calls(hospitals, persons, options)), work)


WORKLOAD = WorkloadSpec("points", _prepare)
