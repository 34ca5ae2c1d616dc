"""Nodes at work on cores: a step takes time. It begins when a core is free, and what comes of it leaves when it ends.

As `nodes/process/process.py` and `nodes/process/carrier.py` do it: what has arrived is read, then handled frame by
frame, its publishers in turns, for some milliseconds, then votes are synced and messages leave, one for each receiver
however many frames there are. Meanwhile what arrives waits. Blocks are committed by another thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from consortium.core.crypto import KeySuite
from consortium.core.machine import Apply, Keep, Note, Output, Store, Transmit, Wake
from consortium.core.membership import NodeId
from consortium.core.verifier import Verifier
from consortium.node.inbox import Inbox
from consortium.scenario.assemble import Shared
from consortium.scenario.network.model import NetworkModel
from consortium.scenario.scenario import Scenario
from consortium.simulation.bus.hub import HubCosts, HubTransport
from consortium.simulation.bus.transport import Seen
from consortium.simulation.clock import Clock, Due
from consortium.simulation.costs.cores import Cores
from consortium.simulation.costs.cost import KIB, CountedBundles, CountedSuite, Counts, Spent, Verified, step_cost_ns
from consortium.simulation.costs.profile import BrokerCost, Profile, Warmth
from consortium.simulation.driver import Arrived
from consortium.simulation.lives import DISK_FULL, NodeLives
from consortium.simulation.simulated_node import Continue, Delivery, Parcel, SimulatedNode, Wakeup

DRAIN_US = 5_000  # nodes.process.process.SLICE_US
INLINE_BYTES_MAX = 200_000  # nodes.process.carrier.INLINE_BYTES_MAX: more is synced by another thread


class Gauge(Protocol):
    """Measures real steps, for calibration alone. `publish`: frames of each message that leaves."""

    def begin(self) -> None: ...

    def end(self, counts: Counts) -> None: ...


class PricedNodes:
    """All nodes of a simulation with a profile; see `NodeDriver`. Votes are delivered one by one, over a hub whose
    work costs CPU like theirs."""

    level = "message"

    def __init__(
        self,
        profile: Profile,
        scenario: Scenario,
        clock: Clock,
        network: NetworkModel,
        nodes: Mapping[str, SimulatedNode],
        lives: NodeLives,
        watch: Callable[[Seen], None] | None,
    ) -> None:
        self.profile = profile
        self.clock = clock
        self.lives = lives
        self.suite_cost = profile.suite(scenario.suite)
        self.gauge: Gauge | None = None
        self._verified = Verified()
        self._is_each = scenario.network.machines == "each"
        self._cores = Cores(clock, profile.cores)
        self._own: dict[str, Cores] = {}
        self._living: dict[str, PricedNode] = {}
        self.spent: dict[str, Spent] = {}  # by node, over all its lives
        self.transport = HubTransport(clock, network, nodes, watch, self.hub_costs())

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
        """The cores of the machine that this node runs on; `name` "" is the broker."""
        if not self._is_each:
            return self._cores
        known = self._own.get(name)
        if known is None:
            known = self._own[name] = Cores(self.clock, self.profile.cores)
        return known

    def shared(self, node: SimulatedNode, shared: Shared) -> Shared:
        """What this node alone uses: its own caches, its own counts."""
        counts = self._priced(node).counts
        suite: KeySuite = CountedSuite(shared.suite, counts, None if self.gauge is not None else self._verified)
        bundles = CountedBundles(shared.bundles.chain, suite, counts)
        return shared._replace(suite=suite, verifier=Verifier(shared.verifier.codec, suite), bundles=bundles)

    def _priced(self, node: SimulatedNode) -> PricedNode:
        priced = self._living.get(node.name)
        if priced is None or priced.incarnation != node.incarnation:
            priced = self._living[node.name] = PricedNode(self, node)
        return priced

    def deliver(self) -> None:
        """Every delivery is an item of the clock."""

    def end_collapse(self) -> None:
        """Nothing was collapsed."""

    def about(self) -> dict[str, Any]:
        return {"profile": self.profile.name, "profile_broker": self.profile.broker, "cores": self.profile.cores}

    def end(self) -> None:
        """What each node spent, as real nodes tell it."""
        for name, spent in sorted(self.spent.items()):
            self.lives.note(name, Note("cost", spent.fields()))

    def arrive(self, item: Arrived) -> None:
        self._priced(item.node).arrive(item)

    def carry(self, node: SimulatedNode, outputs: Sequence[Output]) -> None:
        self._priced(node).boot(outputs)


class PricedNode:
    """One life of one node."""

    def __init__(self, nodes: PricedNodes, node: SimulatedNode) -> None:
        self.node = node
        self.incarnation = node.incarnation
        self.counts = Counts()
        self._nodes = nodes
        self._cores = nodes.cores(node.name)
        self._inbox: deque[Arrived] = deque()
        self._frames: Inbox[Delivery] = Inbox()
        self._free: list[Transmit] = []  # leave at the next flush, before any sync
        self._released: list[Transmit] = []  # a sync of the other thread let them go
        self._stored_bytes = 0
        self._drain_from_us = 0
        self._is_busy = False
        self._is_committing = False
        self._idle_from_us = nodes.clock.now_us
        self._warmth = Warmth(nodes.profile)
        self._spent = nodes.spent.setdefault(node.name, Spent())
        node.frames_waiting = self._frames_waiting

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
        self._nodes.clock.push(wait_ns // 1_000, Due(lambda: self._go_on(then)))

    def _go_on(self, then: Callable[[], None]) -> None:
        """Call `then`, unless the node died meanwhile; if it is paused, when it goes on."""
        self._nodes.lives.handle(Continue(self.node, self.incarnation, then))

    # --- in -----------------------------------------------------------------------------------------------------

    def arrive(self, item: Arrived) -> None:
        self._inbox.append(item)
        self._wake_up()

    def _wake_up(self) -> None:
        if not self._is_busy:
            self._is_busy = True
            bus = self._nodes.profile.bus
            self._warmth.rest(self._nodes.clock.now_us - self._idle_from_us)
            self._wait(bus.wake_ns, lambda: self._spend("bus", bus.turn_ns, self._look))

    def boot(self, outputs: Sequence[Output]) -> None:
        self._is_busy = True
        self._take(outputs)
        self._flush()

    def _look(self) -> None:
        """One turn of the event loop."""
        bus = self._nodes.profile.bus
        cost_ns, timers = 0, []
        while self._inbox:
            item = self._inbox.popleft()
            if isinstance(item, Wakeup):
                timers.append(item)
                continue
            size_bytes = item.size_bytes if isinstance(item, Parcel) else 0
            if self._take_in(item.frames if isinstance(item, Parcel) else (item,)):
                cost_ns += bus.receive_ns + size_bytes * bus.receive_kib_ns // KIB
        if timers:
            self._inbox.extendleft(reversed(timers[1:]))
            self._spend("bus", cost_ns, lambda: self._step(timers[0], self._flush))
        elif self._frames:
            self._drain_from_us = self._nodes.clock.now_us
            self._spend("bus", cost_ns, self._drain)
        elif self._released:
            self._flush()
        else:
            self._is_busy, self._idle_from_us = False, self._nodes.clock.now_us

    def _take_in(self, frames: Sequence[Delivery]) -> bool:
        """False where their publisher is shut out: the bus does not deliver what it says."""
        publisher, now_us = frames[0].publisher, self._nodes.clock.now_us
        if self._frames.is_shut_out(now_us, publisher):
            return False
        note = self._frames.add(now_us, publisher, [(frame, frame.size_bytes) for frame in frames])
        if note is not None:
            self._nodes.lives.note(self.node.name, note)
        return True

    def _drain(self) -> None:
        if not self._frames or self._nodes.clock.now_us - self._drain_from_us > DRAIN_US:
            self._flush()
        else:
            self._step(self._frames.take()[1], self._drain)

    def _step(self, item: Delivery | Wakeup, then: Callable[[], None]) -> None:
        """Let the host make a step; its outputs are there when its time is over."""
        nodes, counts = self._nodes, self.counts
        counts.clear()
        counts.events = 1
        counts.bytes_in = item.size_bytes if isinstance(item, Delivery) else 0
        if nodes.gauge is not None:
            nodes.gauge.begin()
        outputs = nodes.lives.step(self.node, item)
        counts.add_outputs(outputs)
        if nodes.gauge is not None:
            nodes.gauge.end(counts)

        def end() -> None:
            self._take(outputs)
            if self.node.host is not None:
                then()

        self._spend("", step_cost_ns(counts, nodes.profile.host, nodes.suite_cost, self._spent), end)

    # --- out ----------------------------------------------------------------------------------------------------

    def _take(self, outputs: Sequence[Output]) -> None:
        nodes, node = self._nodes, self.node
        for output in outputs:
            if isinstance(output, Wake):
                delay_us = node.clock.true_delay_us(output.delay_us)
                nodes.clock.push(delay_us, Wakeup(node, self.incarnation, output.token))
            elif isinstance(output, Note):
                nodes.lives.note(node.name, output)
                if output.kind == "shut_out":
                    fields = output.fields
                    self._frames.shut_out(nodes.clock.now_us, fields["publisher"], fields["for_us"])
            else:
                if isinstance(output, Store):
                    self._stored_bytes += len(output.record)
                elif isinstance(output, Keep):
                    self._stored_bytes += len(output.value)
                free = node.disk.take(output)
                if free is not None:
                    self._free.append(free)

    def _flush(self) -> None:
        """What waits for no sync leaves, then a sync begins, then the loop has its next turn."""
        leaving, self._free, self._released = [*self._released, *self._free], [], []
        self._publish(leaving, self._sync)

    def _sync(self) -> None:
        store, disk = self._nodes.profile.store, self.node.disk
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
        if self.node.disk.is_full:
            self._nodes.lives.fail(self.node, DISK_FULL)
            return []
        left = self.node.disk.end_sync()
        self._nodes.lives.count_output(self.node)
        return left

    def _after_sync(self) -> None:
        self._commit()
        self._look()

    def _publish(self, transmits: Sequence[Transmit], then: Callable[[], None]) -> None:
        """One message for each receiver, one after another."""
        if self.node.host is None:
            return
        payloads: dict[NodeId | None, list[bytes]] = {}
        for to, payload in transmits:
            payloads.setdefault(to, []).append(payload)
        messages = deque(payloads.items())
        bus = self._nodes.profile.bus

        def next_one() -> None:
            if not messages:
                then()
                return
            to, frames = messages.popleft()
            size_bytes = sum(map(len, frames))

            def leave() -> None:
                self._nodes.transport.publish(self.node, to, frames)
                for frame in frames:
                    self.node.traffic.count(to, frame)
                    self._nodes.lives.count_output(self.node)
                if self.node.host is not None:
                    next_one()

            self._spend("bus", bus.publish_ns + size_bytes * bus.publish_kib_ns // KIB, leave)

        next_one()

    # --- blocks -------------------------------------------------------------------------------------------------

    def _commit(self) -> None:
        """Begin a commit. Another thread does it, and the node goes on."""
        disk = self.node.disk
        if self._is_committing or self.node.host is None:
            return
        if not disk.begin_commit():
            return
        self._is_committing = True
        store = self._nodes.profile.store
        rows, size_bytes = _weight(disk.committing)
        cost_ns = store.commit_ns + rows * store.row_ns + size_bytes * store.commit_kib_ns // KIB
        self._spend("store", cost_ns, lambda: self._wait(store.commit_wait_ns, self._committed))

    def _committed(self) -> None:
        self._is_committing = False
        if self.node.disk.is_full:
            self._nodes.lives.fail(self.node, DISK_FULL)
            return
        self.node.disk.end_commit()
        self._commit()


def _weight(applies: Sequence[Apply]) -> tuple[int, int]:
    """Rows and bytes."""
    rows = size_bytes = 0
    for apply in applies:
        rows += len(apply.rows)
        size_bytes += sum(len(key) + len(value or b"") for _, key, value in apply.rows)
    return rows, size_bytes
