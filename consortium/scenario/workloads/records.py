"""The workload "records": members register private records, ask each other for them, and some are erased: by the word
of their patients, whose keys an agent keeps, or by the bureau's.

Keepers are the hospitals; each record is asked for by the next one, and kept by the bureau as well where `is_copied`.
Every member that takes part hosts the role `records`.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL
from consortium.roles.agent import AgentTasks, Unwanted
from consortium.roles.patient_desk import DeskTasks
from consortium.roles.records import RecordsTasks, ToErase, ToRegister, ToRequest
from consortium.roles.work import Work
from consortium.scenario.fhir.records import Pseudonyms
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.person_years import BILL
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec


class RecordsOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`records`: of all hospitals together. The first `erased` of them are erased from `erased_at_us` on: the
    first `by_patients` by their patients' word, for whom a member plays or hosts an agent, the others by the bureau's.
    """

    records: int = 24
    size_bytes: int = 1_500
    duration_us: int = 2_000_000  # over which they are registered
    erased: int = 6
    by_patients: int = 0
    erased_at_us: int = 5_000_000
    is_copied: bool = True


class _Cast(msgspec.Struct, frozen=True):
    """Who is there; `agent`: the member that plays or hosts one, "" = none does."""

    hospitals: list[str]
    bureau: str
    agent: str


def _cast(scenario: Scenario) -> _Cast:
    """Raises ScenarioError."""
    hospitals = [spec.name for spec in scenario.members if spec.role == HOSPITAL]
    bureaus = [spec.name for spec in scenario.members if spec.role == BUREAU]
    agents = [spec.name for spec in scenario.members if "agent" in (spec.role, *spec.settings.get("hosts", ()))]
    if len(hospitals) < 2 or not bureaus:
        raise ScenarioError("the workload records needs two hospitals and a bureau")
    return _Cast(hospitals, bureaus[0], agents[0] if agents else "")


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    """Raises ScenarioError."""
    options = read_workload_options(scenario.workload.options, RecordsOptions)
    numbers = 0 <= options.by_patients <= options.erased <= options.records <= 100_000
    if not numbers or not 64 <= options.size_bytes <= 500_000:
        raise ScenarioError(
            "workload.options: expected 0 ≤ by_patients ≤ erased ≤ records ≤ 100000, and 64 ≤ size_bytes ≤ 500000"
        )
    cast, pseudonyms = _cast(scenario), Pseudonyms(pseudonym_key)
    if options.by_patients and not cast.agent:
        raise ScenarioError("the workload records needs a member that is or hosts an agent, where patients erase")
    patients = [pseudonyms.of(BILL, f"record {serial}") for serial in range(options.records)]
    tasks: dict[str, list[msgspec.Struct]] = {member.name: [] for member in scenario.members}
    for name, own in _keep_and_ask(cast, options, patients).items():
        tasks[name].append(own)
    _erase(cast, options, patients, tasks)
    return Prepared((), {name: Work(name, tuple(own)) for name, own in tasks.items() if own})


def _record_no(cast: _Cast, serial: int) -> str:
    """Hospitals keep the records in turns; a number begins with its keeper's name."""
    return f"{cast.hospitals[serial % len(cast.hospitals)]}:r-{serial:05d}"


def _keep_and_ask(cast: _Cast, options: RecordsOptions, patients: list[str]) -> dict[str, RecordsTasks]:
    """What each hospital registers, and asks of the one before."""
    registers: dict[str, list[ToRegister]] = {name: [] for name in cast.hospitals}
    requests: dict[str, list[ToRequest]] = {name: [] for name in cast.hospitals}
    others = (cast.bureau,) if options.is_copied else ()
    for serial, patient in enumerate(patients):
        number, at_us = _record_no(cast, serial), serial * options.duration_us // options.records
        keeper, asker = (cast.hospitals[(serial + step) % len(cast.hospitals)] for step in (0, 1))
        made = ToRegister(at_us, number, "report", options.size_bytes, others, patient, (asker,))
        registers[keeper].append(made)
        requests[asker].append(ToRequest(number, f"{asker}:q-{serial:05d}", "treatment"))
    return {name: RecordsTasks(tuple(registers[name]), tuple(requests[name])) for name in cast.hospitals}


def _erase(cast: _Cast, options: RecordsOptions, patients: list[str], tasks: dict[str, list[msgspec.Struct]]) -> None:
    """What the agent says for patients, whom the bureau vouches for, and what the bureau has erased itself."""
    handles = [f"record/{_record_no(cast, serial)}" for serial in range(options.erased)]
    speakers, at_us = tuple(patients[: options.by_patients]), options.erased_at_us
    by_bureau = tuple(ToErase(at_us, handle, "term-over") for handle in handles[options.by_patients :])
    tasks[cast.bureau] += [RecordsTasks(erasures=by_bureau), DeskTasks(dict.fromkeys(speakers, cast.agent))]
    if speakers:
        said = zip(handles, speakers, strict=False)
        unwanted = tuple(Unwanted(at_us, handle, patient) for handle, patient in said)
        tasks[cast.agent].append(AgentTasks(speakers, erasures=unwanted))


WORKLOAD = WorkloadSpec("records", _prepare)
