"""The only place that builds hosts: scenario and genesis in, a `Host` with all its siblings out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, NamedTuple

from msgspec.structs import replace

from consortium.behaviours.behaviour import RunStart
from consortium.contracts import load_contracts
from consortium.core.codec import encode
from consortium.core.contract import Contract
from consortium.core.crypto import SUITES, KeySuite
from consortium.core.genesis import FORMAT, Genesis, GenesisCall
from consortium.core.keyring import Keyring
from consortium.core.machine import Rows
from consortium.core.membership import Epochs, Member, NodeId, Purpose
from consortium.core.messages import Message, MessageCodec
from consortium.core.protocol import Consensus, ConsensusProtocol, ReplicaContext
from consortium.core.transaction import Bundles, encode_transaction, sign_bundle
from consortium.core.verifier import Verifier
from consortium.core.votes import PLAIN, VoteKeeping
from consortium.ledger.catch_up import CatchUp
from consortium.ledger.certificate import check_seal
from consortium.ledger.chain import Ledger
from consortium.ledger.executed_blocks import ExecutedBlocks
from consortium.ledger.numbers import used_by
from consortium.ledger.proofs import prove_epochs, verify_epochs_proof
from consortium.ledger.sealer import Sealer
from consortium.node.host import Host
from consortium.node.node import Node
from consortium.node.outbox import Outbox
from consortium.node.pool import BundlePool
from consortium.protocols import load_protocols
from consortium.roles import load_roles, read_settings
from consortium.roles.loader import RESERVED_EVERY, Load, load_number
from consortium.roles.steward import StewardTasks
from consortium.roles.work import Work
from consortium.scenario.adversary import bend
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.membership import complete_deed
from consortium.scenario.workloads.workload import Prepared, load_workloads


class Shared(NamedTuple):
    """What the hosts of one process may share: it depends on bytes alone."""

    suite: KeySuite
    contracts: Mapping[str, Contract]
    protocol: ConsensusProtocol
    verifier: Verifier
    bundles: Bundles
    memo: ExecutedBlocks | None = None  # of executed blocks
    keeping: VoteKeeping = PLAIN  # how votes are kept

    @classmethod
    def of(cls, genesis: Genesis, suite: KeySuite | None = None) -> Shared:
        """`suite` replaces the genesis' own, wrapped (to count its cost, say)."""
        suite = suite or SUITES[genesis.suite]()
        protocol = load_protocols()[genesis.protocol]
        kinds: tuple[type[Message], ...] = (
            *BundlePool.messages,
            *protocol.messages,
            *Sealer.messages,
            *CatchUp.messages,
        )
        codec = MessageCodec(genesis.chain, genesis.suite, kinds)
        return cls(suite, load_contracts(), protocol, Verifier(codec, suite), Bundles(genesis.chain, suite))


def prepare(scenario: Scenario, pseudonym_key: bytes) -> Prepared:
    """What the scenario's workload gives: genesis calls and work per member. Raises ImportFault, ScenarioError."""
    return load_workloads()[scenario.workload.source].prepare(scenario, pseudonym_key)


def build_genesis(
    scenario: Scenario, prepared: Prepared, keys: Mapping[NodeId, Mapping[Purpose, bytes]], time_us: int
) -> Genesis:
    """The genesis of a run: its members with these public keys, its parameters, its first calls."""
    members = tuple(
        Member(member.name, member.role, member.kind, dict(sorted(keys[member.name].items())))
        for member in sorted(scenario.members, key=lambda member: member.name)
        if not member.joins
    )
    own = tuple(
        GenesisCall(contract, operation, encode(arguments)) for contract, operation, arguments in scenario.calls
    )
    return Genesis(
        FORMAT,
        scenario.name,
        time_us,
        scenario.suite,
        scenario.protocol,
        scenario.parameters,
        members,
        (*prepared.calls, *own),
    )


