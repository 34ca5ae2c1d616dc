"""A scenario in virtual time: the same hosts as in real processes, a heap instead of a network, dicts instead of disks.

What a run does depends on the scenario (and its seed) alone: not on the clock, on hash order, or on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from consortium import __version__
from consortium.core.codec import tagged_hash
from consortium.core.crypto import SUITES, KeySuite
from consortium.core.genesis import Genesis
from consortium.core.machine import Apply, Note, Output, Store, Transmit, Wake
from consortium.core.membership import NodeId, Purpose
from consortium.ledger.executed_blocks import ExecutedBlocks
from consortium.ledger.proofs import ProofError
from consortium.ledger.rows import Damaged, DictRows
from consortium.ledger.stored_members import registered_voting_key
from consortium.scenario.adversary import traitors, turns, twin_groups, twins_of
from consortium.scenario.assemble import AssembledHost, Shared, build_genesis, build_host, prepare
from consortium.scenario.network.model import NetworkModel, change_times_us
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.membership import introduce
from consortium.simulation.bus.collapse import Awaited, Tick
from consortium.simulation.bus.deliveries import Arrival
from consortium.simulation.bus.hub import HubTransport, needs_hub
from consortium.simulation.bus.levels import DeliveryLevel
from consortium.simulation.bus.transport import Seen, Transport
from consortium.simulation.clock import Clock, Due
from consortium.simulation.costs.priced_node import Driver, PricedNodes
from consortium.simulation.costs.profile import Profile
from consortium.simulation.faults import Faults
from consortium.simulation.gauges import Gauges
from consortium.simulation.simulated_node import (
    EXIT_STORE,
    Committed,
    Continue,
    Delivery,
    Item,
    SimulatedNode,
    Synced,
    Wakeup,
)

WALL_ORIGIN_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
PURPOSES: tuple[Purpose, ...] = ("encrypt", "recover", "submit", "vote")
LOOK_US = 50_000  # how often the run looks whether it is over
Record = dict[str, Any]
_ACTING = (Awaited, Arrival, Due, Tick)  # a tuple made once: this is asked of every item
_HEARD, _DURABLE = (Delivery, Wakeup), (Store, Apply)


class Simulated(NamedTuple):
    """`trace`: records in order of virtual time. `ledgers` by computer; of a member and its twin there are two.
    `is_done`: of all honest nodes that live, all roles done and all ledgers at one sealed height."""

    trace: list[Record]
    genesis: Genesis
    ledgers: dict[str, DictRows]
    is_done: bool
    is_stalled: bool
    ended_us: int


class _Look(NamedTuple):
    """Is the run over? Again and again."""


class _Strike(NamedTuple):
    """A fault or a behaviour may be due. Once."""


def secrets_of(scenario: Scenario, name: NodeId) -> dict[Purpose, bytes]:
    """SIMULATION ONLY: keys out of the published seed."""
    seed = str(scenario.seed).encode()
    return {purpose: tagged_hash(b"simulated secret", seed, name.encode(), purpose.encode()) for purpose in PURPOSES}


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
        self.scenario = scenario
        self.trace: list[Record] = []
        self._on_record = on_record
        self._clock = Clock(WALL_ORIGIN_US)
        secrets = {member.name: secrets_of(scenario, member.name) for member in scenario.members}
        suite = suite or SUITES[scenario.suite]()
        public = suite.public_key
        keys = {name: {word: public(secret) for word, secret in held.items()} for name, held in secrets.items()}
        prepared = prepare(scenario, tagged_hash(b"simulated pseudonyms", str(scenario.seed).encode()))
        self._prepared = introduce(prepared, keys)
        self.genesis = build_genesis(scenario, self._prepared, keys, WALL_ORIGIN_US)
        self._shared = Shared.of(self.genesis, suite)
        if profile is None and not any(fault.act.startswith("disk_") for fault in scenario.faults):
            self._shared = self._shared._replace(memo=ExecutedBlocks())
        twins = twins_of(scenario)
        identities = {**{name: name for name in secrets}, **twins}
        self.computers = {
            name: SimulatedNode(name, identities[name], secrets[identities[name]], WALL_ORIGIN_US)
            for name in sorted(identities)
        }
        for name in traitors(scenario):
            self.computers[name].is_traitor = True
        network = NetworkModel(scenario.network, scenario.seed, list(secrets))
        self.office: PricedNodes | None = None
        if profile is not None:
            driver = Driver(self._step, self._handle, self._note, self._fail, self._is_struck)
            self.office = PricedNodes(profile, self._clock, driver, scenario.network.machines, scenario.suite)
            self.office.transport = HubTransport(self._clock, network, self.computers, watch, self.office.hub_costs())
        road = HubTransport if needs_hub(scenario.network) else Transport
        self._transport = self.office.transport if self.office else road(self._clock, network, self.computers, watch)
        for twin, member in twins.items():
            own, second = twin_groups(scenario, member)
            self._transport.confine(member, own)
            self._transport.confine(twin, second)
        self._faults = Faults(
            scenario, self._clock, self.computers, self._transport, self._note, self._start, self._resume
        )
        self._carriage = DeliveryLevel(
            level, scenario, self._clock, network, self.computers, self._transport, self._handle
        )
        self._gauges = Gauges(self._clock, self.computers, self._note)
        self._turns = list(turns(scenario))
        self._height_max = 0
        self._progress_us = 0
        self._is_begun = False

    def begin(self) -> None:
        """Builds and boots all hosts; what they say first is on its way. `run` does it, where it was not done."""
        self._is_begun = self._carriage.is_running = True
        self._note("", Note("run", self._about()))
        self._note_turns()
        self._transport.network.turn_to(0)
        joining = {member.name for member in self.scenario.members if member.joins}
        present = [computer for computer in self.computers.values() if computer.identity not in joining]
        born = [(computer, self._boot(computer)) for computer in present]
        for computer, outputs in born:  # everybody listens before anybody speaks
            self._carry(computer, outputs)
        self._clock.push(LOOK_US, _Look())
        for time_us in (*(turn.at_us for turn in self._turns), *change_times_us(self.scenario.network)):
            self._clock.push(time_us, _Strike())
        self._strike()

    def run(self) -> Simulated:
        if not self._is_begun:
            self.begin()
        is_done = is_stalled = False
        while not (is_done or is_stalled):
            self._carriage.deliver()
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
            else:
                self._handle(item)
        self._gauges.end()
        ledgers: dict[str, DictRows] = {name: computer.disk.rows for name, computer in self.computers.items()}
        if self.office is not None:
            self.office.note_costs()
        self._note("", Note("ended", {"verdict": "done" if is_done else "no progress"}))
        return Simulated(self.trace, self.genesis, ledgers, is_done, is_stalled, self._clock.now_us)

    def _about(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario.name,
            "seed": self.scenario.seed,
            "on": "simulator",
            "version": __version__,
            "level": self._carriage.level,
            **self._costs_about(),
        }

    def _costs_about(self) -> dict[str, Any]:
        """`profile` "": CPU was free in this run."""
        profile = self.office.profile if self.office is not None else None
        if profile is None:
            return {"profile": ""}
        return {"profile": profile.name, "profile_broker": profile.broker, "cores": profile.cores}

    def _strike(self) -> None:
        """Faults and behaviours that are due; and come back for the next one whose time is known."""
        self._carriage.end_collapse()
        self._note_turns()
        if self._transport.network.turn_to(self._clock.now_us):
            self._note("", Note("fault", {"act": "network", "target": ""}))
        next_us = self._faults.carry_out(self._height_max)
        if next_us is not None:
            self._clock.push(max(0, next_us - self._clock.now_us), _Strike())

    # --- one item -----------------------------------------------------------------------------------------------

    def _handle(self, item: Item) -> None:
        computer = item.computer
        host = computer.host
        if host is None or computer.incarnation != item.incarnation:
            return
        if computer.is_paused:
            computer.held.append(item)
        elif isinstance(item, _HEARD):
            if self.office is not None:
                self.office.arrive(item)
            else:
                self._hear(computer, item)
        elif isinstance(item, Continue):
            item.act()
        elif isinstance(item, Synced):
            self._end_sync(computer)
        elif isinstance(item, Committed):
            self._end_commit(computer)
        elif self.office is not None:
            self.office.arrive(item)
        else:
            for frame in item.frames:
                self._handle(frame)

    def _hear(self, computer: SimulatedNode, item: Delivery | Wakeup) -> None:
        """A step, and what comes of it."""
        collapse = self._carriage.collapse
        if collapse is not None:
            collapse.before(computer, is_naming=isinstance(item, Wakeup))
        outputs = self._step(computer, item)
        if outputs:
            self._carry(computer, outputs)
        if collapse is not None:
            collapse.after(computer)

    def _step(self, computer: SimulatedNode, item: Delivery | Wakeup) -> Sequence[Output]:
        """The host's own; one that finds its ledger damaged is begun anew."""
        host, now = computer.host, computer.now(self._clock.now_us)
        assert host is not None
        try:
            if isinstance(item, Wakeup):
                return host.wake(now, item.token)
            if item.event is not None:
                return host.hear(now, item.event, None if item.is_single else item.digest)
            if item.frame is None:
                return host.arrival(now, item.payload)
            return host.receive(now, item.frame, item.digest)
        except Damaged as error:
            self._set_ledger_aside(computer, error)
            self._start(computer)
            return ()

    def _carry(self, computer: SimulatedNode, outputs: Sequence[Output]) -> None:
        if self.office is not None:
            self.office.carry(computer, outputs)
            return
        disk, spec = computer.disk, self.scenario.disk
        for output in outputs:
            if isinstance(output, Wake):
                delay_us = computer.clock.true_delay_us(output.delay_us)
                self._clock.push(delay_us, Wakeup(computer, computer.incarnation, output.token))
            elif isinstance(output, Note):
                self._note(computer.name, output)
            elif (free := disk.take(output)) is not None:
                self._send(computer, free)
            if computer.host is None:
                return  # it died in the middle
            if spec.sync_us == 0 and isinstance(output, _DURABLE):
                self._flush(computer)
                if computer.host is None:
                    return  # with the sync, and nothing of what follows was done
        self._flush(computer)

    def _flush(self, computer: SimulatedNode) -> None:
        """Syncs and commits that are due begin; those that take no time end at once."""
        disk, spec = computer.disk, self.scenario.disk
        if computer.host is not None and disk.begin_sync():
            if spec.sync_us == 0:
                self._end_sync(computer)
            else:
                self._clock.push(spec.sync_us, Synced(computer, computer.incarnation))
        if computer.host is not None and disk.begin_commit():
            if spec.commit_us == 0:
                self._end_commit(computer)
            else:
                self._clock.push(spec.commit_us, Committed(computer, computer.incarnation))

    def _end_sync(self, computer: SimulatedNode) -> None:
        if computer.disk.is_full:
            self._fail(computer, "the disk refuses: no space left on device")
            return
        left = computer.disk.end_sync()
        self._is_struck(computer)
        for transmit in left:
            self._send(computer, transmit)
        self._flush(computer)

    def _end_commit(self, computer: SimulatedNode) -> None:
        if computer.disk.is_full:
            self._fail(computer, "the disk refuses: no space left on device")
            return
        computer.disk.end_commit()
        self._flush(computer)

    def _send(self, computer: SimulatedNode, transmit: Transmit) -> None:
        if computer.host is not None:
            computer.traffic.count(transmit.to, transmit.payload)
            self._transport.transmit(computer, transmit.to, transmit.payload)
            self._is_struck(computer)

    def _is_struck(self, computer: SimulatedNode) -> None:
        """A kill that waited for so many outputs."""
        if computer.outputs_left is None:
            return
        computer.outputs_left -= 1
        if computer.outputs_left <= 0:
            computer.crash()

    def _fail(self, computer: SimulatedNode, why: str) -> None:
        """The process ends by itself, as a real one does."""
        computer.crash()
        self._note(computer.name, Note("exited", {"code": EXIT_STORE, "why": why}))

    def _note(self, node: str, note: Note) -> None:
        record: Record = {"t_us": self._clock.now_us, "node": node, "kind": note.kind, **note.fields}
        self.trace.append(record)
        if note.kind == "executed" and not self.computers[node].is_traitor:
            self._executed(note.fields["height"])
        if self._on_record is not None:
            self._on_record(record)

    def _executed(self, height: int) -> None:
        if height > self._height_max:
            self._height_max = height
            self._progress_us = self._clock.now_us
            if self._faults.waits_for_height <= height:
                self._clock.push(0, _Strike())

    def _note_turns(self) -> None:
        """Behaviours that begin or end."""
        while self._turns and self._turns[0].at_us <= self._clock.now_us:
            turn = self._turns.pop(0)
            fields = {"act": f"behaviour:{turn.name}", "target": turn.member, "phase": turn.phase}
            self._note("", Note("fault", fields))

    # --- nodes --------------------------------------------------------------------------------------------------

    def _boot(self, computer: SimulatedNode) -> list[Output]:
        """Builds its host over its disk; a damaged ledger is set aside and fetched from the others again."""
        computer.incarnation += 1
        voting_key = registered_voting_key(computer.disk.rows, self.genesis, computer.identity)
        records = computer.disk.records(voting_key)
        try:
            return self._begin(computer, records)
        except Damaged as error:  # found at once, or when the past is told again
            self._set_ledger_aside(computer, error)
            return self._begin(computer, records)

    def _begin(self, computer: SimulatedNode, records: Sequence[bytes]) -> list[Output]:
        """Raises Damaged."""
        host = self._build(computer)
        host.begin_run(0)
        computer.host = host
        return host.boot(computer.now(self._clock.now_us), records)

    def _build(self, computer: SimulatedNode) -> AssembledHost:
        member, rows = computer.identity, computer.disk.rows
        shared = self._shared if self.office is None else self.office.shared(computer, self._shared)
        known = self._known() if member not in self.genesis.first_epoch.by_name else b""
        is_recalled = self.scenario.is_recalled and computer.incarnation == 1 and not known
        return build_host(
            self.scenario,
            self.genesis,
            member,
            computer.secrets,
            rows,
            self._prepared,
            shared,
            known=known,
            is_recalled=is_recalled,
        )

    def _known(self) -> bytes:
        """Today's members, as an honest node would prove them to a newcomer."""
        honest = [each for each in self.computers.values() if each.host is not None and not each.is_traitor]
        fullest = max(honest, key=lambda each: each.host.head_height if each.host else 0, default=None)
        if fullest is None or fullest.host is None:
            return b""
        try:
            return fullest.host.prove_epochs(fullest.disk.rows)
        except ProofError:
            return b""

    def _set_ledger_aside(self, computer: SimulatedNode, why: Damaged) -> None:
        """As a real node does that finds its ledger damaged, at its boot or later."""
        computer.crash()
        computer.disk.set_ledger_aside()
        self._note(computer.name, Note("damaged", {"what": str(why)[:120]}))

    def _start(self, computer: SimulatedNode) -> None:
        self._carry(computer, self._boot(computer))

    def _resume(self, computer: SimulatedNode) -> None:
        computer.is_paused = False
        held, computer.held = computer.held, []
        for item in held:
            self._handle(item)

    def _is_done(self) -> bool:
        """The dead are not waited for, nor the traitors."""
        if not self.scenario.stop.when_done or not self._faults.is_over:
            return False
        if any(turn.phase == "begin" for turn in self._turns):
            return False
        heads: set[tuple[int, int]] = set()
        for each in self.computers.values():
            if each.is_traitor or each.host is None or each.is_paused or not each.host.is_member:
                continue  # one that was removed is waited for no more
            if not each.host.is_done:
                return False
            heads.add((each.host.head_height, each.host.stable_height))
        return len(heads) == 1 and all(head == stable for head, stable in heads)

    def _is_stalled(self) -> bool:
        now_us = self._clock.now_us
        stop = self.scenario.stop
        return now_us >= stop.limit_us or now_us - self._progress_us >= stop.stall_us


__all__ = ["Delivery", "Simulated", "Simulation", "secrets_of", "simulate"]
