"""The only place that builds nodes: the plan of a run and one member's rows in, a `RunningNode` out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, NamedTuple

from msgspec.structs import replace

from consortium.behaviours.behaviour import Surroundings
from consortium.contracts import load_contracts
from consortium.contracts.records.asked_by_vaults import CATALOGUE
from consortium.core.applications import is_application
from consortium.core.calendar import compute_day, ordinal_of_day
from consortium.core.codec import encode
from consortium.core.contract import Contract
from consortium.core.crypto import SUITES, KeySuite
from consortium.core.format import FORMAT
from consortium.core.genesis import Genesis, GenesisCall
from consortium.core.keyring import Keyring
from consortium.core.machine import Rows
from consortium.core.membership import Epochs, Member, NodeId, Purpose
from consortium.core.messages import Message, MessageCodec
from consortium.core.protocol import Consensus, ConsensusProtocol, Counting, ReplicaContext
from consortium.core.proven import verify_epochs_proof
from consortium.core.requests import is_request
from consortium.core.seals import check_seal
from consortium.core.transaction import Bundles, encode_transaction, sign_bundle
from consortium.core.vault import Boxes, derive_secret
from consortium.core.verifier import Verifier
from consortium.core.votes import PLAIN, VoteKeeping
from consortium.ledger.boot import check_stored
from consortium.ledger.catch_up import CatchUp
from consortium.ledger.chain import Ledger
from consortium.ledger.executed_blocks import ExecutedBlocks
from consortium.ledger.numbers import used_by
from consortium.ledger.requests import request_used_by
from consortium.ledger.sealer import Sealer
from consortium.node.hand_ins import HandIns
from consortium.node.host import NO_COUNTERS, Host
from consortium.node.node import Node
from consortium.node.outbox import Outbox
from consortium.node.parts import NodeParts, RoleMachine
from consortium.node.pool import BundlePool
from consortium.node.replies import Replies
from consortium.node.run_start import RunStart
from consortium.node.running import RunningNode
from consortium.protocols import load_protocols
from consortium.roles import load_roles, read_settings
from consortium.roles.agent import AgentTasks
from consortium.roles.duties import ChainCalendar
from consortium.roles.loader import RESERVED_EVERY, Load, RunClock, load_number
from consortium.roles.steward import StewardTasks
from consortium.roles.voices import VoiceKeys
from consortium.roles.work import Work
from consortium.scenario.adversary import Adversaries, Draw
from consortium.scenario.scenario import Scenario
from consortium.scenario.workloads.membership import complete_action
from consortium.scenario.workloads.workload import Prepared, load_workloads
from consortium.vault.boxes import DictBoxes
from consortium.vault.locksmith import Locksmith
from consortium.vault.vault import Vault, VaultSite


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
            *Vault.messages,
            *Replies.messages,
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
        _versions(scenario),
    )


def _versions(scenario: Scenario) -> dict[str, int]:
    """The version of each contract that the chain begins with: its founding one, where the scenario says nothing."""
    wanted = {name: scenario.versions.get(name, contract.founding) for name, contract in load_contracts().items()}
    return {name: version for name, version in wanted.items() if version}


class RunPlan(NamedTuple):
    """What all nodes of one run are built from. It is made once, when the genesis is known."""

    scenario: Scenario
    genesis: Genesis
    prepared: Prepared
    adversaries: Adversaries

    @classmethod
    def of(cls, scenario: Scenario, genesis: Genesis, prepared: Prepared) -> RunPlan:
        return cls(scenario, genesis, prepared, Adversaries.of(scenario))


def build_host(
    plan: RunPlan,
    name: NodeId,
    secrets: Mapping[Purpose, bytes],
    rows: Rows,
    shared: Shared,
    *,
    clock: Callable[[], int] | None = None,
    known: bytes = b"",
    is_recalled: bool = False,
    boxes: Boxes | None = None,
) -> RunningNode:
    """One member's node over its rows. `boxes`: its private store; without one, one of this boot alone. `clock` tells
    nanoseconds of CPU. `known` is for a member that is not in the genesis: another's `prove_epochs`; without it
    nobody hears the node. `is_recalled`: see `ReplicaContext`. Raises Damaged where rows are not right; ProofError."""
    genesis = plan.genesis
    epochs = verify_epochs_proof(genesis, known) if known else Epochs((genesis.first_epoch,))
    contracts = _program(plan.scenario, name, shared.contracts)
    ledger = Ledger(genesis, rows, contracts, shared.bundles, epochs, clock, shared.memo, _kept(plan.scenario, name))
    ledger.boot()
    check_stored(rows, genesis, shared.verifier, ledger.head_height)
    locksmith = Locksmith(shared.suite, secrets, name)
    site = _Site(name, genesis, epochs, rows, shared, ledger, DictBoxes() if boxes is None else boxes, locksmith)
    start = RunStart()
    work = _completed(plan.prepared.work.get(name), genesis, shared.suite, secrets, locksmith, start)
    parts = _parts(site, plan.scenario, work, is_recalled=is_recalled)
    node = Node(parts, *_owners(shared.protocol))
    machine = plan.adversaries.bend(name, plan.scenario.seed, node, start, site.surroundings)
    host = Host(
        name,
        machine,
        shared.verifier,
        shared.suite,
        secrets,
        epochs,
        lambda: epochs.speaking(name, ledger.head_height + 1).number,
        _counters(parts) if machine is node else NO_COUNTERS,  # behaviours around the node must hear every vote first
        parts.replies.is_needless,
    )
    return RunningNode(host, parts, epochs, start)


def _program(scenario: Scenario, name: NodeId, contracts: Mapping[str, Contract]) -> Mapping[str, Contract]:
    """What the member's program has: all, or less where the scenario gives it an older program."""
    spec = next((member for member in scenario.members if member.name == name), None)
    if spec is None or not spec.program:
        return contracts
    held = {each: contract.until(spec.program.get(each, contract.version)) for each, contract in contracts.items()}
    return {each: contract for each, contract in held.items() if contract is not None}


