"""Runs in which the members change, and what every such run must keep to."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.contracts import load_contracts
from consortium.core.crypto import SUITES
from consortium.core.genesis import Parameters
from consortium.core.membership import Epochs
from consortium.core.messages import decode_frame, open_statement
from consortium.core.transaction import Bundles
from consortium.ledger.chain import Ledger
from consortium.ledger.rows import DictRows
from consortium.ledger.verify import verify_ledger
from consortium.protocols import load_protocols
from consortium.runs.run import ledger_epochs
from consortium.scenario.load import check_scenario
from consortium.scenario.scenario import Fault, Link, MemberSpec, Network, Scenario, Stop, Workload
from consortium.simulation.bus.transport import Seen
from consortium.simulation.run import Simulation

LOADED = {"hosts": ["loader", "steward"]}
QUIET = {"hosts": ["steward"]}
VOTES = {"PrePrepare", "Prepare", "Commit", "ViewChange", "NewView", "Checkpoint"}


def deed(by: int, at_ms: int, action: str, name: int | None = None, **more: Any) -> dict[str, Any]:
    named = {} if name is None else {"name": f"m{name}"}
    return {"by": f"m{by}", "at_us": at_ms * 1_000, "action": action, **named, **more}


def promote(by: int, at_ms: int, name: int) -> dict[str, Any]:
    return deed(by, at_ms, "appoint", name, kind="validator")


def scenario_of(
    deeds: list[dict[str, Any]],
    validators: int = 4,
    observers: int = 0,
    seed: int = 1,
    loss: float = 0.0,
    faults: tuple[Fault, ...] = (),
    load: dict[str, Any] | None = None,
    is_idle: bool = False,
    newcomers: tuple[str, ...] = (),
    **more: Any,
) -> Scenario:
    members = [
        MemberSpec(f"m{index}", "hospital", settings=QUIET if is_idle else LOADED) for index in range(validators)
    ]
    members += [
        MemberSpec(f"m{index}", "hospital", "observer", QUIET) for index in range(validators, validators + observers)
    ]
    members += [MemberSpec(name, "hospital", settings=QUIET, joins=True) for name in newcomers]
    options = {"transactions": 0 if is_idle else 240, "interval_us": 60_000, "persons": 10, "deeds": deeds}
    scenario = Scenario(
        name="membership",
        members=tuple(members),
        seed=seed,
        suite="keyed-hash",
        parameters=Parameters(
            checkpoint_interval=4, window=8, batches_in_flight=4, timer_base_us=500_000, idle_seal_us=400_000
        ),
        network=Network(Link("lognormal", 3_000, 2_000, loss_ppm=int(loss * 1e6), duplicate_ppm=50_000 if loss else 0)),
        workload=Workload("membership", {**options, **(load or {})}),
        faults=faults,
        stop=Stop(limit_us=90_000_000, stall_us=40_000_000),
        **more,
    )
    check_scenario(scenario)
    return scenario


class Ran:
    """A finished run; made with all checks that hold for every one."""

    def __init__(self, scenario: Scenario) -> None:
        self.said: dict[tuple[str, int], set[str]] = {}  # kinds of message, by sender and epoch
        self.simulation = Simulation(scenario, watch=self._watch)
        self.result = self.simulation.run()
        self.trace = self.result.trace
        self.genesis = self.result.genesis
        assert self.result.is_done, self.summary()
        self.roots = {name: self.verify(name) for name in self.result.ledgers}
        honest = [name for name in self.roots if not self.simulation.nodes[name].is_traitor]
        fullest = max(honest, key=lambda name: self.roots[name][0])
        members = [name for name in honest if name in self.epochs(fullest).newest.by_name]
        assert len({self.roots[name] for name in members}) == 1, self.roots

    def _watch(self, seen: Seen) -> None:
        opening = open_statement(decode_frame(seen.payload).signed.body)
        kind: str = msgspec.msgpack.decode(opening.message)[0]
        self.said.setdefault((seen.sender, opening.epoch), set()).add(kind)

    def voted_in(self, name: str, epoch: int) -> set[str]:
        return VOTES & self.said.get((name, epoch), set())

    def summary(self) -> str:
        nodes = {
            name: (node.host.head_height, node.host.stable_height, node.host.epoch, node.host.is_done)
            for name, node in self.simulation.nodes.items()
            if node.host is not None
        }
        return f"not done after {self.result.ended_us / 1e6} s: {nodes}"

    def rows(self, name: str) -> DictRows:
        return self.result.ledgers[name]

    def ledger(self, name: str) -> Ledger:
        """The ledger of a node, booted again from its rows."""
        bundles = Bundles(self.genesis.chain, SUITES[self.genesis.suite]())
        epochs = Epochs((self.genesis.first_epoch,))
        ledger = Ledger(self.genesis, self.rows(name), load_contracts(), bundles, epochs)
        ledger.boot()
        return ledger

    def epochs(self, name: str = "m0") -> Epochs:
        return ledger_epochs(self.genesis, self.rows(name))

    def verify(self, name: str) -> tuple[int, bytes]:
        """Offline, from the genesis alone: certificates and seals by the members of their height."""
        protocol = load_protocols()[self.genesis.protocol]
        verified = verify_ledger(self.genesis, self.rows(name), load_contracts(), protocol)
        return verified.height, verified.state_root

    def noted(self, kind: str, **fields: Any) -> list[dict[str, Any]]:
        found = [record for record in self.trace if record["kind"] == kind]
        return [record for record in found if all(record.get(name) == value for name, value in fields.items())]
