"""A contract, a role and a workload from a folder outside the package, as local processes over MQTT."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from consortium.plugins.load import load_folders, unload
from consortium.runs.trace import read_trace
from consortium.scenario.find import find_scenario
from consortium.scenario.load import load_scenario
from nodes.conduct.conductor import run_local
from tests.plugins_kit import write_plugins

pytestmark = pytest.mark.live


@pytest.fixture(autouse=True)
def _nothing_stays_in_use() -> Iterator[None]:
    yield
    unload()


def test_a_contract_a_role_and_a_workload_from_outside_run_as_processes(tmp_path: Path) -> None:
    mine, run = write_plugins(tmp_path / "mine", "parking", "attendant", "permits", "car_park"), tmp_path / "run"
    load_folders([mine])
    outcome = run_local(load_scenario(find_scenario("car_park")), run)
    assert (outcome.verdict, outcome.sentence) == ("done", "")
    permits = {record["plate"] for record in read_trace(run / "trace.jsonl") if record["kind"] == "permit"}
    assert permits == {f"car-of-gate-{index}" for index in range(1, 5)}

    words = [sys.executable, "-m", "nodes", str(run), "gate-1"]
    by_hand = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert by_hand.returncode == 2 and "attendant.py, parking.py, permits.py" in by_hand.stderr
    assert by_hand.stderr.count("\n") == 1, "one sentence; nothing that lies in the run's folder was run"
