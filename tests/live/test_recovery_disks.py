"""Torn, damaged, full, lost and older disks of real nodes: what each does, and says, without a hand that repairs."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from consortium.scenario.scenario import Fault, Stop
from consortium.scenario.streams import Stream
from nodes.conduct.disk_faults import lay_disk
from nodes.conduct.drill import LocalRun
from nodes.conduct.node_process import NodeProcess
from nodes.process.vote_log import block_ends
from tests.optional import needs
from tests.recovery_drill import (
    NAMES,
    Step,
    Steps,
    Witness,
    assert_recovered,
    at_height,
    do,
    double_votes,
    is_dead,
    keep_votes,
    level,
    run_drill,
    small,
    words_of,
)

pytestmark = [pytest.mark.live, pytest.mark.drill]  # `make drill`


def down(node: NodeProcess) -> None:
    node.kill()
    keep_votes(node)


def start(node: NodeProcess) -> None:
    node.start()


def overwrite(path: Path, first: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(first)
        file.write(data)


def garble(path: Path) -> None:
    """All pages of a write-ahead log that is in use, in place."""
    overwrite(path, 4_096, b"\xa5" * max(0, path.stat().st_size - 4_096))


def hurt(name: str, harm: str, act: Step) -> Iterator[tuple[str, Step]]:
    yield f"{name} is down", do(down, name)
    yield harm, act
    yield f"{name} is started", do(start, name)
    yield "all are level", level


def tear_votes(run: LocalRun) -> bool:
    path = run.nodes["node-2"].folder.votes
    ends = block_ends(path)
    with path.open("r+b") as file:
        file.truncate((ends[-2] + ends[-1]) // 2)
    keep_votes(run.nodes["node-2"], is_torn=True)
    return True


def garble_header(run: LocalRun) -> bool:
    path = run.nodes["node-2"].folder.ledger
    path.with_name(path.name + "-wal").unlink()  # it may hold a sound copy of the first page
    overwrite(path, 0, bytes(100))
    return True


def cut_write_ahead_log(run: LocalRun) -> bool:
    path = run.nodes["node-3"].folder.ledger
    wal = path.with_name(path.name + "-wal")
    size = wal.stat().st_size
    overwrite(wal, size // 2, b"\xa5" * 100)
    return True


def flip_an_old_vote(run: LocalRun) -> bool:
    path = run.nodes["node-4"].folder.votes
    ends = block_ends(path)
    at = ends[len(ends) // 2] - 1
    overwrite(path, at, bytes([path.read_bytes()[at] ^ 3]))  # two bits: one would be told as a flipped bit
    return True


def garble_under_way(run: LocalRun) -> bool:
    path = run.nodes["node-3"].folder.ledger
    garble(path.with_name(path.name + "-wal"))
    return True


def says(name: str, words: str) -> Step:
    return lambda run: words in run.nodes[name].folder.log.read_text()


def is_voting(name: str) -> Step:
    """Whether it votes: it never said that it does not, or has said since that it does again."""

    def step(run: LocalRun) -> bool:
        words = run.nodes[name].folder.log.read_text()
        return words.rfind("this node votes again") >= words.rfind("this node does not vote")

    return step


def test_torn_and_damaged_files_are_told_and_made_good_from_the_others(tmp_path: Path) -> None:
    witness = Witness()

    def listen(run: LocalRun) -> bool:
        witness.begin(tmp_path / "run")
        return True

    def all_die(run: LocalRun) -> bool:
        for node in run.nodes.values():
            down(node)
        return True

    steps = Steps(
        [
            ("the witness listens", listen),
            ("there are blocks", at_height(30)),
            *hurt("node-2", "its last vote is torn", tear_votes),
            *hurt("node-3", "its write-ahead log is damaged", cut_write_ahead_log),
            *hurt("node-2", "the header of its ledger is gone", garble_header),
            *hurt("node-3", "it forgets what it has read", lambda run: True),
            ("pages of node-3 change under way", garble_under_way),
            ("node-3 finds it", says("node-3", "the ledger is damaged")),
            ("node-3 has caught up", says("node-3", "has caught up")),
            ("all are level", level),
            ("all die at once", all_die),
            ("all are started", do(start, *NAMES)),
            ("all are level", level),
            ("node-2 votes", is_voting("node-2")),  # two that observe are more than f
            *hurt("node-4", "an old vote of its log is damaged", flip_an_old_vote),
        ]
    )
    # the load outlasts the steps: who votes after the last harm is asked below
    outcome = run_drill(tmp_path, small(4_800, interval_us=60_000, persons=300), steps)
    heard = witness.end(outcome)
    assert len(heard) > 300 and double_votes(heard, outcome.genesis) == []
    run = assert_recovered(outcome)
    assert "of a write torn by a crash" in words_of(outcome, "node-2")
    assert "is not a sound SQLite file" in words_of(outcome, "node-2")
    assert "set aside as ledger.damaged-" in words_of(outcome, "node-3")
    words = words_of(outcome, "node-4")
    assert "sound votes follow" in words and "set aside as votes.damaged-" in words and "does not vote" in words
    assert list((outcome.folder / "nodes" / "node-4").glob("votes.damaged-*"))
    observing = [record["node"] for record in run.trace if record["kind"] == "observing"]
    assert observing[-1] == "node-4" and "node-3" not in observing, "a ledger lost is no vote lost"
    since_us = max(record["t_us"] for record in run.trace if record["kind"] == "observing")
    votes = [record for record in run.trace if record["kind"] == "prepared" and record["t_us"] > since_us]
    assert {record["node"] for record in votes} >= {"node-1", "node-3"}


def start_in_vain(name: str) -> Step:
    def step(run: LocalRun) -> bool:
        run.nodes[name].start()
        run.nodes[name].may_die = True
        return True

    return step


def test_one_flipped_bit_of_any_file_is_made_good_or_told_in_a_sentence_by_a_real_node(tmp_path: Path) -> None:
    """A sample of what `tests/unit/nodes/test_damaged_disks.py` tries on every file without processes."""
    stream, kept = Stream(9, "bits"), dict[Path, bytes]()

    def flip_bit(file: str) -> Step:
        def step(run: LocalRun) -> bool:
            path = run.nodes["node-3"].folder.folder / file
            kept[path] = path.read_bytes()
            at = stream.below(len(kept[path]))
            overwrite(path, at, bytes([kept[path][at] ^ 1 << stream.below(8)]))
            return True

        return step

    def mend(run: LocalRun) -> bool:
        assert run.nodes["node-3"].process is not None and run.nodes["node-3"].process.returncode == 2
        for path, data in kept.items():
            path.write_bytes(data)
        return True

    rounds = [
        step
        for number, file in enumerate(("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite"))
        for step in hurt("node-3", f"bit {number}, of {file}", flip_bit(file))
    ]
    in_vain = [
        step
        for file in ("keys/vote.key", "../../genesis.json")
        for step in (
            ("node-3 is down", do(down, "node-3")),
            (f"a bit of {file}", flip_bit(file)),
            ("node-3 is started in vain", start_in_vain("node-3")),
            ("it ends", is_dead("node-3")),
            ("what was flipped is flipped back", mend),
            ("node-3 is started", do(start, "node-3")),
            ("all are level", level),
        )
    ]
    steps = Steps([("there are blocks", at_height(8)), *rounds, *in_vain], 60_000_000)
    stop = Stop(limit_us=270_000_000, stall_us=60_000_000)  # a busy machine needs seconds for each start
    scenario = msgspec.structs.replace(small(1_200, interval_us=100_000, persons=300), stop=stop)
    outcome = run_drill(tmp_path, scenario, steps)
    assert_recovered(outcome)
    words = words_of(outcome, "node-3")
    assert "is not the key with which node-3 began" in words or "vote.key is no key" in words
    assert "genesis.json is not the file with which this run was made" in words


@needs("small disk")
def test_a_full_disk_stops_a_node_with_words_and_room_lets_it_go_on(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "nodes" / "node-4"

    def onto_small_disk(node: NodeProcess) -> None:
        node.kill()
        aside = tmp_path / "aside"
        folder.rename(aside)
        folder.mkdir()
        used = sum(-(-path.stat().st_size // 4_096) for path in aside.rglob("*")) * 4
        mount("-t", "tmpfs", "-o", f"size={used + 1_300}k", "tmpfs", str(folder))
        subprocess.run(["cp", "-a", f"{aside}/.", str(folder)], check=True)
        node.start()
        node.may_die = True

    def make_room(run: LocalRun) -> bool:
        mount("-o", "remount,size=100m", str(folder))
        run.nodes["node-4"].start()
        return True

    steps = Steps(
        [
            ("there are blocks", at_height(10)),
            ("node-4 is put on a small disk", do(onto_small_disk, "node-4")),
            ("it stops", is_dead("node-4")),
            ("there is room again", make_room),
            ("all are level", level),
        ]
    )
    try:
        outcome = run_drill(tmp_path, small(1_200, interval_us=40_000), steps)
        assert_recovered(outcome)
        words = words_of(outcome, "node-4")
        assert "the disk refuses: " in words and "Make room, start it again." in words
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=False, capture_output=True)


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True, capture_output=True)


def test_a_node_with_an_older_disk_or_none_observes_and_says_so(tmp_path: Path) -> None:
    faults = (
        Fault("disk_copy", "node-2", at_height=12),
        Fault("kill", "node-2", at_height=50),
        Fault("restart", "last", after_us=200_000, options={"disk": "copy"}),
    )
    witness = Witness()

    def listen(run: LocalRun) -> bool:
        witness.begin(tmp_path / "run")
        return True

    def wipe(node: NodeProcess) -> None:
        node.kill()
        lay_disk(node.folder, "empty")
        node.start()

    steps = Steps(
        [
            ("the witness listens", listen),
            ("it came back with yesterday's disk", says("node-2", "does not vote")),
            ("it has caught up", says("node-2", "has caught up")),
            ("all are level", level),
            ("it is wiped", do(wipe, "node-2")),
            ("all are level", level),
        ]
    )
    outcome = run_drill(tmp_path, small(900, *faults, interval_us=50_000), steps)
    heard = witness.end(outcome)
    run = assert_recovered(outcome)
    assert double_votes(heard, outcome.genesis) == []
    shown = [record["node"] for record in run.trace if record["kind"] == "observing"]
    assert shown and set(shown) == {"node-2"}
    assert "votes of ours that our log lacks" in words_of(outcome, "node-2")


def test_a_node_far_behind_on_an_idle_network_is_told_and_catches_up(tmp_path: Path) -> None:
    """Its own load is done last, by which the run ends; before that the network is idle for a while."""
    steps = Steps(
        [
            ("there are blocks", at_height(3)),
            ("node-4 dies", do(down, "node-4")),
            ("the others have done their work", others_are_done),
            ("node-4 is started", do(start, "node-4")),
            ("all are level", level),
        ]
    )
    outcome = run_drill(tmp_path, small(1_200, interval_us=20_000), steps)
    run = assert_recovered(outcome)
    caught = [r["height"] for r in run.trace if r["node"] == "node-4" and r["kind"] == "caught_up"]
    assert caught and max(caught) > 50


def others_are_done(run: LocalRun) -> bool:
    statuses = [run.nodes[name].status for name in NAMES[:3]]
    return all(
        status is not None and status.is_done and status.head_height == status.stable_height for status in statuses
    )
