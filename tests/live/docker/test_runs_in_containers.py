"""Runs whose nodes are containers: the same checks, faults by the engine, and nothing is left in it."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from consortium.core.genesis import Parameters
from consortium.runs.folder import encode_scenario
from consortium.runs.trace import read_trace
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload
from nodes.conduct.conductor import run_local
from nodes.containers.engine import Engine
from nodes.containers.leftovers import CONDUCTOR_LABEL, process_mark, sweep
from nodes.containers.site import InContainers
from tests.optional import needs

pytestmark = [pytest.mark.live, needs("engine")]

SMALL = Scenario(
    name="small",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    parameters=Parameters(idle_seal_us=200_000, timer_base_us=500_000, batch_transactions_max=8),
    workload=Workload("settlement_load", {"transactions": 100, "bundle": 2, "interval_us": 50_000, "persons": 5}),
    stop=Stop(limit_us=90_000_000),
)


def told(folder: Path) -> list[dict[str, Any]]:
    return list(read_trace(folder / "trace.jsonl"))


def test_every_fault_of_the_engine_is_met_and_survived(engine: Engine, tmp_path: Path) -> None:
    """Killed, paused, taken out of the network, and the broker killed: one ledger, all work done."""
    seen: list[str] = []

    def watch(record: dict[str, Any]) -> None:
        if record["kind"] == "fault":
            names = engine.ask("network", "ls", "--filter", "label=consortium.run", "--quiet").split()
            members = json.loads(engine.ask("network", "inspect", *names))[0].get("Containers") or {}
            seen.append(f"{record['act']}: {len(members)} in the network")

    faults = (
        Fault("kill", "leader", at_height=5),
        Fault("restart", "last", after_us=500_000),
        Fault("pause", "node-2", after_us=1_000_000),
        Fault("resume", "last", after_us=1_000_000),
        Fault("partition", after_us=500_000, groups=(("node-3",),)),
        Fault("heal", after_us=1_500_000),
        Fault("broker_kill", after_us=1_000_000),
        Fault("broker_restart", after_us=300_000),
    )
    scenario = msgspec.structs.replace(SMALL, faults=faults)
    folder = tmp_path / "a run, with spaces"
    outcome = run_local(scenario, folder, "mosquitto", watch, site=InContainers())
    assert (outcome.verdict, outcome.sentence) == ("done", "")
    trace = told(folder)
    assert trace[0]["on"] == "docker"
    assert [record["act"] for record in trace if record["kind"] == "fault"] == [fault.act for fault in faults]
    assert "heal: 4 in the network" in seen, f"a member that is cut off alone is in no network: {seen}"
    assert sum(record["kind"] == "booted" for record in trace) == 5
    assert {path.stat().st_uid for path in folder.rglob("*")} == {tmp_path.stat().st_uid}
    keys = list(folder.glob("nodes/*/keys/*"))
    assert keys and all(path.stat().st_mode & 0o777 == 0o600 for path in keys)


def test_the_command_runs_checks_and_reports_as_anywhere(engine: Engine, tmp_path: Path) -> None:
    shorter = ["--set", "workload.options.duration_us=10_000_000", "--set", "workload.options.claims_max=80"]
    words = ["run", "claim_day", "--on", "docker", "--set", "faults=[]", *shorter]
    done = subprocess.run(
        [sys.executable, "-m", "consortium", *words, "--out", str(tmp_path / "run")],
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All checks hold" in done.stdout
    assert "in containers over MQTT" in (tmp_path / "run/report.html").read_text()


def conductor_of(tmp_path: Path) -> subprocess.Popen[str]:
    """Another process that conducts a run in containers, with the run under way."""
    (tmp_path / "s.json").write_bytes(encode_scenario(msgspec.structs.replace(SMALL, stop=Stop(when_done=False))))
    words = ["run", str(tmp_path / "s.json"), "--on", "docker", "--out", str(tmp_path / "run")]
    process = subprocess.Popen(
        [sys.executable, "-m", "consortium", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    deadline = time.monotonic() + 60
    while not any(path.stat().st_size for path in tmp_path.glob("run/nodes/*/trace.jsonl")):
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()[0]
        time.sleep(0.2)
    return process


def test_ctrl_c_leaves_a_readable_folder_and_nothing_in_the_engine(
    engine: Engine, tmp_path: Path, ctrl_c: None
) -> None:
    process = conductor_of(tmp_path)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert any(record["kind"] == "executed" for record in told(tmp_path / "run"))


def test_what_a_killed_conductor_left_is_removed_at_the_next_start(engine: Engine, tmp_path: Path) -> None:
    process = conductor_of(tmp_path)
    mark = f"{CONDUCTOR_LABEL}={process_mark(process.pid)}"
    assert len(engine.labelled("container", mark)) == 5, "four nodes and their broker"
    process.kill()
    process.communicate()
    sweep(engine)  # as whoever starts next does
    assert engine.labelled("container", mark) == engine.labelled("network", mark) == []
