"""What a simulation tells of its nodes besides what they say themselves: queues, traffic, storage.

The same notes as a real node's driver writes (`nodes/process/process.py`): `queues` where they changed, `traffic` now
and then, and at the end `queues`, `traffic` and `storage`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from consortium.core.machine import Note
from consortium.simulation.clock import Clock
from consortium.simulation.simulated_node import SimulatedNode

QUEUES_EVERY_US = 500_000
NODES_EACH_TIME = 64  # of more than so many nodes queues are looked at less often: a trace has to stay readable
TRAFFIC_EVERY_US = 10_000_000


class Gauges:
    """`look` is called again and again, and mostly does nothing."""

    def __init__(self, clock: Clock, nodes: Mapping[str, SimulatedNode], note: Callable[[str, Note], None]) -> None:
        self._clock = clock
        self._nodes = nodes
        self._note = note
        self._every_us = QUEUES_EVERY_US * max(1, len(nodes) // NODES_EACH_TIME)
        self._queues_us = self._every_us
        self._traffic_us = TRAFFIC_EVERY_US
        self._queues_told: dict[str, dict[str, int]] = {}
        self._messages_told: dict[str, int] = {}

    def look(self) -> None:
        now_us = self._clock.now_us
        if now_us >= self._queues_us:
            self._queues_us = now_us + self._every_us
            self._tell_queues()
        if now_us >= self._traffic_us:
            self._traffic_us = now_us + TRAFFIC_EVERY_US
            self._tell_traffic()

    def end(self) -> None:
        self._tell_queues()
        self._tell_traffic()
        for name, node in self._nodes.items():
            votes = sum(len(record) for block in node.disk.votes for record, _ in block)
            storage = {"ledger_bytes": node.disk.rows.bytes_held(), "votes_bytes": votes}
            self._note(name, Note("storage", storage))

    def _tell_queues(self) -> None:
        for name, node in self._nodes.items():
            if node.host is None:
                continue
            queues = {**node.host.queues, "inbox": len(node.held) + node.frames_waiting()}
            if queues != self._queues_told.get(name):
                self._queues_told[name] = queues
                self._note(name, Note("queues", dict(queues)))

    def _tell_traffic(self) -> None:
        for name, node in self._nodes.items():
            if node.traffic.messages != self._messages_told.get(name, 0):
                self._messages_told[name] = node.traffic.messages
                self._note(name, Note("traffic", node.traffic.fields()))
