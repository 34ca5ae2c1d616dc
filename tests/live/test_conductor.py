"""Whole local runs with real processes: ended well, over deaths of nodes and broker, by Ctrl-C, by `kill -9`."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from consortium.core.genesis import Parameters
from consortium.runs.folder import encode_scenario
from consortium.runs.trace import encode_record, read_trace
from consortium.scenario.scenario import Fault, Link, MemberSpec, Network, Scenario, Stop, Workload
from nodes.conduct.conductor import Outcome, run_local
from nodes.conduct.run_files import make_run
from nodes.errors import UserError
from nodes.process.store import SqliteRows
from tests.optional import needs

pytestmark = pytest.mark.live
Record = dict[str, Any]

SMALL = Scenario(
    name="small",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    # small batches: on a machine that is busy elsewhere, too, there are heights enough for the faults to meet
    parameters=Parameters(idle_seal_us=200_000, timer_base_us=500_000, batch_transactions_max=8),
    workload=Workload("settlement_load", {"transactions": 160, "bundle": 2, "interval_us": 50_000, "persons": 5}),
    stop=Stop(limit_us=30_000_000),
)


def with_faults(*faults: Fault) -> Scenario:
    return msgspec.structs.replace(SMALL, faults=faults)


def heads(folder: Path) -> list[tuple[bytes, bytes]]:
    """The last block of each node, read offline."""
    found = []
    for path in sorted((folder / "nodes").iterdir()):
        rows = SqliteRows(path / "ledger.sqlite", read_only=True)
        found.append(rows.range("block", b"", b"\xff" * 9)[-1])
        rows.close()
    return found


def processes_of(folder: Path) -> list[str]:
    """Command lines of living processes that name this folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if any(str(folder).encode() in word for word in words) and path.parent.name != str(os.getpid()):
            found.append(b" ".join(words).decode())
    return found


def run(tmp_path: Path, scenario: Scenario, on_record: Callable[[Record], None] | None = None, **more: Any) -> Outcome:
    outcome = run_local(scenario, tmp_path / "run", on_record=on_record, **more)
    assert processes_of(tmp_path) == []
    return outcome


def assert_agreed(outcome: Outcome) -> None:
    assert (outcome.verdict, outcome.sentence) == ("done", "")
    found = heads(outcome.folder)
    assert len(found) == 4 and len(set(found)) == 1


def test_a_run_ends_with_one_ledger_and_a_readable_folder(tmp_path: Path) -> None:
    seen: list[Record] = []
    outcome = run(tmp_path, SMALL, seen.append)
    assert_agreed(outcome)
    trace = read_trace(outcome.folder / "trace.jsonl")
    assert sorted(map(encode_record, seen)) == sorted(map(encode_record, trace)), (
        "a live view sees what the trace keeps"
    )
    assert [record["t_us"] for record in trace] == sorted(record["t_us"] for record in trace)
    assert trace[0]["kind"] == "run" and trace[-1] == {**trace[-1], "kind": "ended", "verdict": "done"}
    assert [record["code"] for record in trace if record["kind"] == "exited"] == [0] * 4
    assert sum(record["transactions"] for record in trace if record["kind"] == "included") == 160
    modes = {path.stat().st_mode & 0o777 for path in outcome.folder.glob("nodes/*/keys/*")}
    assert modes == {0o600} and not list(outcome.folder.glob("nodes/*/*-wal"))


def test_the_leaders_death_and_return_are_survived(tmp_path: Path) -> None:
    faults = (Fault("kill", "leader", at_height=8), Fault("restart", "last", after_us=1_500_000))
    outcome = run(tmp_path, with_faults(*faults))
    assert_agreed(outcome)
    trace = read_trace(outcome.folder / "trace.jsonl")
    met = [(record["act"], record["target"]) for record in trace if record["kind"] == "fault"]
    leader = met[0][1]  # the first one, unless a busy machine has ended its view before
    assert met == [("kill", leader), ("restart", leader)]
    assert any(record["kind"] == "new_view" for record in trace), "the others went on without it"
    assert sum(record["kind"] == "booted" for record in trace) == 5


@pytest.mark.parametrize("broker", ["embedded", pytest.param("mosquitto", marks=needs("mosquitto"))])
def test_the_brokers_death_and_return_are_survived(tmp_path: Path, broker: str) -> None:
    faults = (Fault("broker_kill", at_us=500_000), Fault("broker_restart", after_us=500_000))
    outcome = run(tmp_path, with_faults(*faults), broker=broker)
    assert_agreed(outcome)
    states = [record["state"] for record in read_trace(outcome.folder / "trace.jsonl") if record["kind"] == "bus"]
    assert (states.count("up"), states.count("down")) == (8, 4)


def test_a_pause_and_a_partition_are_survived_under_an_applied_network(tmp_path: Path) -> None:
    faults = (
        Fault("pause", "node-2", at_us=300_000),
        Fault("resume", "last", after_us=500_000),
        Fault("partition", after_us=100_000, groups=(("node-3",),)),
        Fault("heal", after_us=500_000),
    )
    network = Network(default=Link("normal", mean_us=4_000, deviation_us=1_000, loss_ppm=5_000), in_real_runs=True)
    outcome = run(tmp_path, msgspec.structs.replace(with_faults(*faults), network=network))
    assert_agreed(outcome)


def murderer(folder: Path, number: signal.Signals, *names: str) -> Callable[[Record], None]:
    """Sends the signal to each of these nodes when it executes height 3."""

    def murder(record: Record) -> None:
        if record["kind"] == "executed" and record["height"] == 3 and record["node"] in names:
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                words = path.read_bytes().split(b"\0")
                if record["node"].encode() in words and str(folder).encode() in words:
                    os.kill(int(path.parent.name), number)

    return murder


