"""Several consortia in one virtual time, and a bridge between each two of them.

Each is a simulation of its own, with its own network, faults and trace. They are stopped at the same times, every
LOOK_US; then the bridge looks at its nodes' ledgers and hands in at one what the other has proven. In between nobody is
there to carry anything, so it makes no difference which of them runs first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from consortium.contracts.bridges.foreign_chain import Know
from consortium.contracts.governance.governance import Propose
from consortium.contracts.governance.rule_changes import CALL
from consortium.core.codec import encode
from consortium.core.contract import CanonicalCall
from consortium.core.genesis import Genesis
from consortium.core.machine import Note, Wished
from consortium.ledger.chain import Ledger
from consortium.ledger.proofs import take_state_evidence
from consortium.roles.carrier import Carrier, Errand, Far
from consortium.roles.steward import MembershipAction, StewardTasks
from consortium.scenario.chains import Chains
from consortium.scenario.scenario import Scenario
from consortium.simulation.run import Record, Simulated, Simulation

SETTLING_LOOKS = 20  # so long nothing may be to do anywhere before all of it is over


class Ended(NamedTuple):
    """By chain."""

    simulations: Mapping[str, Simulation]
    simulated: Mapping[str, Simulated]
    is_done: bool


class _Way(NamedTuple):
    """From the ledger of one chain to that of another."""

    far: str
    near: str
    carrier: Carrier


class Together:
    """Made once, run once. `on_record` sees each record of each chain's trace, with the chain's name."""

    def __init__(self, chains: Chains, on_record: Callable[[str, Record], None] | None = None) -> None:
        self.chains = chains
        self.simulations = {
            name: Simulation(scenario, None if on_record is None else _named(on_record, name))
            for name, scenario in chains.chains.items()
        }
        for name, simulation in self.simulations.items():
            simulation.instruct(chains.introducer, self._introduction(name, simulation.scenario))
        self._ways = [
            _Way(far, near, self._carrier(far, near))
            for near in self.simulations
            for far in self.simulations
            if far != near
        ]
        self._seen: dict[tuple[str, str], tuple[int, ...]] = {}

    def _introduction(self, own: str, scenario: Scenario) -> StewardTasks:
        """The proposals to know each of the others, as those who vote have compared them with the genesis files."""
        at_us, by = self.chains.introduced_at_us, self.chains.introducer
        proposals = [
            Propose(f"know-{name}", CALL, by, call=_know(name, simulation.genesis))
            for name, simulation in self.simulations.items()
            if name != own
        ]
        return StewardTasks(tuple(MembershipAction(at_us, proposal) for proposal in proposals))

    def _carrier(self, far: str, near: str) -> Carrier:
        records = tuple((each.table, each.key) for each in self.chains.records if each.chain == far)
        return Carrier(far, self.simulations[near].genesis.chain, records)

    def run(self) -> Ended:
        looks = {name: simulation.looks() for name, simulation in self.simulations.items()}
        settled, limit_us = 0, max(scenario.stop.limit_us for scenario in self.chains.chains.values())
        while True:
            states = {name: next(look) for name, look in looks.items()}
            is_carrying = self._carry()
            is_done = all(done for done, _ in states.values()) and not is_carrying
            settled = settled + 1 if is_done else 0
            is_stuck = all(done or stalled for done, stalled in states.values()) and any(
                each[1] for each in states.values()
            )
            if settled >= SETTLING_LOOKS or is_stuck or self._now_us >= limit_us:
                break
        simulated = {
            name: simulation.end(is_done=states[name][0], is_stalled=states[name][1])
            for name, simulation in self.simulations.items()
        }
        return Ended(self.simulations, simulated, is_done)

    @property
    def _now_us(self) -> int:
        return next(iter(self.simulations.values())).now_us

    # --- the bridge ---------------------------------------------------------------------------------------------

    def _carry(self) -> bool:
        """Whether anything is on its way. A bridge that is down carries nothing, and knows nothing when it is back."""
        now_us = self._now_us
        if any(begin <= now_us < end for begin, end in self.chains.bridge_down):
            self._ways = [_Way(way.far, way.near, self._carrier(way.far, way.near)) for way in self._ways]
            self._seen.clear()
            return True
        are_busy = [self._look(way) for way in self._ways]  # each of them looks
        return any(are_busy)

    def _look(self, way: _Way) -> bool:
        far, near = self._far(way.far), self._far(way.near)
        if far is None or near is None:
            return False  # one of its nodes is down
        heights = (*far[1], *near[1])
        if self._seen.get((way.far, way.near)) == heights and way.carrier.is_idle:
            return False
        self._seen[way.far, way.near] = heights
        for errand in way.carrier.look(near[0].state, far[0]):
            self._hand_in(way, errand)
        return not way.carrier.is_idle

    def _hand_in(self, way: _Way, errand: Errand) -> None:
        simulation, bridge = self.simulations[way.near], self.chains.bridge
        wished = Wished(errand.reference, (("foreign_chain", errand.operation, errand.arguments),))
        simulation.note(bridge, Note("carried", {"chain": way.far, "what": errand.what, "operation": errand.operation}))
        simulation.hand_in(bridge, wished)

    def _far(self, name: str) -> tuple[Far, tuple[int, int]] | None:
        """The ledger of a chain as the bridge's node has it, and its heights; None where that node is down."""
        node = self.simulations[name].nodes[self.chains.bridge]
        if node.host is None or node.is_paused:
            return None
        ledger, rows = node.host.parts.ledger, node.disk.rows
        assert isinstance(ledger, Ledger)
        far = Far(
            ledger.reader,
            rows,
            node.host.epoch,
            ledger.head.time_us,
            lambda table, key: take_state_evidence(ledger, rows, table, key),
        )
        return far, (node.host.head_height, node.host.stable_height)


def _know(name: str, genesis: Genesis) -> CanonicalCall:
    return CanonicalCall("foreign_chain", "know", encode(Know(name, genesis.chain, genesis.members)))


def _named(on_record: Callable[[str, Record], None], name: str) -> Callable[[Record], None]:
    return lambda record: on_record(name, record)


__all__ = ["Ended", "Together"]
