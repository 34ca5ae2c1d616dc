"""Faults of clocks, disks and moments done to real processes, and a member that joins them as a process of its own."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from consortium.core.genesis import Parameters
from consortium.lab.checks.claims import judge
from consortium.runs.folder import load_run
from consortium.runs.trace import read_trace
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload
from nodes.conduct.conductor import Outcome, run_local
from nodes.errors import EXIT_STORE, UserError
from nodes.process.inputs import load_inputs, read_known
from nodes.process.settings import NodeFolder
from nodes.process.store import SqliteRows
from tests.new_act import new_act

pytestmark = pytest.mark.live

LOAD = {"transactions": 160, "bundle": 2, "interval_us": 100_000, "persons": 5}
SMALL = Scenario(
    name="small",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    parameters=Parameters(idle_seal_us=200_000, timer_base_us=500_000),
    workload=Workload("settlement_load", LOAD),
    stop=Stop(limit_us=30_000_000),
)


def assert_holds(outcome: Outcome) -> None:
    assert (outcome.verdict, outcome.sentence) == ("done", "")
    run = load_run(outcome.folder, lambda path: SqliteRows(path, read_only=True))
    assert [verdict for verdict in judge(run) if verdict.fails] == []


def of(trace: list[dict[str, Any]], node: str, kind: str) -> list[dict[str, Any]]:
    return [record for record in trace if (record["node"], record["kind"]) == (node, kind)]


def test_a_full_disk_a_bent_clock_and_a_death_between_two_outputs_are_survived(tmp_path: Path) -> None:
    faults = (
        Fault("clock_jump", "node-1", at_us=300_000, options={"wall_us": 3_600_000_000}),
        Fault("disk_full", "node-2"),
        Fault("disk_free", "last", after_us=700_000),
        Fault("restart", "last"),
        Fault("clock_drift", "node-4", after_us=100_000, options={"monotonic_ppm": 50_000, "wall_ppm": -50_000}),
        Fault("kill", "node-3", after_us=700_000, options={"outputs": 3}),
        Fault("restart", "last", after_us=400_000),
    )
    outcome = run_local(replace(SMALL, faults=faults), tmp_path / "run")
    assert_holds(outcome)
    trace = read_trace(outcome.folder / "trace.jsonl")
    assert [record["code"] for record in of(trace, "node-2", "exited")] == [EXIT_STORE, 0]
    words = (outcome.folder / "nodes" / "node-2" / "log.txt").read_text()
    assert "the disk refuses: " in words and "Make room, start it again." in words
    assert [len(of(trace, f"node-{index}", "booted")) for index in range(1, 5)] == [1, 2, 2, 1]


def test_a_newcomer_starts_when_a_ledger_proves_it_a_member_and_who_is_removed_is_not_waited_for(
    tmp_path: Path,
) -> None:
    admit = {"by": "node-1", "at_us": 200_000, "action": "admit", "name": "newcomer"}
    admit |= {"role": "hospital", "kind": "validator"}
    remove = {"by": "node-2", "at_us": 1_200_000, "action": "remove", "name": "watcher"}
    hosts = {"hosts": ["loader", "steward"]}
    scenario = Scenario(
        name="join",
        members=(
            *(MemberSpec(f"node-{index}", "hospital", settings=hosts) for index in range(1, 5)),
            MemberSpec("watcher", "hospital", "observer", {"hosts": ["steward"]}),
            MemberSpec("newcomer", "hospital", settings={"hosts": ["steward"]}, joins=True),
        ),
        parameters=Parameters(
            checkpoint_interval=4, window=8, batch_delay_us=20_000, idle_seal_us=200_000, timer_base_us=500_000
        ),
        # slow enough that on a busy machine the newcomer has booted before the load is over
        workload=Workload("membership", {**LOAD, "interval_us": 400_000, "deeds": [admit, remove]}),
        faults=(Fault("restart", "newcomer", at_us=100_000),),
        stop=Stop(limit_us=40_000_000),
    )
    outcome = run_local(scenario, tmp_path / "run", is_recorded=True)
    assert_holds(outcome)
    trace = read_trace(outcome.folder / "trace.jsonl")
    admitted_us = max(record["t_us"] for record in of(trace, "node-2", "executed") if record["epoch"] == 0)
    booted_us = of(trace, "newcomer", "booted")[0]["t_us"]
    assert booted_us > admitted_us, "asked for before it was a member, it waits until it is one"
    assert of(trace, "newcomer", "prepared"), "it votes"
    assert of(trace, "watcher", "removed"), "the run came to its end without it"
    folder = NodeFolder(outcome.folder, "newcomer")
    genesis = load_inputs(outcome.folder, "newcomer").genesis
    assert read_known(folder, genesis, "newcomer") and read_known(folder, genesis, "node-1") == b""
    folder.members.unlink()
    with pytest.raises(UserError, match="newcomer is not in the genesis, so it needs"):
        read_known(folder, genesis, "newcomer")


def test_an_act_of_a_users_own_file_is_done_to_processes(tmp_path: Path) -> None:
    """The same file as `tests/unit/simulation/test_fault_acts.py` runs in the simulator."""
    with new_act(tmp_path):
        faults = (Fault("flicker", "node-3", at_us=300_000, options={"times": 2}),)
        outcome = run_local(replace(SMALL, faults=faults), tmp_path / "run")
        assert_holds(outcome)
    trace = read_trace(outcome.folder / "trace.jsonl")
    assert [record["times"] for record in of(trace, "node-3", "flickered")] == [2]
    assert len(of(trace, "node-3", "booted")) >= 2
