"""A run for profilers: every slice that begins ends, phases lie inside their height, faults stand over everything."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from consortium.commands import app as cli
from consortium.lab.perfetto import perfetto_chunks
from tests.finished_run import finished_run
from tests.page_kit import client_of


def note(t_us: int, node: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"t_us": t_us, "node": node, "kind": kind, **more}


TRACE = [
    note(0, "", "run"),
    note(5, "a", "proposed", height=1, transactions=3),
    note(9, "b", "prepared", height=1),
    note(12, "b", "committed", height=1),
    note(13, "b", "queues", pool=2, outbox=0),
    note(20, "b", "executed", height=1, transactions=3, ok=2, refused=1),
    note(30, "", "fault", act="kill", target="a"),
    note(40, "c", "view_change", view=1, why="no progress"),
]


def events(chunks: bytes) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(chunks)["traceEvents"]
    return found


def test_a_height_is_a_slice_from_its_proposal_with_its_phases_inside() -> None:
    found = events(b"".join(perfetto_chunks(TRACE, ["a", "b"])))
    slices = [(each["ph"], each["name"], each["ts"]) for each in found if each["ph"] in "be"]
    assert slices == [
        ("b", "block 1", 5),
        ("b", "prepare", 5),
        ("e", "prepare", 9),
        ("b", "commit", 9),
        ("e", "commit", 12),
        ("b", "execute", 12),
        ("e", "execute", 20),
        ("e", "block 1", 20),
    ]


def test_members_are_processes_and_faults_stand_over_all() -> None:
    found = events(b"".join(perfetto_chunks(TRACE, ["a", "b"])))
    names = {each["args"]["name"]: each["pid"] for each in found if each["name"] == "process_name"}
    assert names == {"the driver": 0, "a": 1, "b": 2, "c": 3}
    fault = next(each for each in found if each["name"].startswith("fault"))
    assert (fault["name"], fault["s"], fault["pid"], fault["ts"]) == ("fault: kill a", "g", 0, 30)
    counter = next(each for each in found if each["ph"] == "C")
    assert counter["args"] == {"pool": 2, "outbox": 0} and counter["pid"] == 2


def test_the_page_and_the_command_give_the_same_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, out = finished_run(tmp_path / "run"), tmp_path / "run.json"
    with pytest.raises(SystemExit) as left:
        cli.main(["report", str(run), "--perfetto", str(out)])
    assert not left.value.code and str(out) in capsys.readouterr().out.replace("\n", "")
    with client_of(run) as client:
        assert client.get("/page/perfetto.json").content == out.read_bytes()
    opened: dict[Any, list[str]] = defaultdict(list)
    for each in events(out.read_bytes()):
        if each["ph"] == "b":
            opened[each["id"]].append(each["name"])
        if each["ph"] == "e":
            assert opened[each["id"]].pop() == each["name"]
    assert opened and not any(opened.values())
