"""In real processes: a node is backed up while it runs, killed, its disk lost, restored, and started again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from consortium.commands.folders import open_ledger, open_vault
from consortium.core.genesis import Parameters
from consortium.lab.checks.claims import judge
from consortium.runs.folder import load_run
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload
from nodes.conduct.conductor import run_local
from nodes.process.backup import make_backup, restore_backup
from nodes.process.settings import NodeFolder

ME = "node-4"
SCENARIO = Scenario(
    name="restored",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    parameters=Parameters(idle_seal_us=200_000, timer_base_us=1_000_000, batch_transactions_max=8),
    workload=Workload("settlement_load", {"transactions": 400, "bundle": 2, "interval_us": 50_000, "persons": 5}),
    faults=(Fault("kill", ME, at_us=4_000_000), Fault("restart", ME, after_us=2_000_000)),
    stop=Stop(limit_us=60_000_000),
)


class Operator:
    """Backs the node up at height 20, and lays the backup in place of its disk once it was killed."""

    def __init__(self, run: Path, archive: Path) -> None:
        self.folder = NodeFolder(run, ME)
        self.archive = archive
        self.height = -1
        self.is_restored = False

    def watch(self, record: dict[str, Any]) -> None:
        if self.height < 0 and record["kind"] == "executed" and record["node"] == ME and record["height"] >= 20:
            self.height = make_backup(self.folder, self.archive).height
        if record["kind"] == "fault" and record.get("act") == "kill" and not self.is_restored:
            aside = self.folder.folder.with_name(".aside")
            self.folder.folder.rename(aside)
            restore_backup(self.archive, self.folder)
            for kept in ("trace.jsonl", "log.txt", "lock"):  # so that the run can be told from its beginning
                if (aside / kept).exists():
                    shutil.move(aside / kept, self.folder.folder / kept)
            shutil.rmtree(aside)
            self.is_restored = True


@pytest.mark.live
def test_a_node_restored_from_its_backup_catches_up_and_votes_nothing_twice(tmp_path: Path) -> None:
    operator = Operator(tmp_path / "run", tmp_path / "me.backup")
    outcome = run_local(SCENARIO, tmp_path / "run", "embedded", operator.watch)
    assert operator.is_restored and operator.height >= 15
    assert outcome.is_done, outcome.sentence
    run = load_run(outcome.folder, open_ledger, open_vault)
    assert [verdict.name for verdict in judge(run) if verdict.fails] == []
    boots = [record for record in run.trace if record["kind"] == "booted" and record["node"] == ME]
    assert len(boots) == 2
    observing = [record["kind"] for record in run.trace if record["node"] == ME and record["t_us"] >= boots[1]["t_us"]]
    assert "observing" in observing, "it knows that its disk is older"
    heads = {
        max(r["height"] for r in run.trace if r["kind"] == "executed" and r["node"] == name) for name in run.ledgers
    }
    assert len(heads) == 1 and heads.pop() > operator.height, "it is level with the others"
