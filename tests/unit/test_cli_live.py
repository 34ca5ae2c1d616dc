from __future__ import annotations

import io
import signal
import time

import pytest
from rich.console import Console

from consortium.commands.terminal import Progress, Stopped, draw, stoppable, tell_verdicts, watching
from consortium.lab.checks.claims import Kind, Verdict
from tests.unit.lab.made_up_run import KILL_US, made_up_run


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


def test_without_a_terminal_a_line_is_printed_again_only_when_something_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    console = Console(file=io.StringIO(), force_terminal=False, width=200)
    run = made_up_run()
    executed = next(record for record in run.trace if record["kind"] == "executed")
    with watching(run.scenario, console) as on_record:
        for t_us in range(0, 60_000_000, 500_000):
            now_s = t_us / 1e6
            on_record({"t_us": t_us, "node": "depot", "kind": "note-of-nothing"})
            if t_us == 30_000_000:
                on_record({**executed, "t_us": t_us})
    lines = str(console.file.getvalue()).splitlines()  # type: ignore[attr-defined]
    assert len(lines) == 1 and f"heights 0-{executed['height']}" in lines[0]


def test_work_that_is_submitted_again_is_counted_once() -> None:
    progress = Progress(made_up_run().scenario)
    for bundle, more in (("1", {}), ("2", {}), ("1", {}), ("3", {"replaces": "2"})):
        submitted = {"t_us": 1, "node": "depot", "kind": "submitted", "bundle": bundle, "transactions": 8}
        progress.on_record({**submitted, **more})
    assert progress.submitted == 16


def test_failures_that_are_not_told_are_counted() -> None:
    console = Console(file=io.StringIO(), width=200)
    tell_verdicts(console, [Verdict("a claim", Kind.SAFETY, "", 7, tuple("abcdefg"))])
    lines = str(console.file.getvalue()).splitlines()  # type: ignore[attr-defined]
    assert lines[-1].strip() == "a claim: and 2 more"


def test_after_ctrl_c_a_run_ends_at_its_next_record_and_after_a_second_one_at_once() -> None:
    heard: list[int] = []
    with stoppable(lambda record: heard.append(record["t_us"])) as on_record:
        with pytest.raises(KeyboardInterrupt):  # nothing has begun
            signal.raise_signal(signal.SIGINT)
        on_record({"t_us": 1})
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(Stopped):
            on_record({"t_us": 2})
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert heard == [1, 2]


def test_records_of_kinds_that_nobody_knows_are_let_pass() -> None:
    progress = Progress(made_up_run().scenario)
    assert progress.on_record({"t_us": 7, "node": "x", "kind": "something_new"}) is None
    assert progress.t_us == 7
