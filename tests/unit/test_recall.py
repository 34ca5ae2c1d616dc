"""A recalled lot: one command tells every holder and every sale, whoever they are and however many pages it has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consortium.commands.app import app
from consortium.commands.folders import save_ledger
from consortium.runs.folder import write_simulated
from consortium.scenario.load import load_scenario
from consortium.scenario.scenario import Workload
from consortium.scenario.workloads.recall import LOT, Options, handed
from tests.simulated_runs import sound

BENCH = load_scenario(Path(__file__).parents[2] / "scenarios" / "bench_recall.py")
OPTIONS = {"pages": 3, "institutions": 5, "kept": 2, "sold": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,500 packs, of which 1,100 went to five institutions, and ten were sold."""
    path = tmp_path_factory.mktemp("recall") / "run"
    write_simulated(path, sound(BENCH, workload=Workload("recall", OPTIONS)), save_ledger)
    return path


def told(*command: str) -> str:
    done = CliRunner().invoke(app, [*command])
    assert done.exit_code == 0, done.output
    return done.output


def test_every_holder_of_a_recalled_lot_is_told_with_its_packs_and_sales(folder: Path) -> None:
    found = json.loads(told("show", str(folder), "lot", LOT, "--json"))
    held = {one["holder"]: one for one in found["holders"]}
    assert len(held) == 6
    sold = {sale["code"] for one in held.values() for sale in one["sales"]}
    assert len(sold) == 10
    assert sum(len(one["codes"]) for one in held.values()) == 1_500 - 10
    given = [code for code, _ in handed(Options(**OPTIONS))]
    assert {holder.partition("/")[2] for holder in held} == {*given, "supplier"}


def test_the_view_of_stock_tells_the_same_by_lot(folder: Path) -> None:
    found = json.loads(told("view", str(folder), "stock", "--where", f"lot_no={LOT}", "--json"))
    rows = {row["holder"]: (row["packs"], row["units"]) for row in found["tables"]["by_lot"]}
    shown = json.loads(told("show", str(folder), "lot", LOT, "--json"))["holders"]
    assert rows == {one["holder"]: (len(one["codes"]), one["units_left"]) for one in shown}
