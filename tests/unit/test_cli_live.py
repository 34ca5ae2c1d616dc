from __future__ import annotations

import io
import sys
from pathlib import Path

from rich.console import Console

from consortium.live import Progress, draw, watching

sys.path.insert(0, str(Path(__file__).parent / "lab"))

from made_up_run import KILL_US, made_up_run


def shown(progress: Progress) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(draw(progress))
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_the_live_view_shows_leader_heights_rate_and_latency() -> None:
    run = made_up_run()
    progress = Progress(run.scenario)
    for record in run.trace:
        if record["t_us"] < KILL_US:
            progress.on_record(record)
    text = shown(progress)
    assert "leader bureau (view 0)" in text
    assert "tx/s" in text and "p50" in text and "p99" in text
    assert all(name in text for name in ("bureau", "depot", "regulator"))


def test_the_live_view_tells_of_faults_and_of_the_new_leader() -> None:
    run = made_up_run()
    progress = Progress(run.scenario)
    told = [sentence for record in run.trace if (sentence := progress.on_record(record)) is not None]
    assert told == [
        "FAULT: kill bureau",
        "depot leads (view 1)",
        "FAULT: restart bureau",
        "bureau is back",
        f"bureau caught up at height {progress.faults[-1][1].rpartition(' ')[2]}",
    ]
    assert progress.leader == "depot" and progress.states["bureau"] == "up"
    assert progress.transactions == sum(
        {r["height"]: r["transactions"] for r in run.trace if r["kind"] == "executed"}.values()
    )


def test_a_killed_node_is_shown_as_down_and_never_as_leading() -> None:
    run = made_up_run()
    progress = Progress(run.scenario)
    for record in run.trace:
        if record["t_us"] <= KILL_US + 500_000:
            progress.on_record(record)
    row = next(line for line in shown(progress).splitlines() if line.startswith("bureau"))
    assert "down" in row and "leads" not in row


def test_without_a_terminal_there_are_plain_lines_for_what_happens() -> None:
    run = made_up_run()
    console = Console(file=io.StringIO(), force_terminal=False, width=200)
    with watching(run.scenario, console) as on_record:
        for record in run.trace:
            on_record(record)
    lines = str(console.file.getvalue()).splitlines()  # type: ignore[attr-defined]
    assert any("FAULT: kill bureau" in line for line in lines)
    assert not any("\x1b" in line for line in lines)


def test_records_of_kinds_that_nobody_knows_are_let_pass() -> None:
    progress = Progress(made_up_run().scenario)
    assert progress.on_record({"t_us": 7, "node": "x", "kind": "something_new"}) is None
    assert progress.t_us == 7
