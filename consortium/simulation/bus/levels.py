"""How votes are delivered: the levels of the simulator (docs/decisions/040)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from consortium.scenario.network.model import NetworkModel
from consortium.scenario.scenario import Scenario
from consortium.simulation.bus.arrays import PLACES_MAX
from consortium.simulation.bus.broadcasts import Broadcasts
from consortium.simulation.bus.collapse import Collapse
from consortium.simulation.bus.deliveries import Deliveries
from consortium.simulation.bus.transport import Transport
from consortium.simulation.clock import Clock
from consortium.simulation.simulated_node import Delivery, SimulatedNode

LEVELS = ("auto", "message", "collapsed")
ONE_BY_ONE = "one by one"  # as `message`, and every delivery is a call of its host: for those who listen
RECEIVERS_MIN = 24  # fewer are quicker one by one
COLLAPSED_MIN = 32  # nodes


class DeliveryLevel:
    """Carries broadcasts together over the plain transport, where that is quicker, and collapses votes, where that was
    asked for or is quicker. `hear(delivery)` makes a delivery that must be stepped."""

    def __init__(
        self,
        level: str,
        scenario: Scenario,
        clock: Clock,
        network: NetworkModel,
        nodes: Mapping[str, SimulatedNode],
        transport: Transport,
        hear: Callable[[Delivery], None],
    ) -> None:
        self._scenario = scenario
        self._clock = clock
        self._nodes = list(nodes.values())
        self._deliveries: Deliveries | None = None
        self.collapse: Collapse | None = None
        least = 2 if level == "collapsed" else RECEIVERS_MIN
        if level == ONE_BY_ONE:
            return
        if type(transport) is not Transport or not least <= len(nodes) <= PLACES_MAX:
            return  # it has its own way with each message
        every, mean_us = self._nodes, scenario.network.default.mean_us
        deliveries = self._deliveries = Deliveries(clock, every, hear, mean_us)
        transport.broadcasts = Broadcasts(clock, network, nodes, deliveries, transport)
        transport.broadcasts.prepare()
        if level == "collapsed" or (level == "auto" and len(every) >= COLLAPSED_MIN):
            self.collapse = deliveries.collapse = Collapse(clock, every, deliveries, hear, self._is_calm, mean_us)

    @property
    def level(self) -> str:
        """What the trace says."""
        return "message" if self.collapse is None else "collapsed"

    def deliver(self) -> None:
        """All that arrives before the next item of the clock."""
        if self._deliveries is not None:
            self._deliveries.deliver()

    def end_collapse(self) -> None:
        """Something may happen now that is not of the normal case."""
        if self.collapse is not None:
            self.collapse.dissolve()

    def _is_calm(self) -> bool:
        """Nobody misbehaves, all live and hear."""
        now_us = self._clock.now_us
        for spec in self._scenario.behaviours:
            if spec.from_us <= now_us and (spec.to_us is None or now_us < spec.to_us):
                return False
        return all(each.host is not None and not each.is_paused for each in self._nodes)
