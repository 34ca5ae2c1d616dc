"""The order in which outputs leave: nothing past an unsynced `Store`, and no block before the votes it rests on."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from consortium.core.machine import Apply, Drop, Keep, Store, Transmit
from nodes.errors import StoreFailed
from nodes.process.carrier import INLINE_APPLIES_MIN, Carrier
from nodes.process.costs import Costs


class Disk:
    """Stands in for vote log and rows: writes down the order of things; a sync lasts until `gate` is set."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.is_broken = False
        self.threads: list[bool] = []  # of each commit: is it the node's own?

    def append(self, records: Sequence[tuple[int | None, bytes]]) -> None:
        self.gate.wait(5)
        if self.is_broken:
            raise StoreFailed("no space")
        self.events.append("sync " + " ".join(record.decode() for _, record in records))

    def is_due(self, height: int) -> bool:
        return False

    def compact(self, height: int) -> bool:
        return False

    def commit(self, applies: Sequence[Apply]) -> None:
        self.write(applies)
        self.sync(applies)

    def sync(self, applies: Sequence[Apply]) -> None:
        assert threading.current_thread() is not threading.main_thread(), "the disk is never waited for in the loop"

    def write(self, applies: Sequence[Apply]) -> None:
        self.threads.append(threading.current_thread() is threading.main_thread())
        if self.is_broken:
            raise StoreFailed("no space")
        self.events.append("commit " + " ".join(str(apply.height) for apply in applies))

    def committed(self, applies: Sequence[Apply]) -> None:
        pass

    def close(self) -> None:
        pass

    def publish(self, to: str | None, frames: Sequence[bytes]) -> None:
        self.events.append(f"send {to} " + " ".join(frame.decode() for frame in frames))


