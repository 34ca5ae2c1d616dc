"""The bus as it is: a member's line up, the broker's queue and core, the link, a member's line down.

Used where a scenario has lines or a hub, keeps the order of a link, or where a profile says what CPU costs; the plain
`Transport` knows delays alone. Partitions and links mean pairs of members here, too: the hub stands on every path, and
a path's delay comes after it (but for the way of the sender to the hub's region).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from consortium.core.codec import Malformed
from consortium.core.membership import NodeId
from consortium.core.messages import Frame, decode_frame
from consortium.scenario.network.model import LinkModel, NetworkModel
from consortium.scenario.network.pipe import Pipe
from consortium.scenario.scenario import Hub, Line, Network
from consortium.simulation.bus.transport import Seen, Transport
from consortium.simulation.clock import Clock, Due
from consortium.simulation.costs.profile import Warmth
from consortium.simulation.simulated_node import Delivery, Parcel, SimulatedNode

Grant = Callable[[int, Callable[[], None]], None]  # (cost_ns, done): done is called when a core has spent it


class HubCosts(NamedTuple):
    """CPU of one publish and one delivery, in nanoseconds for the message and for each 1,024 bytes of it; `wake_ns`:
    how long a broker that was idle takes to notice, `turn_ns`: the CPU of that. `take`: gets the work a core; None: the
    broker has its own. `warmth`: what its work costs by how long it was idle."""

    publish_ns: int = 0
    publish_kib_ns: int = 0
    delivery_ns: int = 0
    delivery_kib_ns: int = 0
    turn_ns: int = 0
    wake_ns: int = 0
    take: Grant | None = None
    warmth: Warmth | None = None


class _Cargo(NamedTuple):
    """One message on the bus: the frames of one payload."""

    sender: SimulatedNode
    to: NodeId | None
    frames: tuple[tuple[Frame | None, bytes, bytes, int], ...]  # decoded, digest, payload if not decoded, bytes
    size_bytes: int


def needs_hub(network: Network) -> bool:
    """Whether the plain `Transport` cannot carry out what this network says."""
    links = (network.default, *network.links.values())
    in_order = any(link.in_order for link in links) or any(change.fields.get("in_order") for change in network.changes)
    return network.hub is not None or bool(network.lines) or in_order


class HubTransport(Transport):
    """`is_raw`: frames reach their receivers as bytes, each for itself to decode, as on a real bus."""

    is_raw = False

    def __init__(
        self,
        clock: Clock,
        network: NetworkModel,
        nodes: Mapping[str, SimulatedNode],
        watch: Callable[[Seen], None] | None = None,
        costs: HubCosts | None = None,
    ) -> None:
        super().__init__(clock, network, nodes, watch)
        self._hub = network.network.hub or (None if costs is None else Hub())
        self._costs = _with_own(costs or HubCosts(), self._hub)
        self._up: dict[str, Pipe] = {}
        self._down: dict[str, Pipe] = {}
        hub = self._hub or Hub()
        self._in = Pipe(hub.in_bits_per_s, hub.queue_bytes)
        self._out = Pipe(hub.out_bits_per_s, hub.queue_bytes)
        self._waiting: deque[_Cargo] = deque()
        self._waiting_bytes = 0
        self._is_serving = False
        self._idle_from_us = 0
        self._owed_ns = 0  # of the broker's own core: what was not a whole microsecond
        self.dropped = 0  # at the hub's queue

    def transmit(self, sender: SimulatedNode, to: NodeId | None, payload: bytes) -> None:
        self.publish(sender, to, (payload,))

    def publish(self, sender: SimulatedNode, to: NodeId | None, payloads: Sequence[bytes]) -> None:
        """These frames leave as one message."""
        if self._watch is not None:
            for payload in payloads:
                self._watch(Seen(self._clock.now_us, sender.name, to, payload))
        if not self.is_broker_up:
            return
        cargo = _Cargo(sender, to, tuple(map(self._taken_apart, payloads)), sum(map(len, payloads)))
        leaves_us = self._pipe(self._up, sender).leaves_us(self._clock.now_us, cargo.size_bytes)
        if leaves_us is None:
            return
        if self._hub is None:
            self._at(leaves_us, lambda: self._spread(cargo))
        else:
            self._at(leaves_us + self.network.to_hub_us(sender.identity), lambda: self._reach_hub(cargo))

    def _taken_apart(self, payload: bytes) -> tuple[Frame | None, bytes, bytes, int]:
        digest, size_bytes = sha256(payload).digest(), len(payload)
        if self.is_raw:
            return None, digest, payload, size_bytes
        try:
            return decode_frame(payload), digest, b"", size_bytes
        except Malformed:
            return None, digest, payload, size_bytes  # each receiver finds out by itself

    def _pipe(self, pipes: dict[str, Pipe], node: SimulatedNode) -> Pipe:
        pipe = pipes.get(node.name)
        if pipe is None:
            line = self.network.line(node.identity) or Line()
            bits_per_s = line.up_bits_per_s if pipes is self._up else line.down_bits_per_s
            pipe = pipes[node.name] = Pipe(bits_per_s, line.queue_bytes)
        return pipe

    def _at(self, time_us: int, act: Callable[[], None]) -> None:
        if time_us <= self._clock.now_us:
            act()
        else:
            self._clock.push(time_us - self._clock.now_us, Due(act))

    # --- the hub ------------------------------------------------------------------------------------------------

    def _reach_hub(self, cargo: _Cargo) -> None:
        through_us = self._in.leaves_us(self._clock.now_us, cargo.size_bytes)
        if through_us is not None:
            self._at(through_us, lambda: self._queue(cargo))

    def _queue(self, cargo: _Cargo) -> None:
        bound = self._hub.queue_bytes if self._hub is not None else 0
        if not self.is_broker_up:
            return
        if bound and self._waiting_bytes >= bound:
            self.dropped += 1
            return
        self._waiting.append(cargo)
        self._waiting_bytes += cargo.size_bytes
        if not self._is_serving:
            self._is_serving = True
            self._at(self._clock.now_us + self._costs.wake_ns // 1_000, self._wake)

    def _wake(self) -> None:
        if self._costs.warmth is not None:
            self._costs.warmth.rest(self._clock.now_us - self._idle_from_us)
        if self._spend(self._costs.turn_ns, self._serve):
            self._serve()

    def _serve(self) -> None:
        """Publishes one after another; each goes out to its receivers one after another."""
        if not self.is_broker_up:
            self._waiting.clear()
            self._waiting_bytes = 0
        if not self._waiting:
            self._is_serving, self._idle_from_us = False, self._clock.now_us
            return
        cargo = self._waiting.popleft()
        self._waiting_bytes -= cargo.size_bytes
        routes = self._receivers(cargo.sender, cargo.to)
        costs, kib = self._costs, cargo.size_bytes / 1_024
        each_ns = costs.delivery_ns + round(costs.delivery_kib_ns * kib)
        first_ns = costs.publish_ns + round(costs.publish_kib_ns * kib)
        copies = deque(routes)

        def go_on() -> None:
            while copies:
                receiver, link = copies.popleft()
                self._send_out(cargo, receiver, link)
                if copies and not self._spend(each_ns, go_on):
                    return
            self._serve()

        if self._spend(first_ns + (each_ns if copies else 0), go_on):
            go_on()

    def _spend(self, cost_ns: int, done: Callable[[], None]) -> bool:
        """True: it took no time, go on at once. False: `done` is called when it is spent."""
        if self._costs.warmth is not None:
            cost_ns = self._costs.warmth.cost_ns(cost_ns)
        if self._costs.take is not None:
            self._costs.take(cost_ns, done)
            return False
        whole_us, self._owed_ns = divmod(self._owed_ns + cost_ns, 1_000)
        if whole_us:
            self._clock.push(whole_us, Due(done))
        return not whole_us

    def _send_out(self, cargo: _Cargo, receiver: SimulatedNode, link: LinkModel) -> None:
        if not self.is_broker_up:
            return
        out_us = self._out.leaves_us(self._clock.now_us, cargo.size_bytes)
        if out_us is not None:
            self._at(out_us, lambda: self._carry(cargo, receiver, link))

    # --- from the hub to a receiver ------------------------------------------------------------------------------

    def _spread(self, cargo: _Cargo) -> None:
        for receiver, link in self._receivers(cargo.sender, cargo.to):
            self._carry(cargo, receiver, link)

    def _carry(self, cargo: _Cargo, receiver: SimulatedNode, link: LinkModel) -> None:
        """Each copy waits on its own: a delay bounds nobody's rate."""
        if receiver.host is None:
            return
        incarnation = receiver.incarnation
        for arrival_us in link.arrivals_us(self._clock.now_us):
            self._at(arrival_us, lambda: self._arrive(cargo, receiver, incarnation))

    def _arrive(self, cargo: _Cargo, receiver: SimulatedNode, incarnation: int) -> None:
        through_us = self._pipe(self._down, receiver).leaves_us(self._clock.now_us, cargo.size_bytes)
        if through_us is None:
            return
        frames = tuple(Delivery(receiver, incarnation, cargo.sender.identity, *frame) for frame in cargo.frames)
        self._clock.push(through_us - self._clock.now_us, Parcel(receiver, incarnation, frames, cargo.size_bytes))


def _with_own(costs: HubCosts, hub: Hub | None) -> HubCosts:
    """What the scenario's hub says of itself takes the place of the profile's."""
    if hub is None or (hub.publish_ns is None and hub.delivery_ns is None):
        return costs
    return costs._replace(
        publish_ns=costs.publish_ns if hub.publish_ns is None else hub.publish_ns,
        delivery_ns=costs.delivery_ns if hub.delivery_ns is None else hub.delivery_ns,
    )
