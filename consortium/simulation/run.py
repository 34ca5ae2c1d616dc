"""A scenario in virtual time: the same hosts as in real processes, a heap instead of a network, dicts instead of disks.

What a run does depends on the scenario (and its seed) alone: not on the clock, on hash order, or on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

from consortium import __version__
from consortium.core.codec import tagged_hash
from consortium.core.crypto import SUITES
from consortium.core.genesis import Genesis
from consortium.core.machine import Apply, Note, Now, Output, Store, Transmit, Wake
from consortium.core.membership import NodeId, Purpose
from consortium.core.messages import Frame, decode_frame
from consortium.ledger.rows import DictRows
from consortium.scenario.assemble import AssembledHost, Shared, build_genesis, build_host, prepare
from consortium.scenario.network import NetworkModel
from consortium.scenario.scenario import Fault, Scenario
from consortium.simulation.clock import Clock

WALL_ORIGIN_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
PURPOSES: tuple[Purpose, ...] = ("encrypt", "recover", "submit", "vote")
LOOK_US = 50_000  # how often the run looks whether it is over
Record = dict[str, Any]


class Simulated(NamedTuple):
    """`trace`: records in order of virtual time. `is_done`: all roles done and all ledgers agree, sealed."""

    trace: list[Record]
    genesis: Genesis
    ledgers: dict[NodeId, DictRows]
    is_done: bool
    is_stalled: bool
    ended_us: int


class _Delivery(NamedTuple):
    receiver: NodeId
    incarnation: int
    frame: Frame
    digest: bytes


class _Wakeup(NamedTuple):
    node: NodeId
    incarnation: int
    token: int


class _Look(NamedTuple):
    pass


class _Disk:
    """What survives a crash: the vote log (with its heights) and the ledger's rows."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, int | None]] = []
        self.rows = DictRows()
        self.sealed = 0


class _Machine:
    """One node of the simulation: its disk for good, its host while it lives."""

    def __init__(self, name: NodeId, secrets: dict[Purpose, bytes]) -> None:
        self.name = name
        self.secrets = secrets
        self.disk = _Disk()
        self.host: AssembledHost | None = None
        self.incarnation = 0
        self.is_paused = False
        self.held: list[Any] = []  # what came while it was paused


def secrets_of(scenario: Scenario, name: NodeId) -> dict[Purpose, bytes]:
    """SIMULATION ONLY: keys out of the published seed."""
    seed = str(scenario.seed).encode()
    return {purpose: tagged_hash(b"simulated secret", seed, name.encode(), purpose.encode()) for purpose in PURPOSES}


def simulate(scenario: Scenario, on_record: Callable[[Record], None] | None = None) -> Simulated:
    """Run to the end. `on_record` sees each trace record as it is made."""
    return Simulation(scenario, on_record).run()


