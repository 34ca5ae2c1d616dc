"""Nodes at work on cores: a step takes time. It begins when a core is free, and what comes of it leaves when it ends.

As `nodes/process/process.py` and `nodes/process/carrier.py` do it: what has arrived is read, then handled frame by
frame for some milliseconds, then votes are synced and messages leave, one for each receiver however many frames there
are. Meanwhile what arrives waits. Blocks are committed by another thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from consortium.core.crypto import KeySuite
from consortium.core.machine import Apply, Note, Output, Store, Transmit, Wake
from consortium.core.membership import NodeId
from consortium.core.verifier import Verifier
from consortium.scenario.assemble import Shared
from consortium.simulation.bus.hub import HubCosts, HubTransport
from consortium.simulation.clock import Clock, Due
from consortium.simulation.costs.cores import Cores
from consortium.simulation.costs.cost import KIB, CountedBundles, CountedSuite, Counts, Spent, Verified, step_cost_ns
from consortium.simulation.costs.profile import BrokerCost, Profile, Warmth
from consortium.simulation.simulated_node import Continue, Delivery, Parcel, SimulatedNode, Wakeup

DRAIN_US = 5_000  # nodes.process.process.SLICE_US
INLINE_BYTES_MAX = 200_000  # nodes.process.carrier.INLINE_BYTES_MAX: more is synced by another thread
FULL = "the disk refuses: no space left on device"

Arrived = Parcel | Delivery | Wakeup


class Driver(NamedTuple):
    """What the simulation does for the office. `step`: the host's own; `handle`: an item whose time has come."""

    step: Callable[[SimulatedNode, Delivery | Wakeup], Sequence[Output]]
    handle: Callable[[Continue], None]
    note: Callable[[str, Note], None]
    fail: Callable[[SimulatedNode, str], None]
    struck: Callable[[SimulatedNode], None]


class Gauge(Protocol):
    """Measures real steps, for calibration alone. `publish`: frames of each message that leaves."""

    def begin(self) -> None: ...

    def end(self, counts: Counts) -> None: ...


class PricedNodes:
    """All nodes of a simulation with a profile. `transport` is set once it is made (it needs the cores of the hub)."""

    transport: HubTransport

    def __init__(self, profile: Profile, clock: Clock, driver: Driver, machines: str, suite_name: str) -> None:
        self.profile = profile
        self.clock = clock
        self.driver = driver
        self.suite_cost = profile.suite(suite_name)
        self.gauge: Gauge | None = None
        self._verified = Verified()
        self._is_each = machines == "each"
        self._cores = Cores(clock, profile.cores)
        self._own: dict[str, Cores] = {}
        self._desks: dict[str, _Desk] = {}
        self.spent: dict[str, Spent] = {}  # by node, over all its lives

    def hub_costs(self) -> HubCosts:
        broker = self.profile.brokers.get(self.profile.broker, BrokerCost())
        return HubCosts(
            broker.publish_ns,
            broker.publish_kib_ns,
            broker.delivery_ns,
            broker.delivery_kib_ns,
            broker.turn_ns,
            broker.wake_ns,
            self.cores("").take,
            Warmth(self.profile),
        )

    def cores(self, name: str) -> Cores:
        """Of the machine of this node; "" for the broker."""
        if not self._is_each:
            return self._cores
        known = self._own.get(name)
        if known is None:
            known = self._own[name] = Cores(self.clock, self.profile.cores)
        return known

    def shared(self, computer: SimulatedNode, shared: Shared) -> Shared:
        """What this node alone uses: its own caches, its own counts."""
        counts = self._desk(computer).counts
        suite: KeySuite = CountedSuite(shared.suite, counts, None if self.gauge is not None else self._verified)
        bundles = CountedBundles(shared.bundles.chain, suite, counts)
        return shared._replace(suite=suite, verifier=Verifier(shared.verifier.codec, suite), bundles=bundles)

    def _desk(self, computer: SimulatedNode) -> _Desk:
        desk = self._desks.get(computer.name)
        if desk is None or desk.incarnation != computer.incarnation:
            desk = self._desks[computer.name] = _Desk(self, computer)
        return desk

    def note_costs(self) -> None:
        """What each node spent, as real nodes tell it."""
        for name, spent in sorted(self.spent.items()):
            self.driver.note(name, Note("cost", spent.fields()))

    def arrive(self, item: Arrived) -> None:
        self._desk(item.computer).arrive(item)

    def carry(self, computer: SimulatedNode, outputs: Sequence[Output]) -> None:
        """What a boot came to."""
        self._desk(computer).boot(outputs)