def test_a_node_that_dies_by_itself_is_named_with_its_log(tmp_path: Path) -> None:
    outcome = run(tmp_path, SMALL, murderer(tmp_path / "run", signal.SIGSEGV, "node-2"))
    assert outcome.verdict == "failed"
    assert "node node-2 ended by itself (code -11)" in outcome.sentence
    assert "nodes/node-2/log.txt" in outcome.sentence


def test_a_node_killed_by_hand_is_a_fault_and_the_run_goes_on(tmp_path: Path) -> None:
    """Regression: it ended the whole run as failed."""
    outcome = run(tmp_path, SMALL, murderer(tmp_path / "run", signal.SIGKILL, "node-2"))
    assert outcome.verdict == "done" and "killed from outside" in outcome.sentence
    assert "node-2 (SIGKILL)" in outcome.sentence and outcome.sentence.count("\n") == 0
    faults = [record for record in read_trace(outcome.folder / "trace.jsonl") if record["kind"] == "fault"]
    assert [(record["act"], record["target"]) for record in faults] == [("kill", "node-2")]
    found = heads(outcome.folder)
    assert len(set(found)) == 2 and found.count(found[0]) == 3, "the others have done all and agree"


def test_kills_by_hand_that_leave_no_quorum_end_the_run_and_say_so(tmp_path: Path) -> None:
    outcome = run(tmp_path, SMALL, murderer(tmp_path / "run", signal.SIGTERM, "node-2", "node-3"))
    assert outcome.verdict == "no progress" and "too few members run" in outcome.sentence
    assert "node-2 (asked to stop)" in outcome.sentence and "node-3 (asked to stop)" in outcome.sentence


def test_a_run_without_a_quorum_ends_without_progress(tmp_path: Path) -> None:
    faults = (Fault("kill", "node-1", at_us=300_000), Fault("kill", "node-2", at_us=300_000))
    stop = Stop(limit_us=8_000_000, stall_us=1_000_000)
    outcome = run(tmp_path, msgspec.structs.replace(with_faults(*faults), stop=stop))
    assert outcome.verdict == "no progress" and "stall_us" in outcome.sentence


@pytest.mark.parametrize("broker", ["mqtt://u:p@127.0.0.1:1", "moskito", "embedded:0", "embedded:x"])
def test_a_wrong_broker_leaves_nothing_behind(tmp_path: Path, broker: str) -> None:
    with pytest.raises(UserError):
        run_local(SMALL, tmp_path / "run", broker)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_refused_and_left(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine").write_text("keep")
    with pytest.raises(UserError, match="not empty"):
        run_local(SMALL, tmp_path / "run")
    assert [path.name for path in tmp_path.rglob("*")] == ["run", "mine"]


def test_one_node_is_started_by_hand_once_and_only_with_private_keys(tmp_path: Path) -> None:
    def node(name: str) -> subprocess.Popen[str]:
        arguments = [sys.executable, "-m", "nodes", str(tmp_path / "run"), name]
        return subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)

    def refusal(name: str) -> str:
        process = node(name)
        _, words = process.communicate(timeout=30)
        assert process.returncode == 2 and words.count("\n") == 1, words
        return words

    files = make_run(SMALL, tmp_path / "run", "embedded")
    first = node("node-1")
    trace = files.folder / "nodes" / "node-1" / "trace.jsonl"
    while not trace.exists() or not trace.stat().st_size:
        time.sleep(0.02)
        assert first.poll() is None
    assert "running already" in refusal("node-1")
    first.terminate()
    first.communicate(timeout=5)
    assert first.returncode == 0 and 0 <= read_trace(trace)[0]["t_us"] < 60_000_000
    (files.folder / "nodes" / "node-1" / "keys" / "vote.key").chmod(0o644)
    assert "vote.key can be read by others" in refusal("node-1")
    assert "name the folder of a run" in refusal("node-9")
    files.broker.stop()


def start_conductor(tmp_path: Path) -> subprocess.Popen[bytes]:
    (tmp_path / "s.json").write_bytes(encode_scenario(SMALL))
    program = (
        "import sys; from pathlib import Path; from consortium.scenario.load import load_scenario;"
        "from nodes.conduct.conductor import run_local; base = Path(sys.argv[1]);"
        "print(run_local(load_scenario(base / 's.json'), base / 'run').verdict)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, process_group=0)
    deadline = time.monotonic() + 40
    wanted = ("trace.jsonl", "ledger.sqlite")
    while any(len(list(tmp_path.glob(f"run/nodes/*/{name}"))) < 4 for name in wanted) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)
    assert process.poll() is None and len(processes_of(tmp_path)) == 6, "conductor, broker and four nodes"
    return process


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_stops_everything_and_leaves_a_readable_folder(tmp_path: Path) -> None:
    process = start_conductor(tmp_path)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert output.decode().strip() == "stopped"
    assert processes_of(tmp_path) == []
    trace = read_trace(tmp_path / "run" / "trace.jsonl")
    assert not any(record["kind"] == "ended" for record in trace) and len(heads(tmp_path / "run")) == 4


def test_nothing_outlives_a_conductor_killed_with_kill_9(tmp_path: Path) -> None:
    with start_conductor(tmp_path) as process:
        process.kill()
    deadline = time.monotonic() + 15
    while processes_of(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of(tmp_path) == []
