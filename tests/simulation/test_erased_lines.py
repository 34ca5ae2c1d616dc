"""The bureau has judged lines of bills erased: they are gone at all that had them, and what was paid stands."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec
import pytest

from consortium.lab.checks.money import stored_balances
from consortium.lab.checks.private_records import kept_handles, tombstones
from consortium.roles.records import RecordsTasks, ToErase
from consortium.roles.work import Work
from consortium.runs.run import Run
from consortium.scenario import assemble
from consortium.scenario.load import load_scenario
from consortium.scenario.scenario import Fault, MemberSpec, Scenario
from consortium.scenario.workloads.workload import Prepared, WorkloadSpec, load_workloads
from tests.simulated_runs import failures, simulated

ROOT = Path(__file__).resolve().parents[2]
AWAY = (Fault("kill", "hospital-1", at_us=9_000_000), Fault("restart", "hospital-1", after_us=6_000_000))
ERASED_AT_US = 11_000_000


def hosting(member: MemberSpec) -> MemberSpec:
    return (
        member if member.role != "bureau" else msgspec.structs.replace(member, settings={"hosts": ["agent", "records"]})
    )


def scenario_of(*faults: Fault) -> Scenario:
    scenario = load_scenario(ROOT / "scenarios" / "systems" / "private_lines.py")
    options = {**scenario.workload.options, "claims_max": 30, "padded": 1, "duration_us": 2_000_000}
    return msgspec.structs.replace(
        scenario,
        members=tuple(hosting(member) for member in scenario.members),
        workload=msgspec.structs.replace(scenario.workload, options=options),
        faults=faults,
    )


def ran(scenario: Scenario, handles: tuple[str, ...], at_us: int, patch: pytest.MonkeyPatch) -> Run:
    """The day of the scenario, in which the bureau has these records erased."""
    day = load_workloads()["claim_day"]

    def prepare(scenario: Scenario, key: bytes) -> Prepared:
        prepared = day.prepare(scenario, key)
        own = prepared.work["bureau"]
        tasks = RecordsTasks(erasures=tuple(ToErase(at_us, handle, "term-over") for handle in handles))
        return Prepared(prepared.calls, {**prepared.work, "bureau": Work("bureau", (*own.tasks, tasks))})

    patch.setattr(assemble, "load_workloads", lambda: {"claim_day": WorkloadSpec("claim_day", prepare)})
    return simulated(scenario)


@cache
def kept_without() -> tuple[dict[str, int], tuple[str, ...]]:
    """The balances of the day without any erasure, and the lines that hospital-1 keeps and the bureau has judged."""
    with pytest.MonkeyPatch.context() as patch:
        run = ran(scenario_of(), (), 0, patch)
    both = set(kept_handles(run, "hospital-1")) & set(kept_handles(run, "bureau"))
    return stored_balances(run.ledgers["regulator"]), tuple(sorted(both))


@pytest.mark.parametrize("faults", [(), AWAY], ids=["nobody away", "the issuer away"])
def test_judged_lines_are_gone_at_all_and_the_settlement_stands(
    faults: tuple[Fault, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    balances, lines = kept_without()
    wanted = lines[:5]
    run = ran(scenario_of(*faults), wanted, ERASED_AT_US, monkeypatch)
    assert failures(run) == []
    rows = run.ledgers["regulator"]
    assert tombstones(rows) == dict.fromkeys(wanted, ()), "all that may have had them have confirmed"
    assert len(wanted) == 5 and all(set(wanted).isdisjoint(kept_handles(run, name)) for name in run.vaults)
    for name in ("hospital-1", "bureau", "regulator"):
        assert set(lines[5:]) <= set(kept_handles(run, name)), "positive control: the others are there"
    assert stored_balances(rows) == balances
    for handle in wanted:
        number = handle.removeprefix("lines/")
        bill = msgspec.msgpack.decode(rows.get("state", f"bill\x00{number}".encode()) or b"")
        assert bill["settlement"] and rows.get("state", f"settlement\x00{bill['settlement']}".encode()) is not None