class _Desk:
    """One life of one node."""

    def __init__(self, office: PricedNodes, computer: SimulatedNode) -> None:
        self.computer = computer
        self.incarnation = computer.incarnation
        self.counts = Counts()
        self._office = office
        self._cores = office.cores(computer.name)
        self._inbox: deque[Arrived] = deque()
        self._frames: deque[Delivery] = deque()
        self._free: list[Transmit] = []  # leave at the next flush, before any sync
        self._released: list[Transmit] = []  # a sync of the other thread let them go
        self._stored_bytes = 0
        self._drain_from_us = 0
        self._is_busy = False
        self._is_committing = False
        self._idle_from_us = office.clock.now_us
        self._warmth = Warmth(office.profile)
        self._spent = office.spent.setdefault(computer.name, Spent())
        computer.frames_waiting = self._frames_waiting

    def _frames_waiting(self) -> int:
        parcels = sum(len(item.frames) for item in self._inbox if isinstance(item, Parcel))
        return len(self._frames) + parcels

    # --- time ---------------------------------------------------------------------------------------------------

    def _spend(self, what: str, plain_ns: int, then: Callable[[], None]) -> None:
        """`what`: the name of the cost; "" where it is counted already."""
        if what:
            self._spent.ns[what] += plain_ns
        cost_ns = self._warmth.cost_ns(plain_ns)
        self._spent.cpu_ns += cost_ns
        self._cores.take(cost_ns, lambda: self._go_on(then))

    def _wait(self, wait_ns: int, then: Callable[[], None]) -> None:
        self._office.clock.push(wait_ns // 1_000, Due(lambda: self._go_on(then)))

    def _go_on(self, then: Callable[[], None]) -> None:
        """Unless it died meanwhile; when it goes on, if it is paused."""
        self._office.driver.handle(Continue(self.computer, self.incarnation, then))

    # --- in -----------------------------------------------------------------------------------------------------

    def arrive(self, item: Arrived) -> None:
        self._inbox.append(item)
        self._wake_up()

    def _wake_up(self) -> None:
        if not self._is_busy:
            self._is_busy = True
            bus = self._office.profile.bus
            self._warmth.rest(self._office.clock.now_us - self._idle_from_us)
            self._wait(bus.wake_ns, lambda: self._spend("bus", bus.turn_ns, self._look))

    def boot(self, outputs: Sequence[Output]) -> None:
        self._is_busy = True
        self._take(outputs)
        self._flush()

    def _look(self) -> None:
        """One turn of the event loop."""
        bus = self._office.profile.bus
        cost_ns, timers = 0, []
        while self._inbox:
            item = self._inbox.popleft()
            if isinstance(item, Wakeup):
                timers.append(item)
                continue
            size_bytes = item.size_bytes if isinstance(item, Parcel) else 0
            cost_ns += bus.receive_ns + size_bytes * bus.receive_kib_ns // KIB
            self._frames.extend(item.frames if isinstance(item, Parcel) else (item,))
        if timers:
            self._inbox.extendleft(reversed(timers[1:]))
            self._spend("bus", cost_ns, lambda: self._step(timers[0], self._flush))
        elif self._frames:
            self._drain_from_us = self._office.clock.now_us
            self._spend("bus", cost_ns, self._drain)
        elif self._released:
            self._flush()
        else:
            self._is_busy, self._idle_from_us = False, self._office.clock.now_us

    def _drain(self) -> None:
        if not self._frames or self._office.clock.now_us - self._drain_from_us > DRAIN_US:
            self._flush()
        else:
            self._step(self._frames.popleft(), self._drain)

    def _step(self, item: Delivery | Wakeup, then: Callable[[], None]) -> None:
        """The host's step; when its time is over its outputs are there."""
        office, counts = self._office, self.counts
        counts.clear()
        counts.events = 1
        counts.bytes_in = item.size_bytes if isinstance(item, Delivery) else 0
        if office.gauge is not None:
            office.gauge.begin()
        outputs = office.driver.step(self.computer, item)
        counts.add_outputs(outputs)
        if office.gauge is not None:
            office.gauge.end(counts)

        def end() -> None:
            self._take(outputs)
            if self.computer.host is not None:
                then()

        self._spend("", step_cost_ns(counts, office.profile.host, office.suite_cost, self._spent), end)

    # --- out ----------------------------------------------------------------------------------------------------

    def _take(self, outputs: Sequence[Output]) -> None:
        office, computer = self._office, self.computer
        for output in outputs:
            if isinstance(output, Wake):
                delay_us = computer.clock.true_delay_us(output.delay_us)
                office.clock.push(delay_us, Wakeup(computer, self.incarnation, output.token))
            elif isinstance(output, Note):
                office.driver.note(computer.name, output)
            else:
                if isinstance(output, Store):
                    self._stored_bytes += len(output.record)
                free = computer.disk.take(output)
                if free is not None:
                    self._free.append(free)

    def _flush(self) -> None:
        """What waits for no sync leaves, then a sync begins, then the loop has its next turn."""
        leaving, self._free, self._released = [*self._released, *self._free], [], []
        self._publish(leaving, self._sync)

    def _sync(self) -> None:
        store, disk = self._office.profile.store, self.computer.disk
        size_bytes = self._stored_bytes
        if not disk.begin_sync():
            self._commit()
            self._look()
            return
        self._stored_bytes = 0
        wait_ns = store.sync_ns + size_bytes * store.sync_kib_ns // KIB
        if size_bytes < INLINE_BYTES_MAX:
            self._wait(wait_ns, lambda: self._publish(self._end_sync(), self._after_sync))
            return

        def end() -> None:
            self._released += self._end_sync()
            self._wake_up()

        self._wait(wait_ns, end)
        self._commit()
        self._look()

    def _end_sync(self) -> list[Transmit]:
        if self.computer.disk.is_full:
            self._office.driver.fail(self.computer, FULL)
            return []
        left = self.computer.disk.end_sync()
        self._office.driver.struck(self.computer)
        return left

    def _after_sync(self) -> None:
        self._commit()
        self._look()

    def _publish(self, transmits: Sequence[Transmit], then: Callable[[], None]) -> None:
        """One message for each receiver, one after another."""
        if self.computer.host is None:
            return
        payloads: dict[NodeId | None, list[bytes]] = {}
        for to, payload in transmits:
            payloads.setdefault(to, []).append(payload)
        messages = deque(payloads.items())
        bus = self._office.profile.bus

        def next_one() -> None:
            if not messages:
                then()
                return
            to, frames = messages.popleft()
            size_bytes = sum(map(len, frames))

            def leave() -> None:
                self._office.transport.publish(self.computer, to, frames)
                for frame in frames:
                    self.computer.traffic.count(to, frame)
                    self._office.driver.struck(self.computer)
                if self.computer.host is not None:
                    next_one()

            self._spend("bus", bus.publish_ns + size_bytes * bus.publish_kib_ns // KIB, leave)

        next_one()

    # --- blocks -------------------------------------------------------------------------------------------------

    def _commit(self) -> None:
        """By another thread: the node goes on."""
        disk = self.computer.disk
        if self._is_committing or self.computer.host is None:
            return
        if not disk.begin_commit():
            return
        self._is_committing = True
        store = self._office.profile.store
        rows, size_bytes = _weight(disk.committing)
        cost_ns = store.commit_ns + rows * store.row_ns + size_bytes * store.commit_kib_ns // KIB
        self._spend("store", cost_ns, lambda: self._wait(store.commit_wait_ns, self._committed))

    def _committed(self) -> None:
        self._is_committing = False
        if self.computer.disk.is_full:
            self._office.driver.fail(self.computer, FULL)
            return
        self.computer.disk.end_commit()
        self._commit()


def _weight(applies: Sequence[Apply]) -> tuple[int, int]:
    """Rows and bytes."""
    rows = size_bytes = 0
    for apply in applies:
        rows += len(apply.rows)
        size_bytes += sum(len(key) + len(value or b"") for _, key, value in apply.rows)
    return rows, size_bytes
