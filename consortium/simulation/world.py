"""What fate does to a simulation: the verbs of `World` on simulated nodes, links, clocks and disks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from consortium.core.machine import Note
from consortium.core.membership import NodeId
from consortium.scenario.faults.world import WhichDisk
from consortium.scenario.streams import Stream
from consortium.simulation.bus.transport import Transport
from consortium.simulation.clock import Clock
from consortium.simulation.disk import Disk
from consortium.simulation.simulated_node import SimulatedNode


class SimulatedWorld:
    """`note(node, note)` writes to the trace; `boot` starts a node, `resume` lets a paused one go on."""

    where: ClassVar[str] = "in the simulator"

    def __init__(
        self,
        clock: Clock,
        nodes: Mapping[str, SimulatedNode],
        transport: Transport,
        note: Callable[[str, Note], None],
        boot: Callable[[SimulatedNode], None],
        resume: Callable[[SimulatedNode], None],
    ) -> None:
        self._clock = clock
        self._nodes = nodes
        self._transport = transport
        self._note = note
        self._boot = boot
        self._resume = resume

    @property
    def names(self) -> Collection[str]:
        return self._nodes.keys()

    @property
    def leader(self) -> NodeId:
        """Of the newest view that an honest living node is in; where all that live are traitors, of theirs."""
        living = [node for node in self._nodes.values() if node.host is not None]
        if not living:
            return ""
        hosts = [node.host for node in living if not node.is_traitor] or [each.host for each in living]
        newest = max((host for host in hosts if host is not None), key=lambda host: (host.epoch, host.view, host.me))
        return newest.leader

    def note(self, name: str, kind: str, fields: dict[str, Any]) -> None:
        self._note(name, Note(kind, fields))

    # --- nodes ------------------------------------------------------------------------------------------------------

    def kill(self, name: str, after_outputs: int) -> None:
        node = self._nodes[name]
        if after_outputs and node.host is not None:
            node.outputs_left = after_outputs
        else:
            node.crash()

    def start(self, name: str, disk: WhichDisk) -> None:
        node = self._nodes[name]
        if node.host is not None:
            node.crash()
        if disk != "own":
            older = node.disk.copy
            if disk == "empty" or older is None:
                node.disk.wipe()
            else:
                node.disk = older.cloned()
                node.disk.copy = older  # it may be laid again
        self._boot(node)

    def pause(self, name: str) -> None:
        node = self._nodes[name]
        node.is_paused = node.host is not None

    def resume(self, name: str) -> None:
        self._resume(self._nodes[name])

    # --- links and broker -------------------------------------------------------------------------------------------

    def cut(self, groups: Sequence[Sequence[str]], links: Sequence[str]) -> None:
        self._transport.partition(groups, links)

    def change_links(self, links: Sequence[str], fields: Mapping[str, Any]) -> None:
        self._transport.network.change(links, fields)

    def calm_links(self) -> None:
        self._transport.network.calm()

    def stop_broker(self, number: int) -> None:
        if number <= 1:  # there is one
            self._turn_broker(is_up=False)

    def start_broker(self, number: int) -> None:
        if number <= 1:
            self._turn_broker(is_up=True)

    def _turn_broker(self, *, is_up: bool) -> None:
        self._transport.is_broker_up = is_up
        for name, node in self._nodes.items():
            if node.host is not None:
                self.note(name, "bus", {"state": "up" if is_up else "down"})

    # --- clocks -----------------------------------------------------------------------------------------------------

    def jump_clock(self, name: str, wall_us: int, monotonic_us: int) -> None:
        self._nodes[name].clock.jump(self._clock.now_us, wall_us, monotonic_us)

    def drift_clock(self, name: str, wall_ppm: int, monotonic_ppm: int) -> None:
        self._nodes[name].clock.drift(self._clock.now_us, wall_ppm, monotonic_ppm)

    # --- disks ------------------------------------------------------------------------------------------------------

    def copy_disk(self, name: str) -> None:
        self._nodes[name].disk.make_copy()

    def fill_disk(self, name: str) -> None:
        self._nodes[name].disk.is_full = True

    def free_disk(self, name: str) -> None:
        self._nodes[name].disk.is_full = False

    def tear_votes(self, name: str, writes: int) -> None:
        def tear(disk: Disk) -> str:
            what = f"votes, the last {min(writes, len(disk.votes))} writes"
            disk.tear(writes)
            return what

        self._damage(name, tear)

    def flip_bit(self, name: str, table: str, stream: Stream) -> None:
        self._damage(name, lambda disk: disk.flip(table, stream))

    def _damage(self, name: str, damage: Callable[[Disk], str | None]) -> None:
        """Done when nothing of the node is in memory any more. `damage` says what it hit."""
        node = self._nodes[name]

        def strike() -> None:
            what = damage(node.disk)
            if what is not None:
                self.note(name, "damaged", {"what": what})

        if node.host is None:
            strike()
        else:
            node.at_crash.append(strike)
