"""The benchmark of a ledger that grows: what it feeds is settled, and a node would go on with the ledger."""

from __future__ import annotations

from pathlib import Path

from consortium.core.membership import Epochs
from consortium.ledger.chain import Ledger
from consortium.scenario.assemble import Shared
from consortium.scenario.load import load_scenario
from nodes.process.store import SqliteRows
from scenarios import bench_ledger


def test_a_short_form_grows_a_ledger_that_boots_again(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    points = list(bench_ledger.grow(path, 1_500, 500, persons=20))
    assert [point.transactions for point in points] == [500, 1_000, 1_500]
    assert all(point.cpu_us[part] > 0 for point in points for part in ("execute", "state", "store"))
    assert points[-1].disk_bytes > 500 and points[-1].rss_mb > 10
    genesis, _ = bench_ledger.prepare_load(20)
    shared, rows = Shared.of(genesis), SqliteRows(path)
    ledger = Ledger(genesis, rows, shared.contracts, shared.bundles, Epochs((genesis.first_epoch,)))
    ledger.boot()
    assert ledger.head_height == 3
    told = [outcome for past in ledger.history() for outcome in past.outcomes if past.height]
    assert len(told) == 1_500 and all(outcome.receipt.is_ok for outcome in told)
    rows.close()


def test_as_a_scenario_it_is_a_small_one() -> None:
    scenario = load_scenario(Path(bench_ledger.__file__))
    assert scenario.name == "bench_ledger" and scenario.workload.options["transactions"] < 1_000
