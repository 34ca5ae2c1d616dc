"""Runs of many folders as one table: what is found, what is asked, and what cannot be."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from consortium.commands.app import app
from consortium.lab import load
from consortium.lab.finished import FinishedError, ask, find_finished

MEMBERS = [{"name": f"node-{each}", "kind": "validator"} for each in range(4)] + [{"name": "desk", "kind": "client"}]
MEASURES = (("blocks", "3", "1", "heights"), ("throughput", "120.5", "tx/s", "by time"))


def make_run(folder: Path, protocol: str = "pbft", outcome: str = "holds", **figures: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "scenario.json").write_text(json.dumps({"name": "small", "protocol": protocol, "members": MEMBERS}))
    verdict = {"on": "simulator", "seed": 7, "outcome": outcome, "version": "0.1.0"}
    (folder / "verdict.json").write_text(json.dumps(verdict))
    rows = [(name, figures.get(name, value), unit, what) for name, value, unit, what in MEASURES]
    with (folder / "measures.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("name", "value", "unit", "what"), *rows])
    return folder


def make_sweep(folder: Path, seeds: tuple[int, ...]) -> Path:
    (folder / "scenarios").mkdir(parents=True)
    (folder / "plan.json").write_text(json.dumps({"version": "0.1.0"}))
    (folder / "scenarios" / "0000.json").write_text(json.dumps({"name": "swept", "members": MEMBERS[:4]}))
    with (folder / "runs.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("point", "repeat", "seed", "outcome", "throughput"))
        writer.writerows((0, number, seed, "holds", 10 * seed) for number, seed in enumerate(seeds))
    return folder


def asked(place: Path, columns: str, **how: Any) -> list[tuple[Any, ...]]:
    return ask(find_finished([place]), columns.split(","), **how).rows


def test_runs_and_sweeps_below_a_folder_are_rows(tmp_path: Path) -> None:
    make_run(tmp_path / "deep" / "one")
    make_sweep(tmp_path / "sweep", (1, 2))
    columns = "scenario,protocol,n,members,seed,throughput"
    assert asked(tmp_path, columns) == [
        ("small", "pbft", 4, 5, 7, 120.5),
        ("swept", "pbft", 4, 4, 1, 10),
        ("swept", "pbft", 4, 4, 2, 20),
    ]


def test_a_folder_that_is_named_twice_is_told_once(tmp_path: Path) -> None:
    run = make_run(tmp_path / "one")
    assert len(find_finished([tmp_path, run]).rows) == 1


def test_what_has_no_end_is_counted_and_is_no_row(tmp_path: Path) -> None:
    make_run(tmp_path / "one")
    (make_run(tmp_path / "two") / "verdict.json").unlink()
    (make_sweep(tmp_path / "sweep", (1,)) / "runs.csv").unlink()
    found = find_finished([tmp_path])
    assert (len(found.rows), found.unfinished) == (1, 2)


def test_a_condition_chooses_and_an_order_sorts(tmp_path: Path) -> None:
    make_run(tmp_path / "slow", throughput="10")
    make_run(tmp_path / "fast", protocol="hotstuff", throughput="900")
    make_run(tmp_path / "wrong", outcome="safety-failed", throughput="50")
    assert asked(tmp_path, "throughput", where="protocol = 'hotstuff'") == [(900,)]
    assert asked(tmp_path, "throughput", where="outcome = 'holds'", order="throughput DESC") == [(900,), (10,)]
    assert asked(tmp_path, "throughput", order="throughput", most=1) == [(10,)]


@pytest.mark.parametrize(
    "where", ["nonsense >", "1) ; DROP TABLE runs", "n = (SELECT load_extension('x'))", "nobody = 1"]
)
def test_a_condition_that_is_none_is_told_and_harms_nothing(tmp_path: Path, where: str) -> None:
    make_run(tmp_path / "one")
    with pytest.raises(FinishedError, match="a condition is like"):
        asked(tmp_path, "n", where=where)


def test_a_column_that_is_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    make_run(tmp_path / "one")
    with pytest.raises(FinishedError, match="did you mean 'throughput'"):
        asked(tmp_path, "troughput")


def test_the_command_lists_and_says_what_has_no_end(tmp_path: Path) -> None:
    make_run(tmp_path / "one")
    (make_run(tmp_path / "two") / "verdict.json").unlink()
    told = CliRunner().invoke(app, ["runs", str(tmp_path)], env={"COLUMNS": "200"})
    assert told.exit_code == 0
    assert "simulator" in told.output
    assert "1 of 1 runs; 1 folders have no end yet" in told.output


def test_the_command_prints_json_and_csv(tmp_path: Path) -> None:
    make_run(tmp_path / "one")
    told = CliRunner().invoke(app, ["runs", str(tmp_path), "--columns", "n,throughput", "--json"])
    assert json.loads(told.output)["runs"] == [{"n": 4, "throughput": 120.5}]
    told = CliRunner().invoke(app, ["runs", str(tmp_path), "--columns", "n,throughput", "--csv"])
    assert told.output == "n,throughput\n4,120.5\n"


def test_a_pattern_loads_all_that_match_below_one_another(tmp_path: Path) -> None:
    for name in ("a-1", "a-2", "b-1"):
        (tmp_path / f"{name}.jsonl").write_text('{"t_us":1,"node":"node-1","kind":"booted"}\n')
    frame = load(tmp_path / "a-*.jsonl", "trace")
    assert list(frame["folder"]) == [str(tmp_path / "a-1.jsonl"), str(tmp_path / "a-2.jsonl")]
