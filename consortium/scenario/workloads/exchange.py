"""The workload "exchange": the first hospital keeps records about invented persons, the second wants to read them.

Needs a bureau, a regulator and two hospitals, which host "exchange", and a member that hosts "consents"; the bureau
hosts "consents" as well, for one person in nine delegates its word to it. What persons say goes in turns (`SAID`).
`data`: a JSON file of what stands in the records, a list of objects with name, address, telephone, diagnosis, therapy.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL, REGULATOR
from consortium.contracts.records.consents import ALL, ROLE
from consortium.roles.agent import AgentTasks
from consortium.roles.consents import ConsentTasks, ToConsent
from consortium.roles.exchange import ExchangeTasks, HealthRecord, ToKeep, ToWant
from consortium.roles.patient_desk import DeskTasks
from consortium.roles.work import Work
from consortium.scenario.fhir.records import Pseudonyms
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.cast import playing
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec

RECORDS = "r"  # the purpose of pseudonyms under which records are kept and consented to
YEAR, CLASS, PURPOSE = 2026, "report", "treatment"
EMERGENCIES = ("unconscious", "epidemic")  # the regulator takes the first one for an emergency
SAID = (  # what happens to every ninth person's record
    "consent",
    "consent-to-hospitals",
    "by-delegate",
    "revoked-and-erased",
    "nothing",
    "another-purpose",
    "emergency",
    "no-emergency",
    "mixed-up",
)
RASH = {"nothing": "asked", "another-purpose": "consented"}  # when their records are delivered, and may not be


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a hospital knows of a person."""

    name: str
    address: str
    telephone: str
    diagnosis: str
    therapy: str


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    persons: int = 9
    interval_us: int = 100_000
    revoked_at_us: int = 4_000_000
    data: str = ""


class _Cast(msgspec.Struct, frozen=True):
    keeper: str
    reader: str
    bureau: str
    regulator: str
    agent: str


def _cast(scenario: Scenario) -> _Cast:
    hospitals = [one.name for one in scenario.members if one.role == HOSPITAL]
    if len(hospitals) < 2:
        raise ScenarioError("the workload exchange needs two hospitals")
    bureau, regulator = (playing(scenario, role, "exchange")[0] for role in (BUREAU, REGULATOR))
    agents = [name for name in playing(scenario, "consents", "exchange") if name != bureau]
    if not agents:
        raise ScenarioError("the workload exchange needs a member beside the bureau that hosts 'consents'")
    return _Cast(hospitals[0], hospitals[1], bureau, regulator, agents[0])


def _read_contents(path: str, persons: int) -> list[Content]:
    """Raises ScenarioError."""
    if not path:
        return [
            Content(f"person {number}", f"{number} Long Road", "none", f"illness {number % 7}", "rest")
            for number in range(persons)
        ]
    try:
        found = msgspec.json.decode(Path(path).read_bytes(), type=list[Content])
    except (OSError, msgspec.MsgspecError):
        raise ScenarioError("workload.options.data: expected a JSON file with a list of records") from None
    if len(found) < persons:
        raise ScenarioError(f"workload.options.data holds {len(found)} records for {persons} persons")
    return found


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    options = read_workload_options(scenario.workload.options, Options)
    if not 1 <= options.persons <= 900:
        raise ScenarioError("workload.options: expected 1 to 900 persons")
    cast, pseudonyms = _cast(scenario), Pseudonyms(pseudonym_key)
    patients = [pseudonyms.of(RECORDS, f"{YEAR}/{number}") for number in range(options.persons)]
    contents = _read_contents(options.data, options.persons)
    keeps, wants, consents = [], [], []
    for number, patient in enumerate(patients):
        said, record_no = SAID[number % len(SAID)], f"{cast.keeper}:r-{number:04d}"
        about = patients[number - 1] if said == "mixed-up" else patient
        content = HealthRecord(record_no, about, CLASS, **msgspec.structs.asdict(contents[number]))
        keeps.append(ToKeep(number * options.interval_us, patient, content, RASH.get(said, "")))
        emergency = {"emergency": EMERGENCIES[0], "no-emergency": EMERGENCIES[1]}.get(said, "")
        wants.append(ToWant(record_no, f"{cast.reader}:q-{number:04d}", patient, PURPOSE, emergency))
        consents += _consents(said, patient, record_no, cast, options)
    tasks: dict[str, tuple[msgspec.Struct, ...]] = {
        cast.keeper: (ExchangeTasks(tuple(keeps)),),
        cast.reader: (ExchangeTasks(wants=tuple(wants)),),
        cast.regulator: (ExchangeTasks(justified=EMERGENCIES[:1]),),
        cast.agent: (
            AgentTasks(),
            ConsentTasks(tuple(patients), tuple(consents)),
        ),
        cast.bureau: (
            DeskTasks(dict.fromkeys(patients, cast.agent)),
            ConsentTasks(consents=tuple(one for one in consents if one.delegate)),
        ),
    }
    return Prepared((), {name: Work(name, own) for name, own in tasks.items()})


def _consents(said: str, patient: str, record_no: str, cast: _Cast, options: Options) -> list[ToConsent]:
    scope = (CLASS, cast.reader, PURPOSE)
    if said in ("consent", "mixed-up"):
        return [ToConsent(patient, *scope)]
    if said == "consent-to-hospitals":
        return [ToConsent(patient, ALL, f"{ROLE}{HOSPITAL}", PURPOSE)]
    if said == "by-delegate":
        return [ToConsent(patient, *scope, delegate=cast.bureau)]
    if said == "revoked-and-erased":
        erased = f"record/{record_no}"
        return [ToConsent(patient, *scope, revoked_at_us=options.revoked_at_us, erased=erased)]
    return [ToConsent(patient, CLASS, cast.reader, "research")] if said == "another-purpose" else []


WORKLOAD = WorkloadSpec("exchange", _prepare)