def _kept(scenario: Scenario, name: NodeId) -> int:
    return next((member.keep_blocks for member in scenario.members if member.name == name), 0)


def _completed(
    work: Work | None,
    genesis: Genesis,
    suite: KeySuite,
    secrets: Mapping[Purpose, bytes],
    locksmith: Locksmith,
    start: RunStart,
) -> Work | None:
    """The work with the chain's calendar, when the run began, and what only this member's keys can add: salts of its
    private records; new keys and signatures in its membership actions; and the load, if there is one, as bundles signed
    before the run, under the numbers that the outbox leaves to them."""
    if work is None:
        return None
    chain, keyring = genesis.chain, Keyring(suite, secrets)
    work = work.having(ChainCalendar(genesis.parameters.utc_offset_minutes))
    work = work.having(locksmith.salts).having(RunClock(start))
    if work.find(AgentTasks) is not None:
        work = work.having(VoiceKeys(chain, suite.name, derive_secret(secrets["encrypt"], "voices", work.member)))
    steward, load = work.find(StewardTasks), work.find(Load)
    if steward is not None:
        actions = tuple(complete_action(action, work.member, chain, suite, keyring) for action in steward.actions)
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


class _Site(NamedTuple):
    """Where one member's siblings are built: what several of them need."""

    name: NodeId
    genesis: Genesis
    epochs: Epochs
    rows: Rows
    shared: Shared
    ledger: Ledger
    boxes: Boxes
    locksmith: Locksmith

    def pool(self) -> BundlePool:
        ledger = self.ledger
        return BundlePool(
            self.name,
            self.epochs,
            self.genesis.parameters,
            self.shared.bundles,
            lambda *place: self.used_by(*place) is not None,
            lambda: ledger.head_height,
            lambda *place: is_application(ledger.reader, *place),
        )

    def used_by(self, member: NodeId, number: int) -> bytes | None:
        """Of a number in a window, or of a request: see `numbers.used_by`."""
        ledger = self.ledger
        if is_request(number):
            day = compute_day(ledger.head.time_us, self.genesis.parameters.utc_offset_minutes)
            return request_used_by(ledger.reader, member, number, ordinal_of_day(day))
        return used_by(ledger.reader, member, number)

    def sealer(self) -> Sealer:
        return Sealer(
            self.name, self.genesis, self.epochs, self.rows, self.shared.verifier, self.ledger, self.shared.keeping
        )

    def consensus(self, pool: BundlePool, sealer: Sealer, *, is_recalled: bool) -> Consensus:
        """It begins at what ledger and sealer hold."""
        epochs, verifier = self.epochs, self.shared.verifier
        context = ReplicaContext(
            me=self.name,
            chain=self.genesis.chain,
            epochs=epochs,
            parameters=self.genesis.parameters,
            pool=pool,
            verifier=verifier,
            head_height=self.ledger.head_height,
            stable_height=sealer.stable_height,
            stable_seal=sealer.stable_seal,
            check_seal=lambda seal: check_seal(seal, epochs, verifier).height,
            keeping=self.shared.keeping,
            is_recalled=is_recalled,
        )
        return self.shared.keeping.around(self.shared.protocol.build(context))

    def catch_up(self, *, is_recalled: bool) -> CatchUp:
        place = (self.name, self.genesis, self.epochs, self.rows)
        verifier, check_decision = self.shared.verifier, self.shared.protocol.check_decision
        return CatchUp(*place, verifier, self.ledger, check_decision, not is_recalled)

    def outbox(self, work: Work | None) -> Outbox:
        """Beside a load it keeps to the numbers that the load leaves to it."""
        name, epochs, ledger = self.name, self.epochs, self.ledger
        return Outbox(
            name,
            self.shared.bundles,
            1 if work is None or work.find(Load) is None else RESERVED_EVERY,
            lambda: epochs.at(ledger.head_height + 1).key(name, "submit"),
            lambda number: self.used_by(name, number),
            lambda key: is_application(ledger.reader, name, key),
        )

    def hand_ins(self, pool: BundlePool) -> HandIns:
        ledger = self.ledger
        return HandIns(
            self.shared.bundles,
            pool.is_gone,
            self.used_by,
            lambda: ledger.head_height,
        )

    def vault(self) -> Vault:
        ledger, epochs = self.ledger, self.epochs
        head = VaultSite(
            self.name,
            ledger.reader,
            lambda: epochs.at(ledger.head_height + 1),
            lambda: ledger.head_height,
            self.genesis.parameters.utc_offset_minutes,
        )
        return Vault(head, CATALOGUE, self.boxes, self.locksmith)

    def role(self, scenario: Scenario, work: Work | None) -> RoleMachine:
        spec = next(member for member in scenario.members if member.name == self.name)
        return load_roles()[spec.role].build(read_settings(spec.role, spec.settings), work, self.ledger.reader)

    def surroundings(self, draw: Draw) -> Surroundings:
        """What a behaviour around this node knows."""
        codec, forge = self.shared.verifier.codec, self.shared.protocol.forge
        return Surroundings(self.name, self.epochs, self.genesis.parameters, codec, draw, forge)


