"""The asyncio driver of one node: frames and wake-ups into a host, its outputs to bus, disk and trace."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from consortium.core.machine import Note, Now, Output, Wake
from consortium.core.membership import NodeId
from consortium.core.traffic import Traffic
from consortium.scenario.network.model import NetworkModel
from nodes.broker.address import BrokerAddress
from nodes.errors import EXIT_DAMAGED, EXIT_INTERNAL, EXIT_STORE, Damaged, StoreFailed
from nodes.process import failpoints
from nodes.process.bus import Bus
from nodes.process.carrier import Carrier
from nodes.process.clock import NodeClock, now
from nodes.process.costs import Costs
from nodes.process.delay_line import DelayLine, UpLine
from nodes.process.inbox import Inbox
from nodes.process.store import SqliteRows
from nodes.process.trace_file import TraceWriter
from nodes.process.vote_log import VoteLog

SLICE_US = 5_000  # handle frames for this long at most before timers and the bus have their turn
TICK_S = 0.1
TRACE_S = 0.01
COST_EVERY_S = 5.0
TRAFFIC_EVERY_S = 10.0
QUEUES_EVERY_S = 0.5

_WORDS = {  # notes that whoever runs this node wants to read in its log
    "observing": "this node does not vote: %(why)s (shown by %(shown_by)s)",
    "catching_up": "this node is behind: it fetches heights %(from_height)d to %(to_height)d from the others",
    "caught_up": "this node has caught up, at height %(height)d",
    "snapshot": "this node begins anew with a verified snapshot of height %(height)d",
    "unheard": "no findings on heights %(from_height)d to %(to_height)d: they came as a snapshot; others saw them",
}

_log = logging.getLogger("node")


class DrivenHost(Protocol):
    """What a driver needs of a host (`RunningNode`, or a stand-in in tests)."""

    def begin_run(self, monotonic_us: int) -> None: ...

    def boot(self, now: Now, records: Sequence[bytes]) -> list[Output]: ...

    def arrival(self, now: Now, payload: bytes) -> list[Output]: ...

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


class Status(NamedTuple):
    """What a conductor wants to know of a node while it runs. One that is no member any more only listens."""

    is_done: bool
    head_height: int
    stable_height: int
    view: int
    leader: NodeId
    is_member: bool = True


class Origin(NamedTuple):
    """When the run began, on both clocks; traces count from here. All processes of one machine share the first."""

    monotonic_us: int
    wall_us: int


def origin_at(start_wall_us: int) -> Origin:
    """The origin of a run that began (or begins) at this time of UTC."""
    here = now()
    return Origin(here.monotonic_us - (here.wall_us - start_wall_us), start_wall_us)


class Process:
    """One node's life: `await run()` returns its exit code. `begin` may be called once the bus is up (`on_ready`).
    `before_carrying` is called before anything that came of the steps so far leaves, or is stored."""

    def __init__(
        self,
        name: NodeId,
        chain: bytes,
        host: DrivenHost,
        address: BrokerAddress,
        log: VoteLog,
        rows: SqliteRows,
        trace: TraceWriter,
        costs: Costs,
        *,
        ledger_costs_ns: Mapping[str, int] = MappingProxyType({}),
        model: NetworkModel | None = None,
        on_ready: Callable[[], None] = lambda: None,
        on_status: Callable[[Status], None] = lambda _: None,
        before_carrying: Callable[[], None] = lambda: None,
    ) -> None:
        self._host = host
        self._log = log
        self._rows = rows
        self._trace = trace
        self._rows = rows
        self._costs = costs
        self._on_ready = on_ready
        self._on_status = on_status
        self._before_carrying = before_carrying
        self._inbox = Inbox()
        self.clock = NodeClock()
        self.delay_line = DelayLine(name, model, self._arrived)
        self.bus = Bus(address, chain, name, self.delay_line.arrive, self._bus_state, costs)
        self._up_line = UpLine(name, model, self.bus.publish)
        self.carrier = Carrier(log, rows, self._publish, self._failed, self._wake_up, costs)
        self._traffic = Traffic(time.time_ns() // 1_000)
        self._queues_told: Mapping[str, int] = {}
        self._origin: Origin | None = None
        self._is_drain_due = False
        self._is_ready = False
        self._ending: asyncio.Future[int] | None = None
        self._status: Status | None = None
        self.damage: Exception | None = None  # of the ledger, found while running
        self._transactions = 0
        self._ledger_costs_ns = ledger_costs_ns

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
        if self._origin is not None:
            return
        self._origin = origin
        self.delay_line.begin(origin.monotonic_us)
        _log.info("starting at height %d, bus %s", self._host.head_height, "up" if self.bus.is_up else "down")
        self._costs.begin()
        try:
            self._host.begin_run(origin.monotonic_us)
            outputs = self._host.boot(self.clock.now(), self._log.take_records())
            failpoints.reach("boot.recovered")
            self._take(outputs)
            self._note_bus()
            self._before_carrying()
            self.carrier.flush(is_idle=True)
            self._trace.flush()
            failpoints.reach("boot.begun")
        except Exception as error:
            self._failed(error)
        self._wake_up()

    def stop(self, code: int = 0) -> None:
        if self._ending is not None and not self._ending.done():
            self._ending.set_result(code)

    def set_disk_full(self, *, is_full: bool) -> None:
        """A fault of the scenario: from now on vote log and ledger refuse every write, as on a disk without room."""
        self._log.is_full = self._rows.is_full = is_full

    async def _close(self, code: int) -> int:
        try:
            failpoints.reach("stop.asked")
            if code == 0:
                await asyncio.wait_for(self.carrier.drain(), 10)
            self._note_cost()
            self._note_storage()
            self._trace.close()
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
        else:
            _log.error("an internal error stops this node", exc_info=error)
            self.stop(EXIT_INTERNAL)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)

    # --- in -----------------------------------------------------------------------------------------------------

    def _arrived(self, frames: list[bytes]) -> None:
        self._inbox.add(frames)
        self._wake_up()

    def _wake_up(self) -> None:
        if not self._is_drain_due and self._inbox and self._origin is not None:
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
                outputs = host.arrival(moment, inbox.take())
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
                self._note(output.kind, output.fields)
            elif isinstance(output, Wake):
                delay_us = self.clock.true_delay_us(output.delay_us)
                asyncio.get_running_loop().call_later(delay_us / 1e6, self._woken, output.token)
            else:
                self.carrier.take(output)

    def _flush(self, *, is_idle: bool) -> None:
        self._before_carrying()
        self.carrier.flush(is_idle=is_idle)
        if is_idle:
            self._trace.flush(older_than_s=TRACE_S)  # so that `kill -9` takes little of the trace with it

    def _publish(self, to: NodeId | None, frames: Sequence[bytes]) -> None:
        for frame in frames:
            self._traffic.count(to, frame)
        self._up_line.publish(to, frames)

    def _note(self, kind: str, fields: dict[str, Any]) -> None:
        if self._origin is not None:
            self._trace.add(time.monotonic_ns() // 1_000 - self._origin.monotonic_us, kind, fields)
            if kind == "executed":
                self._transactions += fields.get("transactions", 0)
            elif kind == "diverged" and fields.get("is_proven"):
                why = f"a quorum signed another block of height {fields['height']} than the one that this node executed"
                self._failed(Damaged(why))
            elif kind in _WORDS:
                _log.log(logging.WARNING if kind == "observing" else logging.INFO, _WORDS[kind], fields)

    def _bus_state(self, is_up: bool) -> None:
        if is_up and not self._is_ready:
            self._is_ready = True
            self._on_ready()
        self._note_bus()

    def _note_bus(self) -> None:
        self._note("bus", {"state": "up" if self.bus.is_up else "down"})

    def _note_cost(self) -> None:
        """Costs since this boot; those that the ledger measures are its own."""
        self._costs.ns.update(self._ledger_costs_ns)
        self._note("cost", self._costs.fields(self._transactions))

    def _note_queues(self) -> None:
        """Where they changed: an idle node writes nothing."""
        queues = {**self._host.queues, "inbox": len(self._inbox)}
        if queues != self._queues_told:
            self._queues_told = queues
            self._note("queues", queues)

    def _note_storage(self) -> None:
        """The last words: what was said since this boot, and what is kept."""
        self._note_queues()
        self._note("traffic", self._traffic.fields())
        self._note("storage", {"ledger_bytes": self._rows.bytes_held(), "votes_bytes": self._log.bytes})

    async def _tick(self) -> None:
        cost_s = time.monotonic() + COST_EVERY_S
        traffic_s = time.monotonic() + TRAFFIC_EVERY_S
        queues_s = 0.0
        while True:
            await asyncio.sleep(TICK_S)
            if self._origin is None:
                continue
            if time.monotonic() >= cost_s:
                cost_s += COST_EVERY_S
                self._note_cost()
            if time.monotonic() >= traffic_s:
                traffic_s += TRAFFIC_EVERY_S
                self._note("traffic", self._traffic.fields())
            if time.monotonic() >= queues_s:
                queues_s = time.monotonic() + QUEUES_EVERY_S
                self._note_queues()
            self._trace.flush()
            host = self._host
            heights = (host.head_height, host.stable_height)
            status = Status(host.is_done, *heights, host.view, host.leader, host.is_member)
            if status != self._status:
                self._status = status
                self._on_status(status)
