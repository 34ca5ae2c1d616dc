"""What fate does to local processes: by signals, by files, and by orders that a node's driver obeys."""

from __future__ import annotations

import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, Protocol

from consortium.core.genesis import Genesis
from consortium.core.membership import NodeId
from consortium.scenario.adversary import Adversaries
from consortium.scenario.faults.world import WhichDisk
from consortium.scenario.network.model import matches
from consortium.scenario.scenario import Scenario
from consortium.scenario.streams import Stream
from nodes.broker.broker import Broker
from nodes.conduct.disk_faults import copy_disk, flip, lay_disk, tear_votes
from nodes.conduct.newcomers import take_proof
from nodes.conduct.node_process import NodeProcess
from nodes.errors import EXIT_STORE, EXIT_USAGE
from nodes.process.clock import Bend, now

PROVE_EVERY_US = 250_000
Damage = Callable[[], str | None]  # does it to the files of a node that is down; what was hit, if anything was


class Notes(Protocol):
    """Writes to the trace, about a node or (name "") about the run."""

    def __call__(self, name: NodeId, kind: str, fields: dict[str, Any]) -> None: ...


def cuts(groups: Sequence[Sequence[str]], names: Sequence[str], links: Sequence[str] = ()) -> dict[str, list[str]]:
    """For each member, those it no longer hears; members of no group form one together. `links`: "sender>receiver"."""
    group = {name: index + 1 for index, members in enumerate(groups) for name in members}

    def is_cut(sender: str, receiver: str) -> bool:
        return group.get(sender, 0) != group.get(receiver, 0) or any(matches(link, sender, receiver) for link in links)

    return {me: [name for name in names if name != me and is_cut(name, me)] for me in names}