class Simulation:
    """One run. Made once, run once."""

    def __init__(self, scenario: Scenario, on_record: Callable[[Record], None] | None = None) -> None:
        self.scenario = scenario
        self.trace: list[Record] = []
        self._on_record = on_record
        self._clock = Clock(WALL_ORIGIN_US)
        secrets = {member.name: secrets_of(scenario, member.name) for member in scenario.members}
        suite = SUITES[scenario.suite]()
        keys = {
            name: {purpose: suite.public_key(secret) for purpose, secret in held.items()}
            for name, held in secrets.items()
        }
        self._prepared = prepare(scenario, tagged_hash(b"simulated pseudonyms", str(scenario.seed).encode()))
        self.genesis = build_genesis(scenario, self._prepared, keys, WALL_ORIGIN_US)
        self._shared = Shared.of(self.genesis)
        self._network = NetworkModel(scenario.network, scenario.seed)
        self._machines = {name: _Machine(name, secrets[name]) for name in sorted(secrets)}
        self._groups: dict[NodeId, int] = {}
        self._is_broker_up = True
        self._faults = list(scenario.faults)
        self._fault_due_us: int | None = None
        self._last_target = ""
        self._height_max = 0
        self._progress_us = 0

    def run(self) -> Simulated:
        self._note("", Note("run", self._about()))
        born = [(machine, self._boot(machine)) for machine in self._machines.values()]
        for machine, outputs in born:  # everybody listens before anybody speaks
            self._carry(machine, outputs)
        self._clock.push(LOOK_US, _Look())
        is_done = is_stalled = False
        while not (is_done or is_stalled):
            item = self._clock.pop()
            assert item is not None, "a look is always to come"
            if isinstance(item, _Look):
                self._carry_out_faults()
                is_done = self._is_done()
                is_stalled = not is_done and self._is_stalled()
                self._clock.push(LOOK_US, _Look())
            else:
                self._deliver(item)
        ledgers = {name: machine.disk.rows for name, machine in self._machines.items()}
        verdict = "done" if is_done else "no progress"
        self._note("", Note("ended", {"verdict": verdict}))
        return Simulated(self.trace, self.genesis, ledgers, is_done, is_stalled, self._clock.now_us)

    def _about(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario.name,
            "seed": self.scenario.seed,
            "on": "simulator",
            "version": __version__,
        }

    # --- one item -----------------------------------------------------------------------------------------------

    def _now(self) -> Now:
        return Now(self._clock.now_us, WALL_ORIGIN_US + self._clock.now_us)

    def _deliver(self, item: _Delivery | _Wakeup) -> None:
        machine = self._machines[item.receiver if isinstance(item, _Delivery) else item.node]
        if machine.host is None or machine.incarnation != item.incarnation:
            return
        if machine.is_paused:
            machine.held.append(item)
            return
        if isinstance(item, _Delivery):
            self._carry(machine, machine.host.receive(self._now(), item.frame, item.digest))
        else:
            self._carry(machine, machine.host.wake(self._now(), item.token))

    def _carry(self, machine: _Machine, outputs: Sequence[Output]) -> None:
        for output in outputs:
            match output:
                case Transmit(to, payload):
                    self._transmit(machine.name, to, payload)
                case Wake(token, delay_us):
                    self._clock.push(delay_us, _Wakeup(machine.name, machine.incarnation, token))
                case Store(record, height):
                    machine.disk.records.append((record, height))
                case Note():
                    self._note(machine.name, output)
                case Apply():
                    pass  # `DictRows.stage` has done it already, and a simulated disk writes at once

    def _transmit(self, sender: NodeId, to: NodeId | None, payload: bytes) -> None:
        if not self._is_broker_up:
            return
        digest = sha256(payload).digest()
        frame = decode_frame(payload)
        receivers = [name for name in self._machines if name != sender] if to is None else [to]
        for name in receivers:
            machine = self._machines.get(name)
            if machine is None or machine.host is None or self._groups.get(sender, 0) != self._groups.get(name, 0):
                continue
            delivery = _Delivery(name, machine.incarnation, frame, digest)
            for delay_us in self._network.link(sender, name).delays_us():
                self._clock.push(delay_us, delivery)

    def _note(self, node: NodeId, note: Note) -> None:
        record: Record = {"t_us": self._clock.now_us, "node": node, "kind": note.kind, **note.fields}
        self.trace.append(record)
        if note.kind == "executed" and note.fields["height"] > self._height_max:
            self._height_max = note.fields["height"]
            self._progress_us = self._clock.now_us
        elif note.kind == "sealed":
            disk = self._machines[node].disk
            disk.sealed = max(disk.sealed, note.fields["height"])
            disk.records = [kept for kept in disk.records if kept[1] is None or kept[1] > disk.sealed]
        if self._on_record is not None:
            self._on_record(record)

    # --- nodes --------------------------------------------------------------------------------------------------

    def _boot(self, machine: _Machine) -> list[Output]:
        machine.incarnation += 1
        machine.is_paused = False
        machine.held = []
        name = machine.name
        machine.host = build_host(
            self.scenario, self.genesis, name, machine.secrets, machine.disk.rows, self._prepared, self._shared
        )
        records = [record for record, _ in machine.disk.records]
        return machine.host.boot(self._now(), records)

    def _is_done(self) -> bool:
        if not self.scenario.stop.when_done or self._faults:
            return False
        hosts = [machine.host for machine in self._machines.values()]
        if any(host is None or not host.is_done for host in hosts):
            return False
        heads = {(host.head_height, host.stable_height) for host in hosts if host is not None}
        return len(heads) == 1 and all(head == stable for head, stable in heads)

    def _is_stalled(self) -> bool:
        now_us = self._clock.now_us
        stop = self.scenario.stop
        return now_us >= stop.limit_us or now_us - self._progress_us >= stop.stall_us

    # --- faults -------------------------------------------------------------------------------------------------

    def _carry_out_faults(self) -> None:
        while self._faults:
            fault = self._faults[0]
            if self._fault_due_us is None:
                if fault.at_height is not None and self._height_max < fault.at_height:
                    return
                if fault.at_us is not None and self._clock.now_us < fault.at_us:
                    return
                self._fault_due_us = self._clock.now_us + fault.after_us
            if self._clock.now_us < self._fault_due_us:
                return
            self._fault_due_us = None
            self._faults.pop(0)
            self._carry_out(fault)

    def _carry_out(self, fault: Fault) -> None:
        target = self._target(fault.target)
        self._note("", Note("fault", {"act": fault.act, "target": target}))
        machine = self._machines.get(target)
        match fault.act:
            case "kill" if machine is not None:
                machine.host = None
            case "restart" if machine is not None and machine.host is None:
                self._carry(machine, self._boot(machine))
            case "pause" if machine is not None:
                machine.is_paused = True
            case "resume" if machine is not None and machine.is_paused:
                machine.is_paused = False
                held, machine.held = machine.held, []
                for item in held:
                    self._deliver(item)
            case "partition":
                self._groups = {name: index + 1 for index, group in enumerate(fault.groups) for name in group}
            case "heal":
                self._groups = {}
            case "broker_kill":
                self._is_broker_up = False
            case "broker_restart":
                self._is_broker_up = True
        if target:
            self._last_target = target

    def _target(self, target: str) -> NodeId:
        if target == "last":
            return self._last_target
        if target != "leader":
            return target
        living = [machine.host for machine in self._machines.values() if machine.host is not None]
        newest = max(living, key=lambda host: (host.view, host.me))
        return newest.leader
