"""The workload "records": members register private records, ask each other for them, and the bureau has some erased.

Keepers are the hospitals; each record is asked for by the next one, and kept by the bureau as well where `is_copied`.
Every member that takes part hosts the role `records`.
"""

from __future__ import annotations

import msgspec

from consortium.contracts.access import BUREAU, HOSPITAL
from consortium.roles.records import RecordsTasks, ToErase, ToRegister, ToRequest
from consortium.roles.work import Work
from consortium.scenario.load import ScenarioError, read_workload_options
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec


class RecordsOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`records`: of all hospitals together. The first `erased` of them are erased from `erased_at_us` on."""

    records: int = 24
    size_bytes: int = 1_500
    duration_us: int = 2_000_000  # over which they are registered
    erased: int = 6
    erased_at_us: int = 5_000_000
    is_copied: bool = True


def _prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    """Raises ScenarioError."""
    options = read_workload_options(scenario.workload.options, RecordsOptions)
    if not 0 <= options.erased <= options.records <= 100_000 or not 64 <= options.size_bytes <= 500_000:
        raise ScenarioError("workload.options: expected 0 ≤ erased ≤ records ≤ 100000, and 64 ≤ size_bytes ≤ 500000")
    hospitals = [spec.name for spec in scenario.members if spec.role == HOSPITAL]
    bureaus = [spec.name for spec in scenario.members if spec.role == BUREAU]
    if len(hospitals) < 2 or not bureaus:
        raise ScenarioError("the workload records needs two hospitals and a bureau")
    registers: dict[str, list[ToRegister]] = {name: [] for name in hospitals}
    requests: dict[str, list[ToRequest]] = {name: [] for name in hospitals}
    for serial in range(options.records):
        number, keeper = f"r-{serial:05d}", hospitals[serial % len(hospitals)]
        at_us = serial * options.duration_us // max(1, options.records)
        others = tuple(bureaus[:1]) if options.is_copied else ()
        registers[keeper].append(ToRegister(at_us, number, "report", options.size_bytes, others))
        asker = hospitals[(serial + 1) % len(hospitals)]
        requests[asker].append(ToRequest(number, f"q-{serial:05d}", "treatment"))
    erasures = tuple(
        ToErase(options.erased_at_us, f"record/r-{serial:05d}", "asked-by-patient") for serial in range(options.erased)
    )
    work = {name: Work(name, (RecordsTasks(tuple(registers[name]), tuple(requests[name])),)) for name in hospitals} | {
        bureaus[0]: Work(bureaus[0], (RecordsTasks(erasures=erasures),))
    }
    return Prepared((), work)


WORKLOAD = WorkloadSpec("records", _prepare)
