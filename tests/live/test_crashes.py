"""`kill -9` of real processes: nothing that was said is forgotten, and no child outlives its parent."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from consortium.ledger.rows import height_key
from nodes.broker.broker import OwnBroker, make_broker
from nodes.conduct import child
from nodes.process.bus import Bus
from nodes.process.store import SqliteRows
from nodes.process.trace_file import TraceTail
from nodes.process.vote_log import VoteLog, read_log
from tests.optional import needs

HERE = Path(__file__).parent
CHAIN = b"c" * 32
pytestmark = pytest.mark.live


def start_stand_in(folder: Path, broker: OwnBroker) -> subprocess.Popen[bytes]:
    address = broker.addresses["a"]
    arguments = [str(folder), "a", address.host, str(address.port), address.user, address.password]
    return child.spawn([str(HERE / "stand_in_node.py"), *arguments], log=folder / "log.txt")


async def test_what_was_said_is_in_the_log_after_kill_9_again_and_again(tmp_path: Path) -> None:
    broker = make_broker("embedded", tmp_path / "broker", CHAIN, ["a", "witness"])
    assert isinstance(broker, OwnBroker)
    broker.start()
    heard: list[int] = []
    witness = Bus(
        broker.addresses["witness"],
        CHAIN,
        "witness",
        ["a"],
        lambda _, frames: heard.extend(int.from_bytes(frame, "big") for frame in frames),
        lambda _: None,
    )
    listening = asyncio.create_task(witness.run())
    try:
        for round_number in range(5):
            before = len(heard)
            process = start_stand_in(tmp_path, broker)
            async with asyncio.timeout(8):
                while len(heard) < before + 40 + 30 * round_number:
                    await asyncio.sleep(0.002)
                    assert process.poll() is None, (tmp_path / "log.txt").read_text()
            await asyncio.sleep(0.01 * round_number)
            process.kill()
            process.wait()
            await asyncio.sleep(0.05)
            stored = [int.from_bytes(kept.record, "big") for kept in read_log(tmp_path / "votes.log")[0]]
            assert stored == list(range(1, len(stored) + 1)), "no number is lost or stored twice"
            assert max(heard) <= stored[-1], "something was said that is not durable"
            ledger = SqliteRows(tmp_path / "ledger.sqlite", read_only=True)
            heights = [key for key, _ in ledger.range("block", b"", b"\xff" * 9)]
            ledger.close()
            assert heights == [height_key(number) for number in range(1, len(heights) + 1)]
            assert len(heights) <= len(stored), "a block is never ahead of the votes it rests on"
    finally:
        listening.cancel()
        broker.stop()
    booted = [record["records"] for record in TraceTail(tmp_path / "trace.jsonl").read() if record["kind"] == "booted"]
    assert booted[0] == 0 and booted == sorted(booted)


def test_a_clean_stop_leaves_nothing_open_and_everything_durable(tmp_path: Path) -> None:
    broker = make_broker("embedded", tmp_path / "broker", CHAIN, ["a"])
    assert isinstance(broker, OwnBroker)
    broker.start()
    process = start_stand_in(tmp_path, broker)
    while not (tmp_path / "votes.log").exists() or (tmp_path / "votes.log").stat().st_size < 5_000:
        time.sleep(0.01)
    assert child.stop(process) == 0
    broker.stop()
    assert not list(tmp_path.glob("*-wal")), "the ledger is one file again"
    ledger = SqliteRows(tmp_path / "ledger.sqlite", read_only=True)
    log = VoteLog(tmp_path / "votes.log")
    assert len(ledger.range("block", b"", b"\xff" * 9)) == len(log.take_records())
    kinds = [record["kind"] for record in TraceTail(tmp_path / "trace.jsonl").read()]
    assert kinds[0] == "booted" and kinds[-1] == "storage"


def test_a_full_disk_stops_a_node_with_a_sentence_and_code_74(tmp_path: Path) -> None:
    broker = make_broker("embedded", tmp_path / "broker", CHAIN, ["a"])
    assert isinstance(broker, OwnBroker)
    broker.start()
    address = broker.addresses["a"]
    arguments = [str(tmp_path), "a", address.host, str(address.port), address.user, address.password]
    limited = (
        "import resource, runpy, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, 120_000)); sys.argv = sys.argv[1:];"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    script = str(HERE / "stand_in_node.py")
    process = child.spawn(["-c", limited, script, *arguments], log=tmp_path / "log.txt")
    assert process.wait(9) == 74
    broker.stop()
    log = (tmp_path / "log.txt").read_text()
    assert "the disk refuses" in log and "Traceback" not in log
    read_log(tmp_path / "votes.log")


@needs("linux")
def test_no_child_outlives_a_parent_killed_with_kill_9(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from nodes.conduct import child;"
        "code = 'from nodes.conduct.child import adopt_parent as f; f(); print(1, flush=True); import time; '"
        "'time.sleep(60)';"
        "a = child.spawn(['-c', code], log=Path(sys.argv[1]), stdout=-1); a.stdout.readline();"
        "b = child.spawn(['-m', 'nodes.conduct.child', '/bin/sleep', '60'], log=Path(sys.argv[1]));"
        "print(a.pid, b.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path / "log")], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    children = [int(word) for word in parent.stdout.readline().split()]
    assert len(children) == 2
    while Path(f"/proc/{children[1]}/comm").read_text().strip() != "sleep":
        time.sleep(0.01)  # it has become /bin/sleep
    assert all(is_running(pid) for pid in children)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 3
    while any(is_running(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.01)
    left = [pid for pid in children if is_running(pid)]
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert left == []


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False
