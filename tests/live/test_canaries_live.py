"""A run in real processes over an input full of canaries: by the bytes of its folder, logs and errors included."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from consortium.scenario.scenario import MemberSpec, Workload
from nodes.conduct.conductor import run_local
from nodes.process.settings import NodeFolder
from tests.canaries import Net, lay_input, make_canaries
from tests.simulation.test_canaries import SCENARIOS, scenario_over

pytestmark = pytest.mark.live

MEMBERS = (
    MemberSpec("bureau", "bureau", settings={"hosts": ["agent"]}),
    MemberSpec("hospital-1", "hospital"),
    MemberSpec("hospital-2", "hospital"),
    MemberSpec("regulator", "regulator"),
)


def test_processes_leave_no_canary_but_in_the_input_of_who_served_the_patient(tmp_path: Path) -> None:
    canaries = make_canaries()
    lay_input(SCENARIOS / "data" / "synthea_40", tmp_path / "data", canaries)
    scenario = msgspec.structs.replace(scenario_over(tmp_path / "data"), members=MEMBERS, suite="ed25519")
    options = {**scenario.workload.options, "reused_packs": 0}
    scenario = msgspec.structs.replace(
        scenario, workload=Workload("claim_day", options), faults_tolerated=1, name="canaries"
    )
    outcome = run_local(scenario, tmp_path / "run", is_recorded=True)
    assert outcome.is_done, outcome.verdict
    net = Net(canary for found in canaries.values() for canary in found)
    inputs = {name: NodeFolder(tmp_path / "run", name).work for name in ("hospital-1", "hospital-2")}
    seen = 0
    for path in sorted((tmp_path / "run").rglob("*")):
        if path.is_file() and path not in inputs.values():
            assert net.caught(path.read_bytes()) == set(), path
            seen += 1
    assert seen > 30, "logs, traces, recordings of all that came over the bus, ledgers, private stores"
    assert all(net.caught(path.read_bytes()) for path in inputs.values()), "the control: there they are"
    keys = list((tmp_path / "run").rglob("pseudonym.key"))
    assert [path.parent.parent.name for path in keys] == ["bureau"]
    key = keys[0].read_bytes()
    for path in sorted((tmp_path / "run").rglob("*")):
        if path.is_file() and path != keys[0]:
            data = path.read_bytes()
            assert key not in data and key.hex().encode() not in data, path