class Private:
    """A private store that writes down what became durable, on the same list."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def commit(self, rows: Sequence[Keep | Drop]) -> None:
        self._disk.gate.wait(5)
        if self._disk.is_broken:
            raise StoreFailed("no space")
        self._disk.events.append("private " + " ".join(f"{type(row).__name__} {row.name}" for row in rows))

    def committed(self, rows: Sequence[Keep | Drop]) -> None:
        pass

    def close(self) -> None:
        pass


def carrier(disk: Any, failures: list[BaseException] | None = None) -> Carrier:
    told = failures if failures is not None else []
    return Carrier(disk, disk, Private(disk), disk.publish, told.append, lambda: None, Costs())  # type: ignore[arg-type]


def say(word: bytes, to: str | None = None) -> Transmit:
    return Transmit(to, word)


def vote(word: bytes) -> Store:
    return Store(word, 1)


async def carry(disk: Disk, outputs: Sequence[Transmit | Store | Keep | Drop | Apply], *, is_idle: bool) -> Carrier:
    made = carrier(disk)
    for output in outputs:
        made.take(output)
    made.flush(is_idle=is_idle)
    return made


OUTPUTS = (say(b"free"), vote(b"v1"), say(b"p1"), vote(b"v2"), say(b"p2"), say(b"d", "b"), Apply(1, ()))


async def test_one_sync_serves_many_steps_and_everything_leaves_behind_it() -> None:
    for is_idle in (True, False):
        disk = Disk()
        made = await carry(disk, OUTPUTS, is_idle=is_idle)
        await made.drain()
        assert disk.events == ["send None free", "sync v1 v2", "send None p1 p2", "send b d", "commit 1"]


async def test_nothing_leaves_while_a_sync_runs_and_steps_go_on() -> None:
    disk = Disk()
    disk.gate.clear()
    made = await carry(disk, OUTPUTS, is_idle=False)
    for output in (say(b"later"), Apply(2, ()), vote(b"v3"), say(b"p3")):
        made.take(output)
    made.flush(is_idle=True)
    await asyncio.sleep(0.05)
    assert disk.events == ["send None free"], "positive control: what waits for no vote does leave"
    disk.gate.set()
    await made.drain()
    assert disk.events.index("sync v3") < disk.events.index("send None later p3")
    assert disk.events.index("sync v1 v2") < disk.events.index("send None p1 p2") < disk.events.index("sync v3")
    commits = [word for event in disk.events if event.startswith("commit") for word in event.split()[1:]]
    assert commits == ["1", "2"]


async def test_what_queued_behind_a_sync_without_votes_leaves_with_it() -> None:
    disk = Disk()
    disk.gate.clear()
    made = await carry(disk, [vote(b"v1"), say(b"p1")], is_idle=False)
    made.take(say(b"p2"))
    made.flush(is_idle=True)
    disk.gate.set()
    await made.drain()
    assert disk.events == ["sync v1", "send None p1", "send None p2"]


async def test_nothing_is_told_of_what_a_death_could_still_undo() -> None:
    """Was: a bundle noted as submitted, 3 ms before `kill -9`, that no disk had: a sound run failed its check."""
    disk = Disk()
    disk.gate.clear()
    made = carrier(disk)
    for word in ("before", "behind v1"):
        made.tell(lambda word=word: disk.events.append(f"told {word}"))  # type: ignore[misc]
        made.take(vote(b"v1" if word == "before" else b"v2"))
    made.tell(lambda: disk.events.append("told behind v2"))
    made.flush(is_idle=False)
    await asyncio.sleep(0.05)
    made.tell(lambda: disk.events.append("told while it syncs"))
    assert disk.events == ["told before"], "positive control: what waits for no vote is told"
    disk.gate.set()
    await made.drain()
    behind = ["told behind v1", "told behind v2", "told while it syncs"]
    assert disk.events == ["told before", "sync v1 v2", *behind]


async def test_a_failed_sync_is_told_and_what_rests_on_it_is_never_said() -> None:
    disk = Disk()
    disk.gate.clear()
    failures: list[BaseException] = []
    made = carrier(disk, failures)
    for output in (vote(b"v1"), say(b"p1"), Apply(1, ())):
        made.take(output)
    made.tell(lambda: disk.events.append("told"))
    made.flush(is_idle=False)
    disk.is_broken = True
    disk.gate.set()
    await asyncio.sleep(0.05)
    assert [str(failure) for failure in failures] == ["no space"] and disk.events == []


async def test_what_ends_after_the_close_begins_nothing_more() -> None:
    """Was: `cannot schedule new futures after shutdown`, out of the end of a commit that `close` had waited for."""

    class Slow(Disk):
        def commit(self, applies: Sequence[Apply]) -> None:
            self.gate.wait(5)
            super().commit(applies)

    failures: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.append(context))
    disk = Slow()
    disk.gate.clear()
    made = carrier(disk)
    made.take(Apply(1, ()))
    made.flush(is_idle=False)
    made.take(vote(b"v1"))
    made.take(Apply(2, ()))
    made.flush(is_idle=False)
    made.take(vote(b"v2"))
    made.take(Apply(3, ()))
    threading.Timer(0.05, disk.gate.set).start()
    made.close()
    for _ in range(5):
        await asyncio.sleep(0.01)
        made.flush(is_idle=True)
    assert failures == [] and sorted(disk.events) == ["commit 1", "sync v1"]


async def test_a_death_after_so_many_outputs_leaves_just_those(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodes.process.carrier.os.kill", lambda process, number: _stop())
    for count in (1, 2, 3):
        disk = Disk()
        made = carrier(disk)
        made.outputs_left = count
        for output in (vote(b"v1"), say(b"p1"), say(b"p2")):
            made.take(output)
        with pytest.raises(_Stopped):
            made.flush(is_idle=True)
        assert disk.events == ["sync v1", "send None p1", "send None p2"][:count]


class _Stopped(BaseException):
    """In the place of SIGKILL."""


def _stop() -> None:
    raise _Stopped


async def test_many_blocks_at_once_are_written_here_and_a_few_by_another_thread() -> None:
    """Catching up computes all the time: a second thread that writes rows would fight for the interpreter's lock."""
    for count, is_here in ((INLINE_APPLIES_MIN, True), (INLINE_APPLIES_MIN - 1, False)):
        disk = Disk()
        made = await carry(disk, [Apply(height, ()) for height in range(count)], is_idle=True)
        await made.drain()
        assert disk.threads == [is_here] and len(disk.events[0].split()) == 1 + count


async def test_a_failed_commit_of_many_blocks_is_told_and_nothing_leaves_any_more() -> None:
    disk = Disk()
    disk.is_broken = True
    failures: list[BaseException] = []
    made = carrier(disk, failures)
    for height in range(INLINE_APPLIES_MIN):
        made.take(Apply(height, ()))
    made.flush(is_idle=True)
    assert [type(failure) for failure in failures] == [StoreFailed]
    made.take(say(b"after"))
    made.flush(is_idle=True)
    assert disk.events == []


async def test_a_private_record_is_durable_before_what_is_stored_and_sent_on_the_strength_of_it() -> None:
    for is_idle in (True, False):
        disk = Disk()
        outputs = (Keep("lines/b-1", b"box"), vote(b"submission"), say(b"bundle"), Drop("lines/b-2"), say(b"gone"))
        made = await carry(disk, outputs, is_idle=is_idle)
        await made.drain()
        assert disk.events == ["private Keep lines/b-1 Drop lines/b-2", "sync submission", "send None bundle gone"]


async def test_a_private_store_that_refuses_lets_nothing_leave() -> None:
    disk, failures = Disk(), list[BaseException]()
    disk.is_broken = True
    made = carrier(disk, failures)
    for output in (Keep("lines/b-1", b"box"), say(b"bundle")):
        made.take(output)
    made.flush(is_idle=False)
    await asyncio.sleep(0.05)
    assert disk.events == [] and isinstance(failures[0], StoreFailed)
