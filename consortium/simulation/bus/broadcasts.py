"""One broadcast to all that hear it: whom it reaches, after how long. The delays of plain links are drawn together.

Each link has its own stream, wherever its state is kept: in a row of this file while the link has only ever delayed,
in its `LinkModel` from the moment that it does anything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from consortium.core.machine import Received
from consortium.core.messages import Frame
from consortium.scenario.network.distributions import draw_us
from consortium.scenario.network.model import LinkModel, NetworkModel, is_plain
from consortium.scenario.scenario import Link
from consortium.scenario.streams import Stream
from consortium.simulation.bus.arrays import (
    Integers,
    Words,
    at_times,
    draw_ahead,
    everybody_but,
    first_states,
    integers,
    joined,
    joined_rows,
    moved_on,
)
from consortium.simulation.bus.deliveries import BroadcastInFlight, Deliveries
from consortium.simulation.clock import Clock
from consortium.simulation.simulated_node import Delivery, SimulatedNode

AHEAD_MAX = 4  # broadcasts of one sender whose delays are drawn together; or more, up to so many delays
AHEAD_DELAYS = 2_048


class _Ahead:
    """Delays of one sender's next broadcasts, a row each. Its links still stand where the first row begins."""

    __slots__ = ("delays", "plan", "taken")

    def __init__(self, plan: _Plan, delays: Integers) -> None:
        self.plan = plan
        self.delays = delays
        self.taken = 0


class _Plan(NamedTuple):
    """`groups`: receivers by the spec of their plain links; `others`: the rest."""

    mark: tuple[int, int, int]
    groups: list[tuple[Link, Integers]]
    places: Integers  # of all groups
    others: list[tuple[int, SimulatedNode, LinkModel]]


class Bus(Protocol):
    """Who hears whom: `version` grows when that changes."""

    version: int

    @property
    def is_all_open(self) -> bool:
        """Whether everybody hears all others."""
        ...

    def hearers(self, sender: SimulatedNode) -> Sequence[SimulatedNode]:
        """Who hears its broadcasts, in the order of all nodes, alive or not."""
        ...


