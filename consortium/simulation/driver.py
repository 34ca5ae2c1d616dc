"""What a simulation asks of those that let its nodes work: the free ones (`free_node.py`) and the priced ones
(`costs/priced_node.py`) answer to one interface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from consortium.core.machine import Output
from consortium.scenario.assemble import Shared
from consortium.simulation.bus.transport import Transport
from consortium.simulation.simulated_node import Delivery, Parcel, SimulatedNode, Wakeup

Arrived = Parcel | Delivery | Wakeup


class NodeDriver(Protocol):
    """All nodes of one simulation at work. It decides when a step happens, when its outputs leave, when a sync ends."""

    @property
    def transport(self) -> Transport:
        """The bus that its nodes speak over."""
        ...

    @property
    def level(self) -> str:
        """How votes are delivered, as the trace says it: `message` or `collapsed`."""
        ...

    def shared(self, node: SimulatedNode, shared: Shared) -> Shared:
        """What the host of this node is built with: the values of all, or some of its own."""
        ...

    def arrive(self, item: Arrived) -> None:
        """Something has come to a node that lives and is not paused."""
        ...

    def carry(self, node: SimulatedNode, outputs: Sequence[Output]) -> None:
        """Carry out the outputs of a boot."""
        ...

    def deliver(self) -> None:
        """Make all deliveries that come before the next item of the clock."""
        ...

    def end_collapse(self) -> None:
        """Deliver votes one by one from here on: something outside the normal case may happen now."""
        ...

    def about(self) -> dict[str, Any]:
        """The fields of the `run` record that say what CPU costs."""
        ...

    def end(self) -> None:
        """The run is over: note what is to be told of it."""
        ...
