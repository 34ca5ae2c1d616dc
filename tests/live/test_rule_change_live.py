"""Real processes change a rule in the middle of a run: who was away catches up, an older program stops."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from consortium.contracts import load_contracts
from consortium.lab.checks.claims import judge
from consortium.ledger.verify import verify_ledger
from consortium.protocols import load_protocols
from consortium.runs.folder import load_run
from consortium.runs.trace import read_trace
from consortium.scenario.load import load_scenario
from nodes.conduct.conductor import run_local
from nodes.errors import EXIT_USAGE
from nodes.process.store import SqliteRows

pytestmark = [pytest.mark.live, pytest.mark.nightly]
ROOT = Path(__file__).resolve().parents[2]


def test_real_nodes_change_a_rule_and_the_one_without_it_says_so(tmp_path: Path) -> None:
    scenario = load_scenario(ROOT / "scenarios" / "systems" / "rule_change.py")
    options = {**scenario.workload.options, "persons": 12, "interval_us": 150_000}
    outcome = run_local(replace(scenario, workload=replace(scenario.workload, options=options)), tmp_path / "run")
    assert (outcome.verdict, outcome.sentence) == ("done", "")
    run = load_run(outcome.folder, lambda path: SqliteRows(path, read_only=True))
    assert [verdict for verdict in judge(run) if verdict.fails] == []
    trace = read_trace(outcome.folder / "trace.jsonl")
    begun = {record["node"]: record["height"] for record in trace if record["kind"] == "rules"}
    assert set(begun) == {f"hospital-{index}" for index in range(1, 5)}
    (first,) = set(begun.values())
    (left,) = [record for record in trace if record["kind"] == "exited" and record["code"] == EXIT_USAGE]
    assert left["node"] == "archive" and left["why"].startswith(f"from height {first} on version 2 of contract")
    log = (outcome.folder / "nodes" / "archive" / "log.txt").read_text(encoding="utf-8")
    assert "WARNING node: the members voted for a rule that this program lacks: from height" in log
    assert "Traceback" not in log
    protocol, contracts = load_protocols()[run.genesis.protocol], load_contracts()
    heads: dict[str, int] = {}
    for name in run.ledgers:
        rows = SqliteRows(outcome.folder / "nodes" / name / "ledger.sqlite", read_only=True)
        heads[name] = verify_ledger(run.genesis, rows, contracts, protocol).height
        rows.close()
    assert heads["archive"] == first - 1 and heads["hospital-4"] == heads["hospital-1"] > first
