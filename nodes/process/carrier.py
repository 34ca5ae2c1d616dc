"""Carries a host's outputs out, in step order: nothing is sent, stored or told past an unsynced `Store`.

Steps go on while a sync runs; one sync serves many steps. Blocks are committed in order behind the votes they rest
on; sending does not wait for them, since a block can be executed again from what is synced or known to others.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from consortium.core.machine import Apply, Drop, Keep, Store, Transmit
from consortium.core.membership import NodeId
from nodes.process import failpoints
from nodes.process.costs import Costs
from nodes.process.private_store import PrivateStore
from nodes.process.store import SqliteRows
from nodes.process.vote_log import VoteLog

APPLIES_WAITING_MAX = 256  # above this the node takes nothing in until the disk has caught up
INLINE_BYTES_MAX = 200_000
INLINE_APPLIES_MIN = 32  # so many blocks at once: this node catches up, and computes all the time

_log = logging.getLogger("store")


class _Batch:
    """Stores to be synced together, and what may leave after them. `stable_height`: as of the moment at which nothing
    more came into it: records up to there are in no later batch again."""

    __slots__ = ("applies", "private", "stable_height", "stores", "tales", "transmits")

    def __init__(self) -> None:
        self.stable_height = 0
        self.tales: list[Callable[[], None]] = []
        self.private: list[Keep | Drop] = []
        self.stores: list[tuple[int | None, bytes]] = []
        self.transmits: list[Transmit] = []
        self.applies: list[Apply] = []

    @property
    def is_durable(self) -> bool:
        """Whether something in it must be durable before the rest."""
        return bool(self.stores or self.private)


class _Threads(NamedTuple):
    sync: ThreadPoolExecutor
    commit: ThreadPoolExecutor


class Carrier:
    """`publish(to, frames)` hands frames to the bus; `on_failure(error)` is told when the disk refuses;
    `on_room()` is called when `is_full` ends."""

    def __init__(
        self,
        log: VoteLog,
        rows: SqliteRows,
        private: PrivateStore,
        publish: Callable[[NodeId | None, Sequence[bytes]], None],
        on_failure: Callable[[BaseException], None],
        on_room: Callable[[], None],
        costs: Costs,
    ) -> None:
        self._log = log
        self._rows = rows
        self._private = private
        self._publish = publish
        self._on_failure = on_failure
        self._on_room = on_room
        self._costs = costs
        self._free: list[Transmit] = []  # wait for no sync
        self._batch = _Batch()
        self._is_syncing = False
        self._is_broken = False  # the disk refused: nothing leaves any more
        self._is_closed = False
        self._applies: list[Apply] = []
        self._committing: list[Apply] = []
        self._threads = _Threads(ThreadPoolExecutor(1, "sync"), ThreadPoolExecutor(1, "commit"))
        self._stable_height = 0
        self._idle: asyncio.Event = asyncio.Event()
        self.on_committed: Callable[[Sequence[Apply]], None] | None = None  # blocks that whoever opens the file finds
        self.outputs_left: int | None = None  # a fault of the scenario: after so many syncs and frames it is killed

    @property
    def is_full(self) -> bool:
        return len(self._applies) > APPLIES_WAITING_MAX

    def take(self, output: Transmit | Store | Keep | Drop | Apply) -> None:
        """The next output of the host; carried out at the latest after `flush`."""
        batch = self._batch
        if isinstance(output, Transmit):
            if self._is_syncing or batch.is_durable:
                batch.transmits.append(output)
            else:
                self._free.append(output)
        elif isinstance(output, Store):
            batch.stores.append((output.height, output.record))
        elif isinstance(output, Keep | Drop):
            batch.private.append(output)
        elif self._is_syncing or batch.is_durable:
            batch.applies.append(output)
        else:
            self._applies.append(output)

    def tell(self, tale: Callable[[], None]) -> None:
        """Call this in the order of steps: once all that was taken before is synced. A trace that is ahead of the disk
        tells of what a death undoes."""
        if self._is_syncing or self._batch.is_durable:
            self._batch.tales.append(tale)
        else:
            tale()

    def flush(self, *, is_idle: bool) -> None:
        """Send what may be sent; start a sync if one is due. `is_idle`: there is nothing else to do meanwhile, so
        a short sync is done here and now, which saves two changes of thread."""
        if self._is_broken or self._is_closed:
            return
        if self._free:
            self._send(self._free)
            self._free = []
        if self._batch.is_durable and not self._is_syncing:
            batch, self._batch = self._batch, _Batch()
            batch.stable_height = self._stable_height
            is_short = sum(len(record) for _, record in batch.stores) < INLINE_BYTES_MAX
            is_votes_alone = is_short and not batch.private
            if is_idle and is_votes_alone and not self._log.is_due(self._stable_height):
                self._sync(batch)
                self._release(batch)
            else:
                self._start_sync(batch)
        self._start_commit()

    # --- votes --------------------------------------------------------------------------------------------------

    def _sync(self, batch: _Batch) -> None:
        """The private store first: what is stored of a submission rests on the record that it commits to."""
        cpu = self._costs.clock()
        try:
            if batch.private:
                self._private.commit(batch.private)
            if batch.stores:
                self._log.append(batch.stores)
                self._log.compact(batch.stable_height)
        except BaseException:
            self._is_broken = True
            raise
        self._strike()
        self._costs.add("store", self._costs.clock() - cpu)

    def _start_sync(self, batch: _Batch) -> None:
        self._is_syncing = True

        def done(future: asyncio.Future[None]) -> None:
            self._is_syncing = False
            if self._is_sound(future) and not self._is_closed:
                self._release(batch)
                self.flush(is_idle=False)

        self._run(self._threads.sync, self._sync, batch, done)

    def _release(self, batch: _Batch) -> None:
        self._private.committed(batch.private)
        self._let_go(batch)
        if not self._batch.is_durable:  # what queued behind this sync waits for no other
            behind, self._batch = self._batch, _Batch()
            self._let_go(behind)

    def _let_go(self, batch: _Batch) -> None:
        for tale in batch.tales:
            tale()
        self._send(batch.transmits)
        self._applies.extend(batch.applies)

    def _send(self, transmits: Sequence[Transmit]) -> None:
        frames: dict[NodeId | None, list[bytes]] = {}
        for to, payload in transmits:
            frames.setdefault(to, []).append(payload)
        if frames:
            failpoints.reach("publish.before")
        if len(transmits) > 1:
            if failpoints.is_next("publish.middle"):
                self._publish(transmits[0].to, [transmits[0].payload])
            failpoints.reach("publish.middle")
        if self.outputs_left is not None:
            for to, payload in transmits:
                self._publish(to, [payload])
                self._strike()
            return
        for to, payloads in frames.items():
            self._publish(to, payloads)
        if frames:
            failpoints.reach("publish.after")

    def _strike(self) -> None:
        """One more output is out; the last that a kill in the middle of a step leaves."""
        if self.outputs_left is not None:
            self.outputs_left -= 1
            if self.outputs_left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    # --- blocks -------------------------------------------------------------------------------------------------

    def _start_commit(self) -> None:
        if self._committing or not self._applies:
            self._tell_idle()
            return
        if self._is_broken or self._is_closed:
            return
        applies = self._committing = self._applies
        self._applies = []
        if len(applies) < INLINE_APPLIES_MIN:
            self._run(self._threads.commit, self._commit, applies, self._on_committed)
        elif self._write_here(applies):
            self._run(self._threads.commit, self._rows.sync, applies, self._on_committed)

    def _write_here(self, applies: Sequence[Apply]) -> bool:
        """The rows, in this thread: two threads that both compute pass the interpreter's lock to and fro at every row,
        and on a busy machine each pass waits for the scheduler. The disk is waited for in the other one."""
        cpu = self._costs.clock()
        try:
            self._rows.write(applies)
        except Exception as error:
            self._is_broken = True
            self._on_failure(error)
        self._costs.add("store", self._costs.clock() - cpu)
        return not self._is_broken

    def _on_committed(self, future: asyncio.Future[None]) -> None:
        applies, self._committing = self._committing, []
        if not self._is_sound(future):
            return
        self._rows.committed(applies)
        failpoints.reach("commit.known")
        for apply in applies:
            if any(table == "seal" and value is not None for table, _, value in apply.rows):
                self._stable_height = max(self._stable_height, apply.height)
        if self.on_committed is not None:
            self.on_committed(applies)
        was_full = self.is_full
        self._start_commit()
        if was_full:
            self._on_room()

    def _commit(self, applies: Sequence[Apply]) -> None:
        cpu = self._costs.clock()
        self._rows.commit(applies)
        self._costs.add("store", self._costs.clock() - cpu)

    # --- threads ------------------------------------------------------------------------------------------------

    def _run(self, thread: ThreadPoolExecutor, work: Callable[[Any], None], argument: Any, done: Any) -> None:
        self._idle.clear()
        asyncio.get_running_loop().run_in_executor(thread, work, argument).add_done_callback(done)

    def _is_sound(self, future: asyncio.Future[None]) -> bool:
        error = None if future.cancelled() else future.exception()
        if error is not None:
            self._is_broken = True
            self._on_failure(error)
        return error is None

    def _tell_idle(self) -> None:
        if not (self._is_syncing or self._committing or self._applies or self._batch.is_durable):
            self._idle.set()

    async def drain(self) -> None:
        """Everything taken so far is durable when this returns."""
        self.flush(is_idle=False)
        await self._idle.wait()

    def close(self) -> None:
        """Ends what is under way, and begins nothing more: also where a sync or commit ends while this waits for it,
        and tells the loop of it afterwards."""
        self._is_closed = True
        self._threads.sync.shutdown()
        self._threads.commit.shutdown()
        self._log.close()
        self._rows.close()
        self._private.close()