class Broadcasts:
    """Takes broadcasts off the bus; of what goes to one member alone it only draws the delay."""

    def __init__(
        self,
        clock: Clock,
        network: NetworkModel,
        nodes: Mapping[str, SimulatedNode],
        deliveries: Deliveries,
        bus: Bus,
    ) -> None:
        self._clock = clock
        self._network = network
        self._nodes = list(nodes.values())
        self._places = {name: place for place, name in enumerate(nodes)}
        self.deliveries = deliveries
        self._bus = bus
        self._all_open = ((-1, -1), False)
        self._plans: dict[str, _Plan] = {}
        self._states: dict[str, Words] = {}  # by sender: where its link to each receiver stands
        self._ahead: dict[str, _Ahead] = {}
        self._models: dict[tuple[str, str], LinkModel] = {}  # of links that are not plain, or were not once
        self._is_plain: dict[Link, bool] = {}

    def prepare(self) -> None:
        """Find where all streams begin; to be called before the run."""
        for node in self._nodes:
            self._row(node.name)

    def send(self, sender: SimulatedNode, event: Received | None, parts: tuple[Frame | None, bytes, bytes]) -> None:
        """Send a broadcast. `parts`: its frame, its digest and, where it is no frame, its bytes."""
        plan = self._plan(sender)
        broadcast = BroadcastInFlight(
            self._clock.reserve(2 * len(self._nodes)), self.deliveries.generation, sender.identity, event, parts
        )
        now_us = self._clock.now_us
        self.deliveries.send(broadcast, at_times(self._next_delays(sender.name, plan), now_us), plan.places)
        if plan.others:
            broadcast.is_single = False
        frame, digest, payload = parts
        for place, receiver, model in plan.others:
            delivery = Delivery(receiver, receiver.incarnation, sender.identity, frame, digest, payload, event=event)
            for copy, delay_us in enumerate(model.delays_us()):
                self._clock.push_at(now_us + delay_us, broadcast.base + 2 * place + copy, delivery)

    def delays_us(self, sender: SimulatedNode, receiver: SimulatedNode) -> tuple[int, ...]:
        """Draw the delays of one message to one receiver, as `LinkModel.delays_us` does."""
        link = self._network.spec(sender.name, receiver.name)
        if not self._plain(link) or (sender.name, receiver.name) in self._models:
            return self._model(sender.name, receiver.name).delays_us()
        row, place = self._row(sender.name), self._places[receiver.name]
        stream = Stream.at(int(row[place]))
        delay_us = draw_us(link, stream)
        row[place] = stream.state
        return (delay_us,)

    # --- drawing ahead ------------------------------------------------------------------------------------------

    def _next_delays(self, name: str, plan: _Plan) -> Integers:
        """Draw the delays of one broadcast, by the places of its plan. A sender that does nothing but
        broadcast has ever more of them drawn together."""
        ahead = self._ahead.get(name)
        if ahead is None or ahead.plan is not plan or ahead.taken == len(ahead.delays):
            was_used_up = ahead is not None and ahead.taken == len(ahead.delays)
            count = 2 * len(ahead.delays) if ahead is not None and was_used_up else 1
            row = self._row(name)
            count = min(count, max(AHEAD_MAX, AHEAD_DELAYS // max(1, len(plan.places))))
            drawn = [draw_ahead(link, row[places], count) for link, places in plan.groups]
            ahead = self._ahead[name] = _Ahead(plan, joined_rows(drawn, count))
        ahead.taken += 1
        delays: Integers = ahead.delays[ahead.taken - 1]
        return delays

    def _row(self, name: str) -> Words:
        """Where the links of a sender stand now: what was drawn ahead is drawn again."""
        row = self._states.get(name)
        if row is None:
            row = self._states[name] = first_states(self._network.seed, name, list(self._places))
        ahead = self._ahead.pop(name, None)
        if ahead is not None:
            for link, places in ahead.plan.groups:
                row[places] = moved_on(link, row[places], ahead.taken)
        return row

    # --- links --------------------------------------------------------------------------------------------------

    def _plan(self, sender: SimulatedNode) -> _Plan:
        mark = (self._bus.version, self._network.version, self.deliveries.generation)
        plan = self._plans.get(sender.name)
        if plan is None or plan.mark != mark:
            plan = self._plans[sender.name] = self._planned(sender, mark)
        return plan

    def _planned(self, sender: SimulatedNode, mark: tuple[int, int, int]) -> _Plan:
        common = self._network.common
        if common is not None and self._plain(common) and not self._models and self._is_all_open():
            places = everybody_but(len(self._nodes), self._places[sender.name])
            return _Plan(mark, [(common, places)], places, [])
        by_link: dict[Link, list[int]] = {}
        others: list[tuple[int, SimulatedNode, LinkModel]] = []
        for receiver in self._bus.hearers(sender):
            if receiver.host is None:
                continue
            link = common or self._network.spec(sender.name, receiver.name)
            place = self._places[receiver.name]
            if self._plain(link) and (sender.name, receiver.name) not in self._models:
                by_link.setdefault(link, []).append(place)
            else:
                others.append((place, receiver, self._model(sender.name, receiver.name)))
        groups = [(link, integers(places)) for link, places in by_link.items()]
        return _Plan(mark, groups, joined([places for _, places in groups]), others)

    def _is_all_open(self) -> bool:
        """Whether everybody lives and hears everybody; found out once for all senders."""
        mark = (self._bus.version, self.deliveries.generation)
        if self._all_open[0] != mark:
            is_alive = all(node.host is not None for node in self._nodes)
            self._all_open = (mark, is_alive and self._bus.is_all_open)
        return self._all_open[1]

    def _plain(self, link: Link) -> bool:
        known = self._is_plain.get(link)
        if known is None:
            known = self._is_plain[link] = is_plain(link)
        return known

    def _model(self, sender: str, receiver: str) -> LinkModel:
        model = self._models.get((sender, receiver))
        if model is None:
            model = self._models[sender, receiver] = self._network.link(sender, receiver)
            model.go_on(int(self._row(sender)[self._places[receiver]]))
        return model