def _completed(work: Work | None, chain: bytes, suite: KeySuite, secrets: Mapping[Purpose, bytes]) -> Work | None:
    """Its deeds with the keys that they need; and the load, if there is one, signed before the run: bundles that bear
    the numbers that the member's outbox leaves to them."""
    if work is None:
        return None
    keyring = Keyring(suite, secrets)
    steward, load = work.find(StewardTasks), work.find(Load)
    if steward is not None:
        actions = tuple(complete_deed(action, work.member, chain, suite, keyring) for action in steward.actions)
        work = work.having(replace(steward, actions=actions))
    if load is None:
        return work
    secret = secrets["submit"]
    numbers = map(load_number, count(1))
    bundles = tuple(
        sign_bundle(chain, suite, secret, work.member, [encode_transaction(next(numbers), *call) for call in calls])
        for calls in load.calls
    )
    return work.having(replace(load, signed=bundles))


class AssembledHost(Host):
    """A host that also tells what runs are watched by."""

    def __init__(
        self,
        *parts: Any,
        node: Node,
        consensus: Consensus,
        ledger: Ledger,
        sealer: Sealer,
        pool: BundlePool,
        epochs: Epochs,
        start: RunStart,
    ) -> None:
        super().__init__(*parts)
        self._start = start
        self._node = node
        if self.machine is node:  # behaviours around it hear everything first
            candidates: tuple[Any, ...] = (consensus, sealer)
            able = [part for part in candidates if hasattr(part, "countable")]
            self.counters = {kind: part for part in able for kind in part.countable}
        self._consensus = consensus
        self._ledger = ledger
        self._sealer = sealer
        self._pool = pool
        self._known_epochs = epochs

    def begin_run(self, monotonic_us: int) -> None:
        """Said before `boot`: when the run began on this node's monotonic clock. Behaviours count from there."""
        self._start.monotonic_us = monotonic_us

    @property
    def is_done(self) -> bool:
        return self._node.is_done

    @property
    def queues(self) -> dict[str, int]:
        """Transactions that wait here: in the pool (waiting or in flight), in the outbox (own, not executed)."""
        return {"pool": self._pool.unexecuted, "outbox": self._node.outbox.pending}

    @property
    def costs_ns(self) -> Mapping[str, int]:
        """What the ledger spent by cost, where a clock was handed in."""
        return self._ledger.costs_ns

    @property
    def head_height(self) -> int:
        return self._node.ledger.head_height

    @property
    def stable_height(self) -> int:
        return self._sealer.stable_height

    def validator_places(self, epoch: int) -> Mapping[NodeId, int]:
        """The validators of an epoch, numbered; of one that is not known, nobody."""
        known = self._known_epochs.number(epoch)
        return {} if known is None else known.places

    def prove_epochs(self, rows: Rows) -> bytes:
        """What a newcomer is given as `known`. Raises ProofError while the newest members are under no seal."""
        return prove_epochs(self._ledger, rows)

    @property
    def epoch(self) -> int:
        """Of the next height."""
        return self._known_epochs.at(self.head_height + 1).number

    @property
    def is_member(self) -> bool:
        """Whether it is (or will be) one of those that keep the ledger; one that was removed only listens."""
        return any(
            self.me in epoch.by_name
            for epoch in (self._known_epochs.at(self.head_height + 1), self._known_epochs.newest)
        )

    @property
    def view(self) -> int:
        return self._consensus.view

    @property
    def leader(self) -> NodeId:
        return self._consensus.leader


