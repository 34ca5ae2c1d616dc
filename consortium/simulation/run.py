"""A scenario in virtual time: the same hosts as in real processes, a heap instead of a network, dicts instead of disks.

What a run does depends on the scenario (and its seed) alone: not on the clock, on hash order, or on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from consortium import __version__
from consortium.core.codec import tagged_hash
from consortium.core.crypto import SUITES, KeySuite
from consortium.core.genesis import Genesis
from consortium.core.machine import HandIn, Note
from consortium.core.membership import NodeId, Purpose
from consortium.ledger.rows import DictRows
from consortium.scenario.adversary import Adversaries
from consortium.scenario.assemble import RunPlan, Shared, build_genesis, prepare
from consortium.scenario.faults import touches
from consortium.scenario.faults.fate import Fate
from consortium.scenario.network.model import NetworkModel, change_times_us
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.membership import introduce
from consortium.simulation.bus.collapse import Awaited, Tick
from consortium.simulation.bus.deliveries import Arrival
from consortium.simulation.bus.levels import LEVELS, ONE_BY_ONE
from consortium.simulation.bus.transport import Seen, Transport
from consortium.simulation.clock import Clock, Due
from consortium.simulation.costs.priced_node import PricedNodes
from consortium.simulation.costs.profile import Profile
from consortium.simulation.driver import NodeDriver
from consortium.simulation.free_node import FreeNodes
from consortium.simulation.gauges import Gauges
from consortium.simulation.lives import NodeLives
from consortium.simulation.shortcuts.keeping import CountedKeeping
from consortium.simulation.shortcuts.own_signatures import OwnSignatures
from consortium.simulation.shortcuts.shared_blocks import SharedBlocks
from consortium.simulation.simulated_node import (
    Delivery,
    SimulatedNode,
)
from consortium.simulation.world import SimulatedWorld
from consortium.vault.boxes import DictBoxes

WALL_ORIGIN_US = 1_775_001_600_000_000  # 2026-04-01T00:00:00Z, after every day of service of our workloads
PURPOSES: tuple[Purpose, ...] = ("encrypt", "recover", "submit", "vote")
LOOK_US = 50_000  # how often the run looks whether it is over
QUIET_US = 1_000_000  # where nothing was executed for so long, it looks whether anything waits at all
Record = dict[str, Any]
_ACTING = (Awaited, Arrival, Due, Tick)  # a tuple made once: this is asked of every item


class Simulated(NamedTuple):
    """`trace`: records in order of virtual time. `ledgers`, `vaults`: by node; of a member and its twin there are two.
    `is_done`: of all honest nodes that live, all roles done and all ledgers at one sealed height."""

    trace: list[Record]
    genesis: Genesis
    ledgers: dict[str, DictRows]
    vaults: dict[str, DictBoxes]
    is_done: bool
    is_stalled: bool
    ended_us: int


class _Look(NamedTuple):
    """Time to look whether the run is over; comes again and again."""


class _Strike(NamedTuple):
    """A fault or a behaviour may be due; comes once."""


def secrets_of(scenario: Scenario, name: NodeId) -> dict[Purpose, bytes]:
    """SIMULATION ONLY: keys out of the published seed."""
    seed = str(scenario.seed).encode()
    return {purpose: tagged_hash(b"simulated secret", seed, name.encode(), purpose.encode()) for purpose in PURPOSES}


def pseudonym_key_of(scenario: Scenario) -> bytes:
    """SIMULATION ONLY: the key of pseudonyms out of the published seed."""
    return tagged_hash(b"simulated pseudonyms", str(scenario.seed).encode())


def _public_keys(
    suite: KeySuite, secrets: Mapping[NodeId, Mapping[Purpose, bytes]]
) -> dict[NodeId, dict[Purpose, bytes]]:
    return {
        name: {purpose: suite.public_key(secret) for purpose, secret in held.items()} for name, held in secrets.items()
    }


def _made_nodes(adversaries: Adversaries, secrets: Mapping[NodeId, dict[Purpose, bytes]]) -> dict[str, SimulatedNode]:
    """A node for each member, and one more for each twin, by name; none of them lives yet."""
    identities = {**{name: name for name in secrets}, **adversaries.twins}
    nodes = {
        name: SimulatedNode(name, identities[name], secrets[identities[name]], WALL_ORIGIN_US)
        for name in sorted(identities)
    }
    for name in adversaries.names:
        nodes[name].is_traitor = True
    return nodes


def _confine_twins(adversaries: Adversaries, transport: Transport) -> None:
    """Each of a pair hears, and is heard by, its own half of the members alone."""
    for twin, member in adversaries.twins.items():
        own, second = adversaries.twin_groups[member]
        transport.confine(member, own)
        transport.confine(twin, second)


def _suite_of(scenario: Scenario, profile: Profile | None) -> KeySuite:
    """The others are as cheap as remembering; and a profile counts what nodes verify."""
    suite = SUITES[scenario.suite]()
    return OwnSignatures(suite) if profile is None and scenario.suite == "ed25519" else suite


def _with_shortcuts(scenario: Scenario, shared: Shared) -> Shared:
    """Where no work costs anything, what is the same for all nodes need not be done by each of them. Blocks are only
    shared where no ledger can be damaged, for a node would not notice."""
    memo = None if touches(scenario, "disk") else SharedBlocks()
    return shared._replace(keeping=CountedKeeping(), memo=memo)


def simulate(scenario: Scenario, on_record: Callable[[Record], None] | None = None) -> Simulated:
    """Run to the end. `on_record` sees each trace record as it is made."""
    return Simulation(scenario, on_record).run()


class Simulation:
    """One run. Made once, run once. `suite` replaces the scenario's own, wrapped: a watcher of all that is signed.
    `watch` sees every frame that leaves a node. `profile`: what CPU and disk cost; None: CPU is free.

    `level`, which changes no decision, header or state (decision 040): each vote is delivered (`message`), or one event
    a node when its quorum is complete (`collapsed`); `auto`: the second from COLLAPSED_MIN nodes on. Where a network is
    more than links that delay, or the case is not the normal one, votes are delivered one by one all the same."""

    def __init__(
        self,
        scenario: Scenario,
        on_record: Callable[[Record], None] | None = None,
        suite: KeySuite | None = None,
        watch: Callable[[Seen], None] | None = None,
        profile: Profile | None = None,
        level: str = "auto",
    ) -> None:
        assert level in (*LEVELS, ONE_BY_ONE), level
        self.scenario = scenario
        self.trace: list[Record] = []
        self._on_record = on_record
        self._clock = Clock(WALL_ORIGIN_US)
        suite = suite or _suite_of(scenario, profile)
        secrets = {member.name: secrets_of(scenario, member.name) for member in scenario.members}
        keys = _public_keys(suite, secrets)
        prepared = introduce(prepare(scenario, pseudonym_key_of(scenario)), keys)
        self.genesis = build_genesis(scenario, prepared, keys, WALL_ORIGIN_US)
        self._shared = Shared.of(self.genesis, suite)
        if profile is None:
            self._shared = _with_shortcuts(scenario, self._shared)
        plan = RunPlan.of(scenario, self.genesis, prepared)
        self.nodes = _made_nodes(plan.adversaries, secrets)
        network = NetworkModel(scenario.network, scenario.seed, list(secrets))
        self.lives = NodeLives(plan, self._shared, self.nodes, self._clock, self._note)
        world = (scenario, self._clock, network, self.nodes, self.lives, watch)
        self.driver: NodeDriver = FreeNodes(*world, level) if profile is None else PricedNodes(profile, *world)
        self.lives.driver = self.driver
        self._transport = self.driver.transport
        _confine_twins(plan.adversaries, self._transport)
        fated = (self._clock, self.nodes, self._transport, self._note, self.lives.start, self.lives.resume)
        self._fate = Fate(scenario, SimulatedWorld(*fated))
        self._gauges = Gauges(self._clock, self.nodes, self._note)
        self._turns = list(plan.adversaries.turns)
        self._height_max = 0
        self._progress_us = 0
        self._is_begun = False

    def begin(self) -> None:
        """Builds and boots all hosts; what they say first is on its way. `run` does it, where it was not done."""
        self._is_begun = True
        self._note("", Note("run", self._about()))
        self._note_turns()
        self._transport.network.turn_to(0)
        joining = {member.name for member in self.scenario.members if member.joins}
        present = [node for node in self.nodes.values() if node.identity not in joining]
        born = [(node, self.lives.boot(node)) for node in present]
        for node, outputs in born:  # everybody listens before anybody speaks
            self.driver.carry(node, outputs)
        self._clock.push(LOOK_US, _Look())
        for time_us in (*(turn.at_us for turn in self._turns), *change_times_us(self.scenario.network)):
            self._clock.push(time_us, _Strike())
        self._strike()

    def run(self) -> Simulated:
        for is_done, is_stalled in self.looks():
            if is_done or is_stalled:
                break
        return self.end(is_done=is_done, is_stalled=is_stalled)

    @property
    def now_us(self) -> int:
        return self._clock.now_us

    def instruct(self, member: NodeId, tasks: msgspec.Struct) -> None:
        """Give a member tasks, in place of those of their type, before the run begins: they may depend on the
        genesis."""
        assert not self._is_begun
        self.lives.instruct(member, tasks)

    def hand_in(self, name: str, event: HandIn) -> bool:
        """Bring something to a node's door, now; False where nobody is there."""
        node = self.nodes[name]
        if node.host is None or node.is_paused:
            return False
        self.driver.end_collapse()
        self.driver.carry(node, node.host.hand_in(node.now(self._clock.now_us), event))
        return True

    def note(self, node: str, note: Note) -> None:
        """Write into the trace what somebody outside has done."""
        self._note(node, note)

    def looks(self) -> Iterator[tuple[bool, bool]]:
        """Run, and stop every LOOK_US to say whether it is done, or stalled; between two looks nobody outside can do
        anything. It goes on for as long as it is asked."""
        if not self._is_begun:
            self.begin()
        while True:
            self.driver.deliver()
            item = self._clock.pop()
            assert item is not None, "a look is always to come"
            if isinstance(item, _ACTING):
                item.act()
            elif isinstance(item, _Strike):
                self._strike()
            elif isinstance(item, _Look):
                self._gauges.look()
                is_done = self._is_done()
                is_stalled = not is_done and self._is_stalled()
                self._clock.push(LOOK_US, item)
                yield is_done, is_stalled
            else:
                self.lives.handle(item)

    def end(self, *, is_done: bool, is_stalled: bool) -> Simulated:
        self._gauges.end()
        ledgers: dict[str, DictRows] = {name: node.disk.rows for name, node in self.nodes.items()}
        self.driver.end()
        self._note("", Note("ended", {"verdict": "done" if is_done else "no progress"}))
        vaults = {name: node.disk.boxes for name, node in self.nodes.items()}
        return Simulated(self.trace, self.genesis, ledgers, vaults, is_done, is_stalled, self._clock.now_us)

    def _about(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario.name,
            "seed": self.scenario.seed,
            "on": "simulator",
            "version": __version__,
            "level": self.driver.level,
            **self.driver.about(),  # `profile` "": CPU was free in this run
        }

    def _strike(self) -> None:
        """Faults and behaviours that are due; and come back for the next one whose time is known."""
        self.driver.end_collapse()
        self._note_turns()
        if self._transport.network.turn_to(self._clock.now_us):
            self._note("", Note("fault", {"act": "network", "target": ""}))
        next_us = self._fate.carry_out(self._clock.now_us, self._height_max)
        if next_us is not None:
            self._clock.push(max(0, next_us - self._clock.now_us), _Strike())

    # --- the trace ----------------------------------------------------------------------------------------------

    def _note(self, node: str, note: Note) -> None:
        record: Record = {"t_us": self._clock.now_us, "node": node, "kind": note.kind, **note.fields}
        self.trace.append(record)
        if note.kind == "executed" and not self.nodes[node].is_traitor:
            self._executed(note.fields["height"])
        if self._on_record is not None:
            self._on_record(record)

    def _executed(self, height: int) -> None:
        if height > self._height_max:
            self._height_max = height
            self._progress_us = self._clock.now_us
            if self._fate.waits_for_height <= height:
                self._clock.push(0, _Strike())

    def _note_turns(self) -> None:
        """Behaviours that begin or end."""
        while self._turns and self._turns[0].at_us <= self._clock.now_us:
            turn = self._turns.pop(0)
            fields = {"act": f"behaviour:{turn.name}", "target": turn.member, "phase": turn.phase}
            self._note("", Note("fault", fields))

    # --- the end ------------------------------------------------------------------------------------------------

    def _is_done(self) -> bool:
        """Whether all are done that the run waits for; it does not wait for the dead, nor for traitors."""
        if not self.scenario.stop.when_done or not self._fate.is_over:
            return False
        if any(turn.phase == "begin" for turn in self._turns):
            return False
        heads: set[tuple[int, int]] = set()
        for each in self.nodes.values():
            if each.is_traitor or each.host is None or each.is_paused or not each.host.is_member:
                continue  # one that was removed is waited for no more
            if not each.host.is_done:
                return False
            heads.add((each.host.head_height, each.host.stable_height))
        return len(heads) == 1 and all(head == stable for head, stable in heads)

    def _is_stalled(self) -> bool:
        """Whether the time is up, or work has waited for long without anything being executed."""
        now_us = self._clock.now_us
        stop = self.scenario.stop
        if now_us - self._progress_us >= QUIET_US and not self._has_work():
            self._progress_us = now_us
        return now_us >= stop.limit_us or now_us - self._progress_us >= stop.stall_us

    def _has_work(self) -> bool:
        """Whether anything waits at those that the run waits for: a transaction, a block that others have, a seal."""
        heads: set[tuple[int, int]] = set()
        for each in self.nodes.values():
            if each.is_traitor or each.host is None or each.is_paused or not each.host.is_member:
                continue
            if any(each.host.queues.values()):
                return True
            heads.add((each.host.head_height, each.host.stable_height))
        return len(heads) > 1 or any(head != stable for head, stable in heads)


__all__ = ["Delivery", "Simulated", "Simulation", "secrets_of", "simulate"]
