"""A standing consortium as a world of faults: what a person does to it by hand, with the verbs of `World`.

It holds nothing in memory, for each command is a process of its own. What must hold over the death of a node lies in
its orders.json, and goes to it through its door where it lives. What is damaged while a node runs would be mended by
what it writes next: damage waits in damage.json until `start`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from consortium.core.membership import NodeId
from consortium.runs.folder import write_whole
from consortium.scenario.faults.world import WhichDisk
from consortium.scenario.streams import Stream
from nodes.conduct.disk_faults import copy_disk, flip, lay_disk, tear_votes
from nodes.conduct.local_world import cuts
from nodes.deploy.deployment import BrokerPlace, Deployment
from nodes.deploy.hands import Hands
from nodes.deploy.look import ask_status
from nodes.deploy.running import Running
from nodes.process.clock import Bend, now
from nodes.process.door_client import ask_door
from nodes.process.door_frames import DoorClosed, door_path
from nodes.process.settings import NodeFolder
from nodes.process.standing_orders import read_orders, write_orders

DIES_S = 60.0  # so long a node is waited for that is to die after some outputs
DAMAGE_FILE = "damage.json"


class HandWorld:
    """See `consortium.scenario.faults.world.World`."""

    where: ClassVar[str] = "to a consortium that stands"

    def __init__(self, folder: Path, deployment: Deployment, running: Running) -> None:
        self._folder = folder
        self._deployment = deployment
        self._running = running
        self.hands = Hands(folder)

    def node(self, name: str) -> NodeFolder:
        return NodeFolder(self._folder, name)

    @property
    def names(self) -> Collection[str]:
        return self._deployment.members

    @property
    def leader(self) -> NodeId:
        """Of the newest view that a living node speaks of."""
        told = [status for name in self.names if (status := ask_status(self.node(name))) is not None]
        return str(max(told, key=lambda status: status["view"])["leader"]) if told else ""

    def note(self, name: str, kind: str, fields: dict[str, Any]) -> None:
        self.hands.note(name, kind, fields)

    # --- nodes ------------------------------------------------------------------------------------------------------

    def kill(self, name: str, after_outputs: int) -> None:
        if after_outputs:
            before = self._running.states()[name].pid
            self._tell(name, {"die_after": after_outputs})
            deadline = time.monotonic() + DIES_S
            while self._running.states()[name].pid == before and time.monotonic() < deadline:
                time.sleep(0.01)
        self._running.kill_program(name)

    def start(self, name: str, disk: WhichDisk) -> None:
        self._running.kill_program(name)
        self._damage(name)
        lay_disk(self.node(name), disk)
        self._running.start_program(name)

    def pause(self, name: str) -> None:
        self._running.pause_program(name)

    def resume(self, name: str) -> None:
        self._running.resume_program(name)

    # --- links and broker -------------------------------------------------------------------------------------------

    def cut(self, groups: Sequence[Sequence[str]], links: Sequence[str]) -> None:
        for name, others in cuts(groups, list(self.names), links).items():
            self._order(name, "cut", others)

    def change_links(self, links: Sequence[str], fields: Mapping[str, Any]) -> None:
        for name in self.names:
            changes = read_orders(self.node(name)).get("links", [])
            self._order(name, "links", [*changes, [list(links), dict(fields)]])

    def calm_links(self) -> None:
        for name in self.names:
            self._order(name, "links", [])

    def stop_broker(self, number: int) -> None:
        for broker in self._meant(number):
            self._running.kill_program(broker.name)

    def start_broker(self, number: int) -> None:
        for broker in self._meant(number):
            self._running.start_program(broker.name)

    def _meant(self, number: int) -> Sequence[BrokerPlace]:
        return self._deployment.brokers[number - 1 : number] if number else self._deployment.brokers

    # --- clocks -----------------------------------------------------------------------------------------------------

    def jump_clock(self, name: str, wall_us: int, monotonic_us: int) -> None:
        bends = read_orders(self.node(name)).get("clock", [])
        drifting = bends[-1][3:] if bends else (0, 0)
        self._order(name, "clock", [*bends, [*Bend(now().monotonic_us, wall_us, monotonic_us, *drifting)]])

    def drift_clock(self, name: str, wall_ppm: int, monotonic_ppm: int) -> None:
        bends = read_orders(self.node(name)).get("clock", [])
        self._order(name, "clock", [*bends, [*Bend(now().monotonic_us, 0, 0, wall_ppm, monotonic_ppm)]])

    # --- disks ------------------------------------------------------------------------------------------------------

    def copy_disk(self, name: str) -> None:
        copy_disk(self.node(name))

    def fill_disk(self, name: str) -> None:
        self._order(name, "full", True)

    def free_disk(self, name: str) -> None:
        self._order(name, "full", False)

    def tear_votes(self, name: str, writes: int) -> None:
        self._damage_later(name, {"what": "votes", "writes": writes})

    def flip_bit(self, name: str, table: str, stream: Stream) -> None:
        self._damage_later(name, {"what": "bit", "table": table, "draw": stream.below(1 << 32)})

    # --- how it is done ---------------------------------------------------------------------------------------------

    def _order(self, name: str, word: str, value: Any) -> None:
        """From now on, and over its death. What changes nothing is not kept."""
        orders = {**read_orders(self.node(name)), word: value}
        write_orders(self.node(name), {key: kept for key, kept in orders.items() if kept})
        self._tell(name, {word: value})

    def _tell(self, name: str, order: dict[str, Any]) -> None:
        """A node that is down reads its orders when it starts."""
        with contextlib.suppress(DoorClosed):
            ask_door(door_path(self.node(name)), "order", order=order)

    def _damage_later(self, name: str, damage: dict[str, Any]) -> None:
        write_whole(self.node(name).folder / DAMAGE_FILE, msgspec.json.encode([*self._waiting(name), damage]))
        if name in self._running.states() and not self._running.states()[name].is_alive:
            self._damage(name)

    def _waiting(self, name: str) -> list[dict[str, Any]]:
        try:
            data = (self.node(name).folder / DAMAGE_FILE).read_bytes()
        except FileNotFoundError:
            return []
        return msgspec.json.decode(data, type=list[dict[str, Any]])

    def _damage(self, name: str) -> None:
        """Do to the files of a node that is down what waits for it."""
        folder = self.node(name)
        for damage in self._waiting(name):
            if damage["what"] == "votes":
                hit: str | None = tear_votes(folder.votes, damage["writes"])
            else:
                hit = flip(folder, damage["table"], Stream(damage["draw"], "damage", name))
            if hit is not None:
                self.note(name, "damaged", {"what": hit})
        (folder.folder / DAMAGE_FILE).unlink(missing_ok=True)