def build_host(
    scenario: Scenario,
    genesis: Genesis,
    name: NodeId,
    secrets: Mapping[Purpose, bytes],
    rows: Rows,
    prepared: Prepared,
    shared: Shared,
    clock: Callable[[], int] | None = None,
    known: bytes = b"",
    is_recalled: bool = False,
) -> AssembledHost:
    """One member's host over its rows. `known`: for one that is not in the genesis, another's `prove_epochs`; without
    it nobody hears it. `is_recalled`: see `ReplicaContext`. Raises `ledger.rows.Damaged` where the rows cannot be
    right, ProofError."""
    spec = next(member for member in scenario.members if member.name == name)
    epochs = verify_epochs_proof(genesis, known) if known else Epochs((genesis.first_epoch,))
    work = _completed(prepared.work.get(name), genesis.chain, shared.suite, secrets)
    ledger = Ledger(genesis, rows, shared.contracts, shared.bundles, epochs, clock, shared.memo)
    ledger.boot()
    sealer = Sealer(name, genesis, epochs, rows, shared.verifier, ledger, shared.keeping)
    catch_up = CatchUp(
        name, genesis, epochs, rows, shared.verifier, ledger, shared.protocol.check_decision, not is_recalled
    )
    pool = BundlePool(
        name,
        epochs,
        genesis.parameters,
        shared.bundles,
        lambda *place: used_by(ledger.reader, *place) is not None,
        lambda: ledger.head_height,
    )
    setting = _setting(name, genesis, epochs, pool, ledger, sealer, shared)
    consensus = shared.keeping.around(shared.protocol.build(setting._replace(is_recalled=is_recalled)))
    counted_sealer = shared.keeping.around(sealer)
    outbox = _outbox(name, work, epochs, ledger, shared)
    role = load_roles()[spec.role].build(read_settings(spec.role, spec.settings), work, ledger.reader)
    siblings = {
        "pool": pool,
        "consensus": consensus,
        "ledger": ledger,
        "sealer": counted_sealer,
        "catch_up": catch_up,
        "outbox": outbox,
        "role": role,
    }
    node = Node(siblings, ledger, outbox, role, *_owners(shared.protocol))
    start = RunStart()
    return AssembledHost(
        name,
        bend(scenario, name, node, start, epochs, genesis.parameters, shared.verifier.codec, shared.protocol.forge),
        shared.verifier,
        shared.suite,
        secrets,
        epochs,
        lambda: epochs.speaking(name, ledger.head_height + 1).number,
        node=node,
        consensus=consensus,
        ledger=ledger,
        sealer=counted_sealer,
        pool=pool,
        epochs=epochs,
        start=start,
    )


def _setting(
    name: NodeId, genesis: Genesis, epochs: Epochs, pool: BundlePool, ledger: Ledger, sealer: Sealer, shared: Shared
) -> ReplicaContext:
    """Where consensus begins: at what ledger and sealer hold."""
    return ReplicaContext(
        me=name,
        chain=genesis.chain,
        epochs=epochs,
        parameters=genesis.parameters,
        pool=pool,
        verifier=shared.verifier,
        head_height=ledger.head_height,
        stable_height=sealer.stable_height,
        stable_seal=sealer.stable_seal,
        keeping=shared.keeping,
        check_seal=lambda seal: check_seal(seal, epochs, shared.verifier).height,
    )


def _outbox(name: NodeId, work: Work | None, epochs: Epochs, ledger: Ledger, shared: Shared) -> Outbox:
    """Beside a load it keeps to the numbers that the load leaves to it."""
    return Outbox(
        name,
        shared.bundles,
        1 if work is None or work.find(Load) is None else RESERVED_EVERY,
        lambda: epochs.at(ledger.head_height + 1).key(name, "submit"),
        lambda number: used_by(ledger.reader, name, number),
    )


def _owners(protocol: ConsensusProtocol) -> tuple[dict[type[Message], str], dict[str, str]]:
    """Whose each message is, and whose each timer, by the first word of its name."""
    messages = {
        **dict.fromkeys(BundlePool.messages, "pool"),
        **dict.fromkeys(protocol.messages, "consensus"),
        **dict.fromkeys(Sealer.messages, "sealer"),
        **dict.fromkeys(CatchUp.messages, "catch_up"),
    }
    timers = {own: own for own in ("pool", "sealer", "catch_up", "outbox", "role")}
    return messages, {protocol.name: "consensus", **timers}
