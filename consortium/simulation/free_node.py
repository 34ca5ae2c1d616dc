"""Nodes whose CPU is free: a step takes no time, and what comes of it leaves at once or with the next sync.

Syncs and commits take what the scenario's disk says. `costs/priced_node.py` is the other way to work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from consortium.core.machine import Apply, Drop, Keep, Note, Output, Store, Transmit, Wake
from consortium.scenario.assemble import Shared
from consortium.scenario.network.model import NetworkModel
from consortium.scenario.scenario import Scenario
from consortium.simulation.bus.hub import HubTransport, needs_hub
from consortium.simulation.bus.levels import DeliveryLevel
from consortium.simulation.bus.transport import Seen, Transport
from consortium.simulation.clock import Clock
from consortium.simulation.driver import Arrived
from consortium.simulation.lives import DISK_FULL, NodeLives
from consortium.simulation.simulated_node import Continue, Parcel, SimulatedNode, Wakeup

_DURABLE = (Store, Keep, Drop, Apply)


class FreeNodes:
    """All nodes of a simulation without a profile; see `NodeDriver`."""

    def __init__(
        self,
        scenario: Scenario,
        clock: Clock,
        network: NetworkModel,
        nodes: Mapping[str, SimulatedNode],
        lives: NodeLives,
        watch: Callable[[Seen], None] | None,
        level: str,
    ) -> None:
        self._clock = clock
        self._lives = lives
        self._sync_us = scenario.disk.sync_us
        self._commit_us = scenario.disk.commit_us
        bus = HubTransport if needs_hub(scenario.network) else Transport
        self.transport: Transport = bus(clock, network, nodes, watch)
        self._deliveries = DeliveryLevel(level, scenario, clock, network, nodes, self.transport, lives.handle)
        self.deliver = self._deliveries.deliver
        self.end_collapse = self._deliveries.end_collapse
        self.collapse = self._deliveries.collapse

    @property
    def level(self) -> str:
        return self._deliveries.level

    def shared(self, node: SimulatedNode, shared: Shared) -> Shared:
        return shared

    def about(self) -> dict[str, Any]:
        return {"profile": ""}

    def end(self) -> None:
        """Nothing is told of work that cost nothing."""

    def arrive(self, item: Arrived) -> None:
        """Step the host, and carry out what comes of it."""
        if isinstance(item, Parcel):
            for frame in item.frames:
                self._lives.handle(frame)
            return
        node, collapse = item.node, self.collapse
        if collapse is not None:
            collapse.before(node, is_naming=isinstance(item, Wakeup))
        outputs = self._lives.step(node, item)
        if outputs:
            self.carry(node, outputs)
        if collapse is not None:
            collapse.after(node)

    def carry(self, node: SimulatedNode, outputs: Sequence[Output]) -> None:
        disk = node.disk
        for output in outputs:
            if isinstance(output, Wake):
                delay_us = node.clock.true_delay_us(output.delay_us)
                self._clock.push(delay_us, Wakeup(node, node.incarnation, output.token))
            elif isinstance(output, Note):
                self._lives.note(node.name, output)
                if output.kind == "shut_out":
                    node.on_change(False)  # its votes are counted by nobody but the host from now on
            elif (free := disk.take(output)) is not None:
                self._send(node, free)
            if node.host is None:
                return  # it died in the middle
            if self._sync_us == 0 and isinstance(output, _DURABLE):
                self._flush(node)
                if node.host is None:
                    return  # with the sync, and nothing of what follows was done
        self._flush(node)

    def _flush(self, node: SimulatedNode) -> None:
        """Syncs and commits that are due begin; those that take no time end at once."""
        disk = node.disk
        if node.host is not None and disk.begin_sync():
            self._after(self._sync_us, node, self._end_sync)
        if node.host is not None and disk.begin_commit():
            self._after(self._commit_us, node, self._end_commit)

    def _after(self, delay_us: int, node: SimulatedNode, end: Callable[[SimulatedNode], None]) -> None:
        """`end(node)` after so long; at once where it takes no time."""
        if delay_us == 0:
            end(node)
        else:
            self._clock.push(delay_us, Continue(node, node.incarnation, lambda: end(node)))

    def _end_sync(self, node: SimulatedNode) -> None:
        if node.disk.is_full:
            self._lives.fail(node, DISK_FULL)
            return
        released = node.disk.end_sync()
        self._lives.count_output(node)
        for transmit in released:
            self._send(node, transmit)
        self._flush(node)

    def _end_commit(self, node: SimulatedNode) -> None:
        if node.disk.is_full:
            self._lives.fail(node, DISK_FULL)
            return
        node.disk.end_commit()
        self._flush(node)

    def _send(self, node: SimulatedNode, transmit: Transmit) -> None:
        if node.host is not None:
            node.traffic.count(transmit.to, transmit.payload)
            self.transport.transmit(node, transmit.to, transmit.payload)
            self._lives.count_output(node)
