"""The simulated bus: who hears whom, after how long, how often. It may lose, repeat, reorder and delay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from consortium.core.codec import Malformed
from consortium.core.machine import Received
from consortium.core.membership import NodeId
from consortium.core.messages import Frame, decode_frame
from consortium.scenario.network.model import LinkModel, NetworkModel, matches
from consortium.simulation.bus.broadcasts import Broadcasts
from consortium.simulation.clock import Clock
from consortium.simulation.simulated_node import Delivery, SimulatedNode


class Seen(NamedTuple):
    """What a watcher of the bus sees: one frame as it leaves. `to` None: to all."""

    t_us: int
    sender: str
    to: NodeId | None
    payload: bytes


class _Route(NamedTuple):
    receiver: SimulatedNode
    link: LinkModel


class Transport:
    """`watch` is called for every frame that leaves a node."""

    def __init__(
        self,
        clock: Clock,
        network: NetworkModel,
        nodes: Mapping[str, SimulatedNode],
        watch: Callable[[Seen], None] | None = None,
    ) -> None:
        self._clock = clock
        self.network = network
        self._nodes = nodes
        self._watch = watch
        self._has_twins = any(node.name != node.identity for node in nodes.values())
        self._groups: dict[str, int] = {}
        self._links: tuple[str, ...] = ()
        self._confined: dict[str, frozenset[NodeId]] = {}
        self._routes: dict[tuple[str, NodeId | None], list[_Route]] = {}
        self.is_broker_up = True
        self.version = 0  # grows when other members hear one another
        self.broadcasts: Broadcasts | None = None  # carries what is said to all, where that is quicker

    # --- who hears whom -----------------------------------------------------------------------------------------

    def partition(self, groups: Sequence[Sequence[str]], links: Sequence[str]) -> None:
        """Members of different groups (those of none form one together) hear nothing of one another, and nothing goes
        over these one-way links. Replaces the partition before."""
        self._groups = {name: index + 1 for index, group in enumerate(groups) for name in group}
        self._links = tuple(links)
        self._redraw()

    def confine(self, name: str, members: Sequence[NodeId]) -> None:
        """Let a twin hear, and be heard by, these members alone, for good."""
        self._confined[name] = frozenset(members)
        self._redraw()

    def _redraw(self) -> None:
        self._routes.clear()
        self.version += 1

    @property
    def is_all_open(self) -> bool:
        """Whether everybody hears all others."""
        return not (self._groups or self._links or self._confined or self._has_twins)

    def is_open(self, sender: SimulatedNode, receiver: SimulatedNode) -> bool:
        if self._group(sender) != self._group(receiver):
            return False
        if any(matches(pattern, sender.name, receiver.name) for pattern in self._links):
            return False
        for one, other in ((sender, receiver), (receiver, sender)):
            known = self._confined.get(one.name)
            if known is not None and other.identity not in known:
                return False
        return True

    def _group(self, node: SimulatedNode) -> int:
        return self._groups.get(node.name, self._groups.get(node.identity, 0))

    def hearers(self, sender: SimulatedNode) -> list[SimulatedNode]:
        """Who hears what it says to all, alive or not."""
        return self._hearers(sender, None)

    def _hearers(self, sender: SimulatedNode, to: NodeId | None) -> list[SimulatedNode]:
        return [
            receiver
            for receiver in self._nodes.values()
            if receiver.identity != sender.identity
            and to in (None, receiver.identity)
            and self.is_open(sender, receiver)
        ]

    def _receivers(self, sender: SimulatedNode, to: NodeId | None) -> list[_Route]:
        routes = self._routes.get((sender.name, to))
        if routes is None:
            routes = self._routes[sender.name, to] = [
                _Route(receiver, self.network.link(sender.name, receiver.name))
                for receiver in self._hearers(sender, to)
            ]
        return routes

    # --- carrying -----------------------------------------------------------------------------------------------

    def transmit(self, sender: SimulatedNode, to: NodeId | None, payload: bytes) -> None:
        if self._watch is not None:
            self._watch(Seen(self._clock.now_us, sender.name, to, payload))
        if not self.is_broker_up:
            return
        digest = sha256(payload).digest()
        frame: Frame | None = None
        event: Received | None = None
        try:
            frame = decode_frame(payload)
            payload = b""
        except Malformed:
            pass  # each receiver finds out by itself
        if frame is not None and sender.host is not None and frame.signed.sender == sender.identity:
            event = sender.host.verify_once(frame)
        if self.broadcasts is not None:
            self._send_together(self.broadcasts, sender, to, event, (frame, digest, payload))
            return
        push = self._clock.push
        for receiver, link in self._receivers(sender, to):
            if receiver.host is not None:
                delivery = Delivery(
                    receiver, receiver.incarnation, sender.identity, frame, digest, payload, event=event
                )
                for delay_us in link.delays_us():
                    push(delay_us, delivery)

    def _send_together(
        self,
        broadcasts: Broadcasts,
        sender: SimulatedNode,
        to: NodeId | None,
        event: Received | None,
        parts: tuple[Frame | None, bytes, bytes],
    ) -> None:
        if to is None:
            broadcasts.send(sender, event, parts)
            return
        frame, digest, payload = parts
        if broadcasts.deliveries.collapse is not None:
            broadcasts.deliveries.collapse.noticed(event)
        last_us = 0
        for receiver in self._hearers_of_one(sender, to):
            if receiver.host is not None:
                delivery = Delivery(
                    receiver, receiver.incarnation, sender.identity, frame, digest, payload, event=event
                )
                for delay_us in broadcasts.delays_us(sender, receiver):
                    self._clock.push(delay_us, delivery)
                    last_us = max(last_us, delay_us)
        broadcasts.deliveries.note_sent(digest, self._clock.now_us + last_us)

    def _hearers_of_one(self, sender: SimulatedNode, to: NodeId) -> list[SimulatedNode]:
        alone = self._nodes.get(to)
        if alone is not None and not self._has_twins:
            return [alone] if alone is not sender and self.is_open(sender, alone) else []
        return self._hearers(sender, to)
