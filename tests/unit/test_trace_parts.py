"""A trace in parts: written, read as one, followed over its ends; and what a verdict says of parts that were let go."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consortium.commands.app import app
from consortium.commands.folders import open_ledger
from consortium.runs.folder import HANDS_FILE, load_run
from consortium.runs.trace import TraceReader, read_trace, write_trace
from consortium.runs.trace_parts import PART, LetGo, closed_parts, find_let_go
from nodes.deploy.tail import last_records
from nodes.deploy.trace_tail import TraceTail
from nodes.process.trace_file import PartPlan, TraceWriter
from tests.finished_run import finished_run

NAMES = ("bureau", "hospital-1", "hospital-2", "regulator")


def _write(path: Path, plan: PartPlan, times: range) -> None:
    writer = TraceWriter(path, path.parent.name, plan)
    for t_us in times:
        writer.add(t_us, "cost", {"more": "x" * 100})
        writer.flush()
    writer.close()


def _times(path: Path) -> list[int]:
    return [record["t_us"] for record in TraceReader(path) if record["kind"] != PART]


def test_parts_are_read_as_one_trace_and_over_boots_they_are_numbered_on(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    _write(path, PartPlan(500), range(10))
    _write(path, PartPlan(500), range(10, 20))
    assert _times(path) == list(range(20)) and len(closed_parts(path)) >= 4
    assert list(closed_parts(path)) == list(range(1, len(closed_parts(path)) + 1))
    assert max(each.stat().st_size for each in closed_parts(path).values()) < 1_000
    numbers = [record["number"] for record in TraceReader(path) if record["kind"] == PART]
    assert numbers == list(range(2, len(numbers) + 2)), "each part but the first says its number"
    assert find_let_go([path]) is None


def test_without_a_plan_nothing_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    _write(path, PartPlan(), range(50))
    assert _times(path) == list(range(50)) and not closed_parts(path)


def test_only_so_many_parts_are_kept_and_what_is_missing_is_known(tmp_path: Path) -> None:
    path = tmp_path / "bureau" / "trace.jsonl"
    path.parent.mkdir()
    _write(path, PartPlan(500, 3), range(40))
    assert len(closed_parts(path)) == 2
    times = _times(path)
    assert times == list(range(times[0], 40)) and times[0] > 20
    gone = find_let_go([path])
    assert gone == LetGo({"bureau": min(closed_parts(path)) - 1}, times[0])
    for each in closed_parts(path).values():
        each.unlink()
    only = find_let_go([path])
    assert only is not None and only.parts["bureau"] == gone.parts["bureau"] + 2, "the newest says its number itself"


def test_a_gap_between_parts_is_missing_too(tmp_path: Path) -> None:
    path = tmp_path / "bureau" / "trace.jsonl"
    path.parent.mkdir()
    _write(path, PartPlan(500), range(40))
    closed_parts(path)[3].unlink()
    assert find_let_go([path]) == LetGo({"bureau": 1}, _times(closed_parts(path)[4])[0])


def test_a_death_between_two_parts_loses_neither(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    _write(path, PartPlan(500), range(8))
    path.rename(path.with_name(f"trace.{max(closed_parts(path)) + 1:06d}.jsonl"))  # and killed before the next began
    assert _times(path) == list(range(8)) and last_records(path)[-1]["t_us"] == 7
    assert [record["t_us"] for record in read_trace(path) if record["kind"] != PART] == list(range(8))
    _write(path, PartPlan(500), range(8, 10))
    assert _times(path) == list(range(10)) and find_let_go([path]) is None


def test_a_part_that_a_full_disk_did_not_let_begin_is_begun_later(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    writer = TraceWriter(path, "n", PartPlan(100))
    shutil.move(tmp_path, moved := tmp_path.with_name("gone"))
    writer.add(1, "cost", {"more": "x" * 200})
    with pytest.raises(OSError, match="No such file"):
        writer.flush()
    shutil.move(moved, tmp_path)
    writer.add(2, "cost", {"more": "x" * 200})
    writer.close()
    assert _times(path) == [1, 2]


def test_a_tail_follows_over_the_end_of_a_part(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    tail = TraceTail(path, ("cost",))
    _write(path, PartPlan(10_000), range(3))
    assert [record["t_us"] for record in tail.read()] == [0, 1, 2]
    _write(path, PartPlan(600), range(3, 7))
    assert len(closed_parts(path)) == 2
    assert [record["t_us"] for record in tail.read()] == [3, 4, 5, 6]


# --- verdicts -------------------------------------------------------------------------------------------------------


def _standing(folder: Path, plan: PartPlan) -> Path:
    """A run made into the folder of a consortium that stands, with the nodes' own traces in parts."""
    finished_run(folder, 40)
    trace = read_trace(folder / "trace.jsonl")
    begun = [record for record in trace if record["kind"] == "run"]
    write_trace(folder / HANDS_FILE, [*begun, {"t_us": 1, "node": "", "kind": "stands", "state": "up"}])
    for name in NAMES:
        writer = TraceWriter(folder / "nodes" / name / "trace.jsonl", name, plan)
        for record in trace:
            if record["node"] == name:
                writer.add(record["t_us"], record["kind"], {k: v for k, v in record.items() if k not in _OWN})
                writer.flush()
        writer.close()
    (folder / "trace.jsonl").unlink()
    return folder


_OWN = ("t_us", "node", "kind")


@pytest.mark.parametrize("parts_kept", [0, 4])
def test_a_verdict_says_what_was_let_go_and_never_that_all_holds(tmp_path: Path, parts_kept: int) -> None:
    folder = _standing(tmp_path / "run", PartPlan(2_000, parts_kept))
    said = CliRunner().invoke(app, ["check", str(folder)])
    run = load_run(folder, open_ledger)
    if not parts_kept:
        assert said.exit_code == 0 and run.let_go is None and "were let go" not in said.output, said.output
        return
    assert said.exit_code == 0 and run.let_go is not None and set(run.let_go.parts) == set(NAMES), said.output
    assert "All that could be checked holds. Not checked: progress" in said.output
    parts = ", ".join(f"{name} {count}" for name, count in sorted(run.let_go.parts.items()))
    assert f"these parts were let go: {parts}." in said.output and "All checks hold" not in said.output
    uneven = [each for each in run.trace if each["t_us"] < run.let_go.until_us and each["kind"] == "executed"]
    assert not uneven, "no node is judged by what another one has let go"
    page = CliRunner().invoke(app, ["report", str(folder)])
    assert page.exit_code == 0 and "were let go" in (folder / "report.html").read_text()
