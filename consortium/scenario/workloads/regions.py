"""The workload "regions": invented persons are treated at home and in another region, and months come to their end.

Needs a bureau and two hospitals: the first lies in the home region, the second elsewhere. Persons come round in these
kinds, each with one stay on 1 April 2026: treated at home; away and filed; away and referred by the first hospital;
away and nothing; away, where they are at home; away, with a filing that has ended.

options: `persons`; `wrong_fen`: by how much the first hospital's books of April are wrong at first; `is_silent`:
whether the second states none; `is_closed`: whether the run waits for both months to be closed; `corrected`: how many
settlements of the first are reversed from `corrected_at_us` on.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL
from consortium.contracts.insurance import institution, offsite
from consortium.contracts.insurance.lines import Line
from consortium.core.genesis import GenesisCall, genesis_call
from consortium.roles.bureau import BureauTasks
from consortium.roles.hospital import Correction, HospitalTasks, Visit
from consortium.roles.month_books import BookTasks
from consortium.roles.work import Work
from consortium.scenario.fhir.records import Pseudonyms
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.cast import playing
from consortium.scenario.workloads.claim_day_genesis import LICENCE_TO
from consortium.scenario.workloads.one_hospital import CODE, SERVICE, YEAR, hospital_calls
from consortium.scenario.workloads.person_years import BILL, SETTLEMENT, new_year
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

AWAY, REGION = "H650200", "north"
DAY, MONTH, AFTER = 20260401, 202604, 20260501
KINDS = ("home", "filed", "referral", "unfiled", "resident", "ended")


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    persons: int = 6
    interval_us: int = 100_000
    begins_at_us: int = 1_000_000
    wrong_fen: int = 0
    is_silent: bool = False
    is_closed: bool = False
    corrected: int = 0
    corrected_at_us: int = 6_000_000


def kind_of(number: int) -> str:
    return KINDS[number % len(KINDS)]


def _visit(number: int, patient: str, psn_no: str, options: Options) -> Visit:
    code = CODE if kind_of(number) == "home" else AWAY
    return Visit(
        at_us=options.begins_at_us + number * options.interval_us,
        fixmedins_code=code,
        bill_no=f"{code}-{number:04d}",
        patient=patient,
        psn_no=psn_no,
        med_type="inpatient",
        begndate=DAY,
        enddate=DAY,
        lines=(Line(SERVICE, 10, 100_000),),
    )


def _genesis_calls(home: str, away: str, persons: list[str]) -> list[GenesisCall]:
    calls = list(hospital_calls(home, persons))
    sign = institution.Sign(AWAY, HOSPITAL, 3, away, f"licence-{AWAY}", LICENCE_TO)
    calls += [
        genesis_call("institution", "sign", sign),
        genesis_call("offsite", "place", offsite.Place(AWAY, REGION)),
    ]
    residents = [person for number, person in enumerate(persons) if kind_of(number) == "resident"]
    return calls + [genesis_call("offsite", "settle", offsite.Settle(person, REGION)) for person in residents]


def _filings(persons: list[str]) -> tuple[offsite.File, ...]:
    days = {"filed": (new_year(YEAR), new_year(YEAR + 1)), "ended": (new_year(YEAR), DAY)}
    return tuple(
        offsite.File(person, REGION, *days[kind_of(number)], "long-term-resident")
        for number, person in enumerate(persons)
        if kind_of(number) in days
    )


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options = read_workload_options(scenario.workload.options, Options)
    bureau, hospitals = playing(scenario, BUREAU, "regions")[0], playing(scenario, HOSPITAL, "regions")
    if len(hospitals) < 2 or not 1 <= options.persons <= 1_000:
        raise ScenarioError("the workload regions needs two hospitals, and from 1 to 1000 persons")
    home, away = hospitals[:2]
    pseudonyms, numbers = Pseudonyms(pseudonym_key), range(options.persons)
    persons = [pseudonyms.of(SETTLEMENT, f"{YEAR}/{number}") for number in numbers]
    patients = [pseudonyms.of(BILL, f"{YEAR}/{number}") for number in numbers]
    visits = [_visit(number, patients[number], persons[number], options) for number in numbers]
    own = {
        name: tuple(one for one in visits if one.fixmedins_code == code) for name, code in ((home, CODE), (away, AWAY))
    }
    wrong = tuple(Correction(options.corrected_at_us, one.bill_no) for one in own[home][: options.corrected])
    referrals = tuple(
        offsite.Refer(CODE, person, REGION, AFTER, "equipment")
        for number, person in enumerate(persons)
        if kind_of(number) == "referral"
    )
    errors = {f"{CODE}/{MONTH}": options.wrong_fen} if options.wrong_fen else {}
    silent = (f"{AWAY}/{MONTH}",) if options.is_silent else ()
    awaited = (f"{CODE}/{MONTH}", f"{AWAY}/{MONTH}") if options.is_closed else ()
    work = {
        bureau: Work(bureau, (BureauTasks(verifies=True, filings=_filings(persons)), BookTasks(awaited=awaited))),
        home: Work(home, (HospitalTasks(own[home], corrections=wrong, referrals=referrals), BookTasks(errors))),
        away: Work(away, (HospitalTasks(own[away]), BookTasks(silent=silent))),
    }
    others = {one.name: Work(one.name) for one in scenario.members if one.name not in work}
    return Prepared(tuple(_genesis_calls(home, away, persons)), work | others)


WORKLOAD = WorkloadSpec("regions", _prepare)
