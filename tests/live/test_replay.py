"""A recorded run of real processes, with deaths in it, replayed into the pure host: identical, or the step is named."""

import io
import re
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from consortium.commands import replay as replaying
from consortium.core.genesis import Parameters
from consortium.ledger import sealer
from consortium.runs.folder import RunFolderError
from consortium.runs.recording import recordings
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload
from nodes.conduct.conductor import run_local
from nodes.errors import UserError
from nodes.process.inputs import load_inputs

pytestmark = pytest.mark.live

SMALL = Scenario(
    name="small",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    # small batches: on a machine that is busy elsewhere, too, there are heights enough for the faults to meet
    parameters=Parameters(idle_seal_us=200_000, timer_base_us=500_000, checkpoint_interval=8, batch_transactions_max=8),
    workload=Workload("settlement_load", {"transactions": 160, "bundle": 2, "interval_us": 50_000, "persons": 5}),
    faults=(
        Fault("kill_storm", at_height=6, options={"kills": 2, "wait_us": 100_000, "down_us": 200_000}),
        Fault("kill", "node-2", after_us=2_000_000),
        Fault("restart", "node-2", options={"disk": "empty"}),
    ),
    stop=Stop(limit_us=30_000_000),
)


def replayed(run: Path, name: str) -> tuple[int, str]:
    """Exit status, and what a person is told."""
    out = io.StringIO()
    code = replaying.replay_told(run, name, lambda: load_inputs(run, name), Console(file=out, width=200))
    return code, out.getvalue()


def test_every_node_of_a_real_run_replays_identically_over_all_its_boots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    outcome = run_local(SMALL, run, is_recorded=True)
    assert (outcome.verdict, outcome.sentence) == ("done", "")
    boots = {f"node-{index}": len(recordings(run / "nodes" / f"node-{index}")) for index in range(1, 5)}
    assert boots["node-2"] >= 2, "its last boot is with an empty disk"
    assert 4 < sum(boots.values()) <= 4 + 3, "a process that is killed while it starts has recorded nothing"
    for name, count in boots.items():
        code, told = replayed(run, name)
        assert (code, "identical" in told) == (0, True), told
        assert f"in {count} boot" in told and ", 0 blocks" not in told

    shutil.copytree(run, tmp_path / "changed")
    path = recordings(tmp_path / "changed" / "nodes" / "node-1")[0]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    code, told = replayed(tmp_path / "changed", "node-1")
    assert code == 1 and "is damaged" in told
    path.write_bytes(recordings(run / "nodes" / "node-3")[0].read_bytes())
    with pytest.raises(RunFolderError, match="recorded by node-3"):
        replayed(tmp_path / "changed", "node-1")

    monkeypatch.setattr(sealer, "RESEND_FIRST_OF_TIMER", 1_000)  # another rule than that of the run
    code, told = replayed(run, "node-3")
    assert code == 1 and "NOT IDENTICAL: at boot 1, step" in told
    assert re.search(r"given: (arrival of \w+\(\d+, |wake)", told), told  # the last vote of height 8, as a rule
    assert "put out in the run:" in told and "* wake " in told and "transmit Checkpoint(8) to all" in told

    with pytest.raises(RunFolderError, match="has no node 'node-9'; it has node-1"):
        replayed(run, "node-9")
    for path in recordings(run / "nodes" / "node-1"):
        path.write_bytes(b"")
    with pytest.raises(RunFolderError, match="holds no whole step"):
        replayed(run, "node-1")
    shutil.rmtree(run / "nodes" / "node-1" / "recording")
    with pytest.raises(RunFolderError, match="holds no recording"):
        replayed(run, "node-1")
    with pytest.raises(RunFolderError, match="is not the folder of a run"):
        replayed(tmp_path, "node-1")
    (run / "nodes" / "node-2" / "settings.json").unlink()
    with pytest.raises(UserError):
        replayed(run, "node-2")