class LocalWorld:
    """Besides the verbs of `World` it keeps what was done to the run so far, for a node that comes back (`welcome`).
    `leader`: who leads now, as far as the conductor heard."""

    where: ClassVar[str] = "to local processes"

    def __init__(
        self,
        scenario: Scenario,
        adversaries: Adversaries,
        genesis: Genesis,
        nodes: Mapping[NodeId, NodeProcess],
        broker: Broker,
        note: Notes,
        leader: Callable[[], NodeId],
    ) -> None:
        self._genesis = genesis
        self._nodes = nodes
        self._broker = broker
        self._note = note
        self._leader = leader
        self._traitors = adversaries.names
        self._joins = frozenset(member.name for member in scenario.members if member.joins)
        self._joining: dict[NodeId, WhichDisk] = {}  # those whose start waits for a proof: with which disk
        self._joined_us = 0
        self._at_death: dict[NodeId, list[Damage]] = {}  # damage that shows when nothing is in memory any more
        self._changes: list[tuple[list[str], dict[str, Any]]] = []  # of links: patterns, fields
        self._cut: dict[NodeId, list[NodeId]] = {}
        self._bends: dict[NodeId, list[Bend]] = {}  # of clocks
        self._full: set[NodeId] = set()  # of disks
        self._dated = [member.name for member in scenario.members if member.program]  # by design they may end

    @property
    def names(self) -> Collection[str]:
        return self._nodes.keys()

    @property
    def leader(self) -> NodeId:
        return self._leader()

    def note(self, name: str, kind: str, fields: dict[str, Any]) -> None:
        self._note(name, kind, fields)

    # --- what the conductor asks ------------------------------------------------------------------------------------

    @property
    def joins(self) -> frozenset[NodeId]:
        """Members that are not started with the others."""
        return self._joins

    @property
    def waits_for_proof(self) -> list[NodeId]:
        """Newcomers that nobody can prove yet to be members."""
        return list(self._joining)

    def welcome(self, name: NodeId) -> dict[str, Any]:
        """Orders for a node that came back: whom it cannot hear, what its links, clocks and disk are like."""
        if name in self._full:
            self._nodes[name].may_end_with = EXIT_STORE
        return {
            "cut": self._cut.get(name, []),
            "links": self._changes,
            "clock": self._bends.get(name, []),
            "full": name in self._full,
        }

    def tend(self, now_us: int) -> None:
        """Again and again: start newcomers that are members now; see to those that were to die by themselves."""
        for name in self._dated:
            if self._nodes[name].is_alive and self._nodes[name].may_end_with is None:
                self._nodes[name].may_end_with = EXIT_USAGE  # a version is voted that its older program lacks
        for name in [name for name, node in self._nodes.items() if node.may_end_with is not None]:
            self._see_end(self._nodes[name])
        if self._joining and now_us - self._joined_us >= PROVE_EVERY_US:
            self._joined_us = now_us
            for name, disk in list(self._joining.items()):
                if self._start_newcomer(self._nodes[name], disk):
                    del self._joining[name]

    def _see_end(self, node: NodeProcess) -> None:
        """One that ended as it was to: no surprise, and in the trace where it was not killed."""
        if node.is_alive or node.process is None or node.process.poll() != node.may_end_with:
            return  # one that ended otherwise is found by the conductor
        if node.may_end_with in (EXIT_STORE, EXIT_USAGE) and not node.is_killed:
            self._note(node.name, "exited", {"code": node.may_end_with, **self._last_words(node)})
        node.is_killed, node.may_end_with = True, None

    def _last_words(self, node: NodeProcess) -> dict[str, str]:
        """What a node said that only a person can help."""
        if node.may_end_with != EXIT_USAGE:
            return {}
        lines = node.folder.log.read_text(errors="replace").splitlines()
        told = [line.partition(" ERROR node: ")[2] for line in lines if " ERROR node: " in line]
        return {"why": told[-1]} if told else {}

    # --- nodes ------------------------------------------------------------------------------------------------------

    def kill(self, name: str, after_outputs: int) -> None:
        node = self._nodes[name]
        if after_outputs and node.is_alive:
            node.may_end_with = -signal.SIGKILL
            node.tell({"die_after": after_outputs})
        else:
            node.kill()

    def start(self, name: str, disk: WhichDisk) -> None:
        node = self._nodes[name]
        node.kill()
        for damage in self._at_death.pop(name, []):
            what = damage()
            if what is not None:
                self._note(name, "damaged", {"what": what})
        if name in self._joins and not self._start_newcomer(node, disk):
            self._joining[name] = disk
        elif name not in self._joins:
            lay_disk(node.folder, disk)
            node.start()

    def _start_newcomer(self, node: NodeProcess, disk: WhichDisk) -> bool:
        """With the proof of today's members; False while there is none."""
        others = [each for each in self._nodes.values() if each is not node and each.name not in self._traitors]
        others.sort(key=lambda each: 0 if each.status is None else -each.status.head_height)
        if not take_proof(self._genesis, [each.folder for each in others], node.folder, node.name):
            return False
        lay_disk(node.folder, disk)
        node.start()
        return True

    def pause(self, name: str) -> None:
        self._signal(name, signal.SIGSTOP)

    def resume(self, name: str) -> None:
        self._signal(name, signal.SIGCONT)

    def _signal(self, name: str, number: signal.Signals) -> None:
        node = self._nodes[name]
        if node.process is not None and node.is_alive:
            node.process.send_signal(number)

    # --- links and broker -------------------------------------------------------------------------------------------

    def cut(self, groups: Sequence[Sequence[str]], links: Sequence[str]) -> None:
        self._cut = cuts(groups, list(self._nodes), links)
        for each in self._nodes.values():
            each.tell({"cut": self._cut[each.name]})

    def change_links(self, links: Sequence[str], fields: Mapping[str, Any]) -> None:
        self._set_changes([*self._changes, (list(links), dict(fields))])

    def calm_links(self) -> None:
        self._set_changes([])

    def _set_changes(self, changes: list[tuple[list[str], dict[str, Any]]]) -> None:
        self._changes = changes
        for each in self._nodes.values():
            each.tell({"links": changes})

    def stop_broker(self, number: int) -> None:
        self._broker.kill(number)

    def start_broker(self, number: int) -> None:
        self._broker.start(number)

    # --- clocks -----------------------------------------------------------------------------------------------------

    def jump_clock(self, name: str, wall_us: int, monotonic_us: int) -> None:
        bends = self._bends.get(name, [])
        drifting = (bends[-1].wall_ppm, bends[-1].monotonic_ppm) if bends else (0, 0)
        self._bend(name, Bend(now().monotonic_us, wall_us, monotonic_us, *drifting))

    def drift_clock(self, name: str, wall_ppm: int, monotonic_ppm: int) -> None:
        self._bend(name, Bend(now().monotonic_us, 0, 0, wall_ppm, monotonic_ppm))

    def _bend(self, name: str, bend: Bend) -> None:
        """The clocks are those of its machine: they stay bent over its death."""
        bends = self._bends.setdefault(name, [])
        bends.append(bend)
        self._nodes[name].tell({"clock": bends})

    # --- disks ------------------------------------------------------------------------------------------------------

    def copy_disk(self, name: str) -> None:
        copy_disk(self._nodes[name].folder)

    def fill_disk(self, name: str) -> None:
        self._full.add(name)
        self._nodes[name].may_end_with = EXIT_STORE
        self._nodes[name].tell({"full": True})

    def free_disk(self, name: str) -> None:
        self._full.discard(name)  # the node may have met the full disk, and be about to end
        self._nodes[name].tell({"full": False})

    def tear_votes(self, name: str, writes: int) -> None:
        """Done before it starts again."""
        votes = self._nodes[name].folder.votes
        self._at_death.setdefault(name, []).append(lambda: tear_votes(votes, writes))

    def flip_bit(self, name: str, table: str, stream: Stream) -> None:
        """Done before it starts again."""
        folder = self._nodes[name].folder
        self._at_death.setdefault(name, []).append(lambda: flip(folder, table, stream))
