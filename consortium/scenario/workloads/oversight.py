"""The workload "oversight": two hospitals claim, and some of it breaks a rule; who finds it, who says what, who pays?

Needs a bureau and a regulator that host "inspector", and two hospitals that host "accused". Of `ordinary` stays each
hospital claims its half. Beside them the first one bills more bed days than there were, which it admits; a person of
its lies in the second at the same time, which that one denies and appeals against; it settles one stay as two, which it
can explain; and a patient of the second comes in cycles of chemotherapy, which is nothing. `late` more stays of the
second follow from `late_at_us` on, before anybody decides (`decided_at_us`): what it is owed then would be paid out.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL, REGULATOR
from consortium.contracts.insurance import institution
from consortium.contracts.insurance.lines import Line
from consortium.core.genesis import genesis_call
from consortium.roles.accused import AccusedTasks
from consortium.roles.bureau import BureauTasks
from consortium.roles.dossier import DossierTasks
from consortium.roles.hospital import HospitalTasks, Visit
from consortium.roles.inspector import InspectTasks
from consortium.roles.verdicts import VerdictTasks
from consortium.roles.work import Work
from consortium.scenario.fhir.records import Pseudonyms
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.cast import playing
from consortium.scenario.workloads.claim_day_genesis import LICENCE_TO
from consortium.scenario.workloads.one_hospital import CODE, SERVICE, YEAR, hospital_calls
from consortium.scenario.workloads.person_years import BILL, SETTLEMENT
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

OTHER = "H650200"
BED_DAY_FEN = 100_000
REGULATOR_RULES, BUREAU_RULES = ("overlapping_stays", "quantity_over_days"), ("split_stays", "readmission")
PADDED, DOUBLE, SPLIT, CYCLES, FIRST_ORDINARY = range(5)  # persons
Stay = tuple[int, str, int, int, int, str]  # person, institution, first and last day, bed days, diagnosis


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ordinary: int = 2
    late: int = 3
    interval_us: int = 100_000
    late_at_us: int = 5_000_000
    decided_at_us: int = 8_000_000
    paid_from_fen: int = 3_200_000


def _stays(options: Options) -> tuple[list[Stay], list[Stay]]:
    """Those that rules look at, and those that come later."""
    first: list[Stay] = [
        (PADDED, CODE, 20260301, 20260310, 14, "M51.2"),
        (DOUBLE, CODE, 20260301, 20260310, 10, "K80.1"),
        (DOUBLE, OTHER, 20260306, 20260312, 7, "N20.0"),
        (SPLIT, CODE, 20260301, 20260306, 6, "J18.9"),
        (SPLIT, CODE, 20260306, 20260310, 5, "J18.9"),
        (CYCLES, OTHER, 20260301, 20260303, 3, "Z51.1"),
        (CYCLES, OTHER, 20260304, 20260306, 3, "Z51.1"),
    ]
    ordinary = [_usual(FIRST_ORDINARY + place, (CODE, OTHER)[place % 2]) for place in range(options.ordinary)]
    late = [_usual(FIRST_ORDINARY + options.ordinary + place, OTHER) for place in range(options.late)]
    return first + ordinary, late


def _usual(person: int, code: str) -> Stay:
    return person, code, 20260301, 20260310, 10, f"E11.{person % 9}"


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options = read_workload_options(scenario.workload.options, Options)
    if not (0 <= options.ordinary <= 500 and 0 <= options.late <= 500):
        raise ScenarioError("workload.options: expected 0 to 500 ordinary and late stays")
    bureau, regulator = (playing(scenario, role, "oversight")[0] for role in (BUREAU, REGULATOR))
    hospitals = playing(scenario, HOSPITAL, "oversight")
    if len(hospitals) < 2:
        raise ScenarioError("the workload oversight needs two hospitals")
    pseudonyms = Pseudonyms(pseudonym_key)
    stays, late = _stays(options)
    visits = [_visit(place, stay, options.interval_us * place, pseudonyms) for place, stay in enumerate(stays)] + [
        _visit(len(stays) + place, stay, options.late_at_us + options.interval_us * place, pseudonyms)
        for place, stay in enumerate(late)
    ]
    explained = tuple(one.bill_no.lower() for one, stay in zip(visits, stays, strict=False) if stay[0] == SPLIT)
    diagnoses = {one.bill_no.lower(): stay[5] for one, stay in zip(visits, stays + late, strict=True)}
    work = {
        bureau: (
            BureauTasks(verifies=True, disburse_fen=options.paid_from_fen),
            DossierTasks(diagnoses=diagnoses),
            InspectTasks(BUREAU_RULES, claims=len(stays)),
            VerdictTasks(judges=True, recovers=True, closed=3),
        ),
        regulator: (
            InspectTasks(REGULATOR_RULES, claims=len(stays), reads=True, holds=True),
            VerdictTasks(decides=True, from_us=options.decided_at_us, explained=explained),
        ),
        hospitals[0]: (_of(visits, CODE), AccusedTasks(("quantity_over_days",), appeals=True)),
        hospitals[1]: (_of(visits, OTHER), AccusedTasks(appeals=True)),
    }
    persons = sorted({one.psn_no for one in visits})
    sign = institution.Sign(OTHER, HOSPITAL, 3, hospitals[1], f"licence-{OTHER}", LICENCE_TO)
    calls = (*hospital_calls(hospitals[0], persons), genesis_call("institution", "sign", sign))
    return Prepared(calls, {name: Work(name, tasks) for name, tasks in work.items()})


def _of(visits: list[Visit], code: str) -> HospitalTasks:
    return HospitalTasks(tuple(one for one in visits if one.fixmedins_code == code))


def _visit(place: int, stay: Stay, at_us: int, pseudonyms: Pseudonyms) -> Visit:
    person, code, begndate, enddate, beds, _ = stay
    return Visit(
        at_us=at_us,
        fixmedins_code=code,
        bill_no=f"{code}-{place:04d}",
        patient=pseudonyms.of(BILL, f"{YEAR}/{person}"),
        psn_no=pseudonyms.of(SETTLEMENT, f"{YEAR}/{person}"),
        med_type="inpatient",
        begndate=begndate,
        enddate=enddate,
        lines=(Line(SERVICE, beds, BED_DAY_FEN),),
    )


WORKLOAD = WorkloadSpec("oversight", _prepare)