def _parts(site: _Site, scenario: Scenario, work: Work | None, *, is_recalled: bool) -> NodeParts:
    """All siblings of one node, in the order in which each needs those before it."""
    pool, sealer = site.pool(), site.sealer()
    return NodeParts(
        pool=pool,
        consensus=site.consensus(pool, sealer, is_recalled=is_recalled),
        ledger=site.ledger,
        sealer=site.shared.keeping.around(sealer),
        catch_up=site.catch_up(is_recalled=is_recalled),
        outbox=site.outbox(work),
        vault=site.vault(),
        role=site.role(scenario, work),
        hand_ins=site.hand_ins(pool),
        replies=Replies(site.name, site.epochs, site.ledger.head_height),
    )


def _counters(parts: NodeParts) -> Mapping[type[Message], Counting]:
    """The siblings that may count a vote of a type without a step of the node."""
    candidates: tuple[Any, ...] = (parts.consensus, parts.sealer)
    able = [part for part in candidates if hasattr(part, "countable")]
    return {kind: part for part in able for kind in part.countable}


def _owners(protocol: ConsensusProtocol) -> tuple[dict[type[Message], str], dict[str, str]]:
    """The sibling that hears each type of message, and each timer, by the first word of the timer's name."""
    messages = {
        **dict.fromkeys(BundlePool.messages, "pool"),
        **dict.fromkeys(protocol.messages, "consensus"),
        **dict.fromkeys(Sealer.messages, "sealer"),
        **dict.fromkeys(CatchUp.messages, "catch_up"),
        **dict.fromkeys(Vault.messages, "vault"),
        **dict.fromkeys(Replies.messages, "replies"),
    }
    timers = {own: own for own in ("pool", "sealer", "catch_up", "outbox", "vault", "role")}
    return messages, {protocol.name: "consensus", **timers}
