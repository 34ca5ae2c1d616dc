"""The lives of nodes: a host is built over what its disk kept, is stepped while it lives, and ends by a crash, by a
full disk or by a ledger that is found damaged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from consortium.core.machine import Note, Output
from consortium.core.proven import ProofError
from consortium.core.versions import VersionMissing
from consortium.ledger.proofs import prove_members
from consortium.ledger.rows import Damaged
from consortium.ledger.stored_members import registered_voting_key
from consortium.node.running import RunningNode
from consortium.roles.work import Work
from consortium.scenario.assemble import RunPlan, Shared, build_host
from consortium.simulation.clock import Clock
from consortium.simulation.driver import NodeDriver
from consortium.simulation.simulated_node import EXIT_STORE, EXIT_USAGE, Continue, Delivery, Item, SimulatedNode, Wakeup

DISK_FULL = "the disk refuses: no space left on device"


class NodeLives:
    """`note(node, note)` writes to the trace. `driver` is set once, before anything lives. `wrap(node, host)`: what
    takes the place of each host that is built; by default the host itself."""

    driver: NodeDriver

    def __init__(
        self,
        plan: RunPlan,
        shared: Shared,
        nodes: Mapping[str, SimulatedNode],
        clock: Clock,
        note: Callable[[str, Note], None],
    ) -> None:
        self._plan = plan
        self._shared = shared
        self._nodes = nodes
        self._clock = clock
        self.note = note
        self.wrap: Callable[[SimulatedNode, RunningNode], RunningNode] = lambda node, host: host

    def instruct(self, member: str, tasks: msgspec.Struct) -> None:
        """In place of what the plan has of this type, for hosts that are built from now on."""
        prepared = self._plan.prepared
        work = prepared.work.get(member, Work(member)).having(tasks)
        self._plan = self._plan._replace(prepared=prepared._replace(work={**prepared.work, member: work}))

    # --- while it lives -----------------------------------------------------------------------------------------

    def handle(self, item: Item) -> None:
        """An item whose time has come. What is of an earlier life is dropped; what comes in a pause is held."""
        node = item.node
        if node.host is None or node.incarnation != item.incarnation:
            return
        if node.is_paused:
            node.held.append(item)
        elif isinstance(item, Continue):
            item.act()
        else:
            self.driver.arrive(item)

    def step(self, node: SimulatedNode, item: Delivery | Wakeup) -> Sequence[Output]:
        """The host's own step. One that finds its ledger damaged is begun anew."""
        host, now = node.host, node.now(self._clock.now_us)
        assert host is not None
        try:
            if isinstance(item, Wakeup):
                return host.wake(now, item.token)
            if item.event is not None:
                return host.hear(now, item.event, None if item.is_single else item.digest)
            if item.frame is None:
                return host.arrival(now, item.publisher, item.payload)
            return host.receive(now, item.publisher, item.frame, item.digest)
        except Damaged as error:
            self._set_ledger_aside(node, error)
            self.start(node)
            return ()
        except VersionMissing as error:
            self.fail(node, str(error), EXIT_USAGE)
            return ()

    def resume(self, node: SimulatedNode) -> None:
        node.is_paused = False
        held, node.held = node.held, []
        for item in held:
            self.handle(item)

    # --- how it ends --------------------------------------------------------------------------------------------

    def count_output(self, node: SimulatedNode) -> None:
        """One more of its outputs is out: a kill may have waited for so many."""
        if node.outputs_left is None:
            return
        node.outputs_left -= 1
        if node.outputs_left <= 0:
            node.crash()

    def fail(self, node: SimulatedNode, why: str, code: int = EXIT_STORE) -> None:
        """The process ends by itself, as a real one does."""
        node.crash()
        self.note(node.name, Note("exited", {"code": code, "why": why}))

    def _set_ledger_aside(self, node: SimulatedNode, why: Damaged) -> None:
        """As a real node does that finds its ledger damaged, at its boot or later."""
        node.crash()
        node.disk.set_ledger_aside()
        self.note(node.name, Note("damaged", {"what": str(why)[:120]}))

    # --- how it begins ------------------------------------------------------------------------------------------

    def start(self, node: SimulatedNode) -> None:
        """Begin a new life, and carry out all that it says first."""
        self.driver.carry(node, self.boot(node))

    def boot(self, node: SimulatedNode) -> list[Output]:
        """Builds its host over its disk; a damaged ledger is set aside and fetched from the others again."""
        node.incarnation += 1
        voting_key = registered_voting_key(node.disk.rows, self._plan.genesis, node.identity)
        records = node.disk.records(voting_key)
        try:
            return self._begin(node, records)
        except Damaged as error:  # found at once, or when the past is told again
            self._set_ledger_aside(node, error)
            return self._begin(node, records)
        except VersionMissing as error:
            self.fail(node, str(error), EXIT_USAGE)
            return []

    def _begin(self, node: SimulatedNode, records: Sequence[bytes]) -> list[Output]:
        """Raises Damaged."""
        host = self.wrap(node, self._build(node))
        host.begin_run(0)
        node.host = host
        return host.boot(node.now(self._clock.now_us), records)

    def _build(self, node: SimulatedNode) -> RunningNode:
        known = self._known() if node.identity not in self._plan.genesis.first_epoch.by_name else b""
        return build_host(
            self._plan,
            node.identity,
            node.secrets,
            node.disk.rows,
            self.driver.shared(node, self._shared),
            known=known,
            boxes=node.disk.boxes,
            is_recalled=self._plan.scenario.is_recalled and node.incarnation == 1 and not known,
        )

    def _known(self) -> bytes:
        """Today's members, as an honest node would prove them to a newcomer."""
        honest = [each for each in self._nodes.values() if each.host is not None and not each.is_traitor]
        fullest = max(honest, key=lambda each: each.host.head_height if each.host else 0, default=None)
        if fullest is None or fullest.host is None:
            return b""
        try:
            return prove_members(fullest.disk.rows, fullest.host.epoch)
        except ProofError:
            return b""
