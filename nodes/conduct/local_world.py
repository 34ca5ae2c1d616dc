"""The faults of a scenario done to local processes: by signals, by files, and by orders that a node's driver obeys."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from consortium.core.genesis import Genesis
from consortium.core.membership import NodeId
from consortium.scenario.adversary import traitors
from consortium.scenario.faults.acts import LINK_ACTS, link_fields, read_options
from consortium.scenario.scenario import Fault, Scenario
from consortium.scenario.streams import Stream
from nodes.broker.broker import Broker
from nodes.conduct.disk_faults import copy_disk, flip, lay_disk, tear_votes
from nodes.conduct.newcomers import take_proof
from nodes.conduct.node_process import NodeProcess
from nodes.conduct.schedule import cuts
from nodes.errors import EXIT_STORE
from nodes.process.clock import Bend, now

PROVE_EVERY_US = 250_000


class Notes(Protocol):
    """Into the trace: of a node, or (name "") of the run."""

    def __call__(self, name: NodeId, kind: str, fields: dict[str, Any]) -> None: ...


class LocalFaults:
    """What has been done to the run so far, and does on: also to a node that comes back (`welcome`)."""

    def __init__(
        self,
        scenario: Scenario,
        genesis: Genesis,
        nodes: Mapping[NodeId, NodeProcess],
        broker: Broker,
        note: Notes,
        leader: Callable[[], NodeId],
    ) -> None:
        self._seed = scenario.seed
        self._genesis = genesis
        self._nodes = nodes
        self._broker = broker
        self._note = note
        self._leader = leader
        self._traitors = traitors(scenario)
        self._joins = frozenset(member.name for member in scenario.members if member.joins)
        self._joining: dict[NodeId, str] = {}  # those whose start waits for a proof: with which disk
        self._joined_us = 0
        self._at_death: dict[NodeId, list[Fault]] = {}  # damage that shows when nothing is in memory any more
        self._met = 0
        self._changes: list[tuple[list[str], dict[str, int | str]]] = []  # of links: patterns, fields
        self._last_target = ""
        self._cut: dict[NodeId, list[NodeId]] = {}
        self._bends: dict[NodeId, list[Bend]] = {}  # of clocks
        self._full: set[NodeId] = set()  # of disks

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

    def note_fault(self, act: str, target: NodeId, **fields: Any) -> None:
        self._note("", "fault", {"act": act, "target": target, **fields})

    def tend(self, now_us: int) -> None:
        """Again and again: start newcomers that are members now; see to those that were to die by themselves."""
        for name in [name for name, node in self._nodes.items() if node.may_end_with is not None]:
            self._see_end(self._nodes[name])
        if self._joining and now_us - self._joined_us >= PROVE_EVERY_US:
            self._joined_us = now_us
            for name, disk in list(self._joining.items()):
                if self._start_newcomer(self._nodes[name], disk):
                    del self._joining[name]

    def carry_out(self, fault: Fault) -> None:
        target = {"last": self._last_target, "leader": self._leader()}.get(fault.target, fault.target)
        told = {key: value for key, value in sorted(fault.options.items()) if isinstance(value, int | str)}
        self.note_fault(fault.act, target, **told)
        self._met += 1
        if target:
            self._last_target = target
        node = self._nodes.get(target)
        if node is None:
            self._act_on_all(fault)
        elif fault.act.startswith("disk_"):
            self._act_on_disk(node, fault)
        else:
            self._act_on(node, fault)

    # --- the run --------------------------------------------------------------------------------------------------

    def _act_on_all(self, fault: Fault) -> None:
        match fault.act:
            case "partition" | "heal":
                is_cut = fault.act == "partition"
                groups, links = (fault.groups, fault.links) if is_cut else ((), ())
                self._cut = cuts(groups, list(self._nodes), links)
                for each in self._nodes.values():
                    each.tell({"cut": self._cut[each.name]})
            case "broker_kill":
                self._broker.kill()
            case "broker_restart":
                self._broker.start()
            case act if act == "calm" or act in LINK_ACTS:
                self._changes = [] if act == "calm" else [*self._changes, (list(fault.links), link_fields(fault))]
                for each in self._nodes.values():
                    each.tell({"links": self._changes})
            case _:
                pass  # a target that there is none of: nobody was hit before, say

    # --- one node -------------------------------------------------------------------------------------------------

    def _act_on(self, node: NodeProcess, fault: Fault) -> None:
        options = read_options(fault)
        match fault.act:
            case "kill" if options.outputs and node.is_alive:
                node.may_end_with = -signal.SIGKILL
                node.tell({"die_after": options.outputs})
            case "kill":
                node.kill()
            case "restart":
                node.kill()
                self._restart(node, options.disk)
            case "pause" | "resume" if node.process is not None and node.is_alive:
                node.process.send_signal(signal.SIGSTOP if fault.act == "pause" else signal.SIGCONT)
            case "clock_jump":
                self._bend(node, options.wall_us, options.monotonic_us)
            case "clock_drift":
                self._bend(node, 0, 0, (options.wall_ppm, options.monotonic_ppm))
            case _:
                pass

    def _restart(self, node: NodeProcess, disk: str) -> None:
        for damage in self._at_death.pop(node.name, []):
            self._damage(node, damage)
        if node.name in self._joins and not self._start_newcomer(node, disk):
            self._joining[node.name] = disk
        elif node.name not in self._joins:
            lay_disk(node.folder, disk)
            node.start()

    def _start_newcomer(self, node: NodeProcess, disk: str) -> bool:
        """With the proof of today's members; False while there is none."""
        others = [each for each in self._nodes.values() if each is not node and each.name not in self._traitors]
        others.sort(key=lambda each: 0 if each.status is None else -each.status.head_height)
        if not take_proof(self._genesis, [each.folder for each in others], node.folder, node.name):
            return False
        lay_disk(node.folder, disk)
        node.start()
        return True

    def _bend(self, node: NodeProcess, wall_us: int, monotonic_us: int, ppm: tuple[int, int] | None = None) -> None:
        """The clocks of its machine: they stay bent over its death. A jump leaves them drifting as before."""
        bends = self._bends.setdefault(node.name, [])
        drifting = (bends[-1].wall_ppm, bends[-1].monotonic_ppm) if bends else (0, 0)
        bends.append(Bend(now().monotonic_us, wall_us, monotonic_us, *(drifting if ppm is None else ppm)))
        node.tell({"clock": bends})

    def _see_end(self, node: NodeProcess) -> None:
        """One that ended as it was to: no surprise, and in the trace where it was not killed."""
        if node.is_alive or node.process is None or node.process.poll() != node.may_end_with:
            return  # one that ended otherwise is found by the conductor
        if node.may_end_with == EXIT_STORE and not node.is_killed:
            self._note(node.name, "exited", {"code": EXIT_STORE})
        node.is_killed, node.may_end_with = True, None

    # --- its disk -------------------------------------------------------------------------------------------------

    def _act_on_disk(self, node: NodeProcess, fault: Fault) -> None:
        match fault.act:
            case "disk_copy":
                copy_disk(node.folder)
            case "disk_full":
                self._full.add(node.name)
                node.may_end_with = EXIT_STORE
                node.tell({"full": True})
            case "disk_free":
                self._full.discard(node.name)  # it may have met it, and be about to end
                node.tell({"full": False})
            case _:
                self._at_death.setdefault(node.name, []).append(fault)

    def _damage(self, node: NodeProcess, fault: Fault) -> None:
        """Done when the node is down, before it starts again."""
        options = read_options(fault)
        if fault.act == "disk_tear":
            what: str | None = tear_votes(node.folder.votes, options.blocks)
        else:
            what = flip(node.folder, options.table, Stream(self._seed, "damage", str(self._met)))
        if what is not None:
            self._note(node.name, "damaged", {"what": what})
