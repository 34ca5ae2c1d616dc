"""The asyncio driver of one node: frames and wake-ups into a host, its outputs to bus, disk and trace."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple, Protocol

from consortium.core.machine import Note, Now, Output, Wake
from consortium.core.membership import NodeId
from consortium.node.inbox import Inbox, Share
from consortium.node.way import Source, source_of
from consortium.scenario.network.model import NetworkModel
from nodes.broker.address import BrokerAddress
from nodes.errors import EXIT_DAMAGED, EXIT_INTERNAL, EXIT_STORE, EXIT_USAGE, Damaged, StoreFailed, UserError
from nodes.process import failpoints
from nodes.process.carrier import Carrier
from nodes.process.clock import NodeClock
from nodes.process.costs import Costs
from nodes.process.delay_line import DelayLine, UpLine
from nodes.process.notes import NodeNotes
from nodes.process.private_store import PrivateStore
from nodes.process.several_buses import connect
from nodes.process.status import Origin, Status
from nodes.process.store import SqliteRows
from nodes.process.trace_file import TraceWriter
from nodes.process.vote_log import VoteLog

SLICE_US = 5_000  # handle frames for this long at most before timers and the bus have their turn
TICK_S = 0.1

_log = logging.getLogger("node")


class DrivenHost(Protocol):
    """What a driver needs of a host (`RunningNode`, or a stand-in in tests)."""

    def begin_run(self, monotonic_us: int) -> None: ...

    def boot(self, now: Now, records: Sequence[bytes]) -> list[Output]: ...

    def arrival(self, now: Now, publisher: NodeId, payload: bytes) -> list[Output]: ...

    def wake(self, now: Now, token: int) -> list[Output]: ...

    @property
    def is_done(self) -> bool: ...

    @property
    def is_member(self) -> bool: ...

    @property
    def head_height(self) -> int: ...

    @property
    def stable_height(self) -> int: ...

    @property
    def view(self) -> int: ...

    @property
    def leader(self) -> NodeId: ...

    @property
    def queues(self) -> Mapping[str, int]: ...


class NodeFiles(NamedTuple):
    """The open files of one node, which `Process.run` closes."""

    log: VoteLog
    rows: SqliteRows
    private: PrivateStore
    trace: TraceWriter


class Hooks(NamedTuple):
    """Whom a process tells of its life. `on_ready` is called once, when the bus is up for the first time: `begin` may
    be called from then on. `on_status` is called when the status has changed. `before_carrying` is called before
    anything leaves, or is stored, that came of the steps so far."""

    on_ready: Callable[[], None] = lambda: None
    on_status: Callable[[Status], None] = lambda _: None
    before_carrying: Callable[[], None] = lambda: None


class Process:
    """One node's life: `await run()` returns its exit code. `others`: the members that it listens to. `model` is the
    network of the scenario, where the bus does not simply carry everything at once. `costs` counts the CPU, and the
    host's ledger its own in `ledger_costs_ns`. `share`: what one publisher may send in a second."""

    def __init__(
        self,
        name: NodeId,
        chain: bytes,
        host: DrivenHost,
        others: Collection[NodeId],
        addresses: Sequence[BrokerAddress],
        files: NodeFiles,
        costs: Costs,
        hooks: Hooks,
        *,
        ledger_costs_ns: Mapping[str, int] = MappingProxyType({}),
        model: NetworkModel | None = None,
        share: Share = Share(),  # noqa: B008 - a value
    ) -> None:
        self._host = host
        self._files = files
        self._hooks = hooks
        self._inbox: Inbox[bytes] = Inbox(share)
        self._notes = NodeNotes(files.trace, costs, ledger_costs_ns, lambda: self.queues)
        self.clock = NodeClock()
        self.delay_line = DelayLine(name, model, self._arrived)
        self.bus = connect(addresses, chain, name, others, self.delay_line.arrive, self._bus_state, costs)
        self._up_line = UpLine(name, model, self.bus.publish)
        self.carrier = Carrier(*files[:3], self._publish, self._failed, self._wake_up, costs)
        self.on_acknowledged: Callable[[int], None] | None = None  # f+1 members have executed this block as we did
        self.damage: Exception | None = None  # of the ledger, found while running
        self._has_begun = False
        self._is_drain_due = False
        self._is_ready = False
        self._ending: asyncio.Future[int] | None = None
        self._status: Status | None = None

    # --- life ---------------------------------------------------------------------------------------------------

    async def run(self) -> int:
        """Until `stop`, or until something fails. Everything taken is durable when it returns 0."""
        sys.setswitchinterval(0.001)  # a finished sync waits for the interpreter lock no longer than this
        gc.collect()
        gc.freeze()  # what start-up made lives as long as the process: no need to look through it again
        gc.set_threshold(50_000, 20, 20)
        self._ending = asyncio.get_running_loop().create_future()
        bus = asyncio.create_task(self.bus.run())
        ticking = asyncio.create_task(self._tick())
        for task in (bus, ticking):
            task.add_done_callback(self._task_ended)
        code = await self._ending
        _log.info("stopping at height %d with code %d", self._host.head_height, code)
        ticking.cancel()
        bus.cancel()
        await asyncio.gather(bus, ticking, return_exceptions=True)
        return await self._close(code)

    def begin(self, origin: Origin) -> None:
        """The run has begun: boot the host and take in what has arrived meanwhile."""
        if self._has_begun:
            return
        self._has_begun = True
        self._notes.begin(origin)
        self.delay_line.begin(origin.monotonic_us)
        self.bus.begin()
        _log.info("starting at height %d, bus %s", self._host.head_height, "up" if self.bus.is_up else "down")
        try:
            self._host.begin_run(origin.monotonic_us)
            outputs = self._host.boot(self.clock.now(), self._files.log.take_records())
            failpoints.reach("boot.recovered")
            self._take(outputs)
            self._note_bus()
            self._hooks.before_carrying()
            self.carrier.flush(is_idle=True)
            self._notes.flush()
            failpoints.reach("boot.begun")
        except Exception as error:
            self._failed(error)
        self._wake_up()

    def stop(self, code: int = 0) -> None:
        if self._ending is not None and not self._ending.done():
            self._ending.set_result(code)

    def act(self, call: Callable[[Now], Sequence[Output]], told: Callable[[], None]) -> None:
        """A step of the host that comes of no frame; `told` is called once all that came of it is durable."""
        if self._ending is None or self._ending.done():
            return
        try:
            self._take(call(self.clock.now()))
            self.carrier.tell(told)
            self._flush(is_idle=not self._inbox)
        except Exception as error:
            self._failed(error)

    @property
    def is_live(self) -> bool:
        """Whether its host has booted, and it is not about to end."""
        return self._has_begun and self._ending is not None and not self._ending.done()

    @property
    def is_busy(self) -> bool:
        """Whether frames of others wait, or blocks for the disk."""
        return bool(self._inbox) or self.carrier.is_full

    @property
    def rows(self) -> SqliteRows:
        """Its ledger, also what is not in the file yet."""
        return self._files.rows

    @property
    def transactions(self) -> int:
        """How many were executed since this boot."""
        return self._notes.transactions

    @property
    def queues(self) -> Mapping[str, int]:
        """How much waits where, by name."""
        return {**self._host.queues, "inbox": len(self._inbox)}

    @property
    def alarms(self) -> Mapping[str, int]:
        """What was noted since this boot that somebody should look into, by kind."""
        return self._notes.alarms

    def set_disk_full(self, *, is_full: bool) -> None:
        """A fault of the scenario: from now on vote log, ledger and private store refuse every write."""
        self._files.log.is_full = self._files.rows.is_full = self._files.private.is_full = is_full

    async def _close(self, code: int) -> int:
        try:
            failpoints.reach("stop.asked")
            if code == 0:
                await asyncio.wait_for(self.carrier.drain(), 10)
            self._notes.note_last(self._files.rows.bytes_held(), self._files.log.bytes)
            self._notes.close()
            failpoints.reach("stop.drained")
        except (StoreFailed, OSError) as error:
            self._failed(error)
            code = EXIT_STORE
        except TimeoutError:
            _log.error("the disk did not take the last blocks within 10 s")
            code = EXIT_STORE
        self.carrier.close()
        return code

    def _failed(self, error: BaseException) -> None:
        """The disk's refusal is told in a sentence; anything else is our mistake, with its traceback."""
        if isinstance(error, StoreFailed | OSError):
            _log.error(
                "the disk refuses: %s. This node stops; nothing half-written stays. Make room, start it again.", error
            )
            self.stop(EXIT_STORE)
        elif isinstance(error, Damaged):
            self.damage = error
            self.stop(EXIT_DAMAGED)
        elif isinstance(error, UserError):  # what only a person can mend: a version of a rule that this program lacks
            _log.error("%s", error)
            self.stop(EXIT_USAGE)
        else:
            _log.error("an internal error stops this node", exc_info=error)
            self.stop(EXIT_INTERNAL)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)

    # --- in -----------------------------------------------------------------------------------------------------

    def _arrived(self, source: Source, frames: list[bytes]) -> None:
        now_us = self.clock.now().monotonic_us
        if self._inbox.is_shut_out(now_us, source):
            return  # it was on its way
        note = self._inbox.add(now_us, source, [(frame, len(frame)) for frame in frames])
        if note is not None:
            self._note(note)
        self._wake_up()

    def _shut_out(self, source: Source, why: str, for_us: int) -> None:
        """Nothing of this publisher for so long: neither from the broker nor of what waits here."""
        self._inbox.shut_out(self.clock.now().monotonic_us, source, for_us)
        self.bus.shut_out(source, for_us / 1e6)
        _log.warning("for %.0f s this node does not listen to %s: %s", for_us / 1e6, source, why)

    def _wake_up(self) -> None:
        if not self._is_drain_due and self._inbox and self._has_begun:
            self._is_drain_due = True
            asyncio.get_running_loop().call_soon(self._drain)

    def _drain(self) -> None:
        """Handle what waits, then carry out all that came of it: under load many steps share a sync and a message."""
        self._is_drain_due = False
        inbox, host = self._inbox, self._host
        if self._ending is None or self._ending.done():
            return
        try:
            clock = self.clock
            began_us = clock.now().monotonic_us
            while inbox and not self.carrier.is_full:
                moment = clock.now()
                if moment.monotonic_us - began_us > SLICE_US:
                    break
                outputs = host.arrival(moment, *inbox.take())
                if outputs:
                    failpoints.reach("step.before")
                    if failpoints.is_next("step.half"):
                        self._take(outputs[: len(outputs) // 2])
                        self._flush(is_idle=True)
                    failpoints.reach("step.half")
                    self._take(outputs)
            self._flush(is_idle=not inbox)
        except Exception as error:
            self._failed(error)
            return
        if not self.carrier.is_full:
            self._wake_up()

    def _woken(self, token: int) -> None:
        if self._ending is None or self._ending.done():
            return
        try:
            self._take(self._host.wake(self.clock.now(), token))
            self._flush(is_idle=not self._inbox)
        except Exception as error:
            self._failed(error)

    # --- out ----------------------------------------------------------------------------------------------------

    def _take(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            if isinstance(output, Note):
                self._note(output)
            elif isinstance(output, Wake):
                delay_us = self.clock.true_delay_us(output.delay_us)
                asyncio.get_running_loop().call_later(delay_us / 1e6, self._woken, output.token)
            else:
                self.carrier.take(output)

    def _flush(self, *, is_idle: bool) -> None:
        self._hooks.before_carrying()
        self.carrier.flush(is_idle=is_idle)
        if is_idle:
            self._notes.flush(is_lazy=True)  # so that `kill -9` takes little of the trace with it

    def _publish(self, to: NodeId | None, frames: Sequence[bytes]) -> None:
        for frame in frames:
            self._notes.traffic.count(to, frame)
        self._up_line.publish(to, frames)

    def _note(self, note: Note) -> None:
        told = partial(self._notes.note, note.kind, note.fields, self._notes.now_us())
        if note.kind == "diverged":
            told()  # it may end this life, and rests on nothing that is stored
        else:
            self.carrier.tell(told)
        if note.kind == "rules_missing":
            _log.warning("the members voted for a rule that this program lacks: %s", note.fields["why"])
        if note.kind == "acknowledged" and self.on_acknowledged is not None:
            self.carrier.tell(partial(self.on_acknowledged, note.fields["height"]))
        if note.kind == "shut_out":
            source = source_of(note.fields["publisher"], note.fields.get("way", ""))
            self._shut_out(source, note.fields["why"], note.fields["for_us"])
        elif note.kind == "diverged" and note.fields.get("is_proven"):
            height = note.fields["height"]
            self._failed(Damaged(f"a quorum signed another block of height {height} than the one executed here"))

    def _bus_state(self, is_up: bool) -> None:
        if is_up and not self._is_ready:
            self._is_ready = True
            self._hooks.on_ready()
        self._note_bus()

    def _note_bus(self) -> None:
        self._notes.note("bus", {"state": self.bus.state})

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            if not self._has_begun:
                continue
            deaf = self.bus.diagnosis()
            if deaf:
                _log.warning("%s", deaf)
                self._notes.note("bus", {"state": self.bus.trouble, "why": deaf})
            self._notes.note_due()
            self._notes.flush()
            host = self._host
            heights = (host.head_height, host.stable_height)
            has_work = any(host.queues.values())
            status = Status(host.is_done, *heights, host.view, host.leader, host.is_member, has_work)
            if status != self._status:
                self._status = status
                self._hooks.on_status(status)
