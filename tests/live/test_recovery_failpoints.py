"""`kill -9` at every named failpoint, under load, one after another: nothing is lost, nothing is voted twice."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from consortium.core.genesis import Genesis, Parameters
from consortium.core.membership import Member
from consortium.core.messages import Signed
from consortium.lab.checks.statements import Statement
from consortium.protocols.pbft.messages import Prepare
from consortium.scenario.assemble import Shared
from consortium.scenario.scenario import Stop
from consortium.scenario.streams import Stream
from nodes.conduct.disk_faults import flip, lay_disk
from nodes.conduct.drill import LocalRun
from nodes.conduct.node_process import NodeProcess
from nodes.process.failpoints import FAILPOINTS
from tests.recovery_drill import (
    Step,
    Steps,
    Witness,
    assert_recovered,
    do,
    double_votes,
    is_dead,
    keep_votes,
    level,
    run_drill,
    small,
    soften,
    words_of,
)

pytestmark = [pytest.mark.live, pytest.mark.drill]  # `make drill`

NEEDS_EMPTY_DISK = ("ledger.create.middle", "votes.created", "snapshot.before", "snapshot.middle", "snapshot.synced")
NEEDS_DAMAGE = ("aside.wal", "aside.ledger")
NEEDS_STOP = ("stop.asked", "stop.drained")
UNDER_LOAD = [name for name in FAILPOINTS if name not in (*NEEDS_EMPTY_DISK, *NEEDS_DAMAGE, *NEEDS_STOP)]


def crash_at(failpoint: str, name: str) -> Iterator[tuple[str, Step]]:
    """Kill the node, start it with the failpoint armed, wait until it has died there."""

    def arm(node: NodeProcess) -> None:
        node.kill()
        keep_votes(node)
        if failpoint in NEEDS_EMPTY_DISK:
            lay_disk(node.folder, "empty")
        if failpoint in NEEDS_DAMAGE:
            assert flip(node.folder, "state", Stream(1, failpoint)) is not None
        node.start(failpoint)

    def stop(run: LocalRun) -> bool:
        status = run.nodes[name].status
        if status is None or status.head_height < 1:
            return False
        process = run.nodes[name].process
        assert process is not None
        process.terminate()
        return True

    yield f"{name} is started towards {failpoint}", do(arm, name)
    if failpoint in NEEDS_STOP:
        yield f"{name} is told to stop", stop
    yield f"{name} dies at {failpoint}", is_dead(name)


def start_the_dead(run: LocalRun) -> bool:
    for node in run.nodes.values():
        if not node.is_alive:
            node.start()
    return True


def drill() -> Iterator[tuple[str, Step]]:
    yield "all are level", level
    for index, failpoint in enumerate([*UNDER_LOAD, *NEEDS_STOP, *NEEDS_DAMAGE]):
        name = ("node-1", "node-2", "node-3")[index // 6 % 3]
        yield from crash_at(failpoint, name)
        if index % 6 == 5:
            yield f"{name} starts again", do(lambda node: node.start(), name)
            yield "all are level", level
    yield "the last starts again", start_the_dead
    yield "all are level", level
    for failpoint in NEEDS_EMPTY_DISK:
        yield from crash_at(failpoint, "node-4")
    yield "node-4 starts again", do(lambda node: node.start(), "node-4")
    yield "all are level", level


def test_a_death_at_any_failpoint_loses_nothing_and_votes_nothing_twice(tmp_path: Path) -> None:
    witness = Witness()

    def prepare(run: LocalRun) -> bool:
        soften(tmp_path / "run", compact_bytes_min=10_000)
        witness.begin(tmp_path / "run")
        return True

    steps = Steps([("the witness listens", prepare), *drill()])
    # the load must outlast the steps on a busy machine, too: without it nothing is voted, so no log is made compact
    stop = Stop(limit_us=270_000_000, stall_us=15_000_000)
    scenario = small(8_000, interval_us=100_000, snapshot_gap=400)
    outcome = run_drill(tmp_path, msgspec.structs.replace(scenario, stop=stop), steps)
    heard = witness.end(outcome)
    run = assert_recovered(outcome)
    assert len(FAILPOINTS) >= 20
    died = {name.rsplit(" ", 1)[-1] for name in steps.done if " dies at " in name}
    assert died == set(FAILPOINTS)
    assert len(heard) > 1_000 and double_votes(heard, outcome.genesis) == []
    assert "set aside as ledger.damaged-" in "".join(words_of(outcome, f"node-{index}") for index in (1, 2, 3))
    assert any(record["kind"] == "snapshot" and record["node"] == "node-4" for record in run.trace)


def test_the_watch_for_double_votes_sees_one() -> None:
    genesis = Genesis(1, "g", 0, "keyed-hash", "pbft", Parameters(), (Member("a", "hospital", "validator", {}),))
    codec = Shared.of(genesis).verifier.codec

    def vote(digest: bytes) -> Statement:
        message = Prepare(0, 1, digest * 32)
        return Statement(0, message, Signed("a", codec.statement(0, message), b"s"))

    assert double_votes([vote(b"x"), vote(b"x")], genesis) == []
    assert double_votes([vote(b"x"), vote(b"y")], genesis) == ["a: double vote"]
