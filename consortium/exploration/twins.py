"""Twins (Bano et al., 2021): every Byzantine act as an honest host that runs twice, and networks that tell them apart.

A scenario is a list of rounds; a round is the time of one leader: a view of PBFT, a term of HotStuff. It has a
partition of all hosts (the twins apart or together), and a moment at which the network cuts it off, so that the next
leader must come. What a host sends belongs to the round of the view that it wants then. What orders batches goes by
the partition until the cut, and nowhere afterwards; what leads to the next leader goes by the partition for a while,
and then to all. After the last round the network is whole, and work must go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from math import gcd
from typing import Any, NamedTuple

from consortium.core.codec import tagged_hash
from consortium.core.crypto import SUITES
from consortium.core.genesis import Genesis, Parameters
from consortium.core.machine import Note, Now, Output, Transmit, Wake
from consortium.core.membership import Epochs, NodeId
from consortium.core.messages import Frame, Message, decode_frame
from consortium.core.seals import Checkpoint
from consortium.ledger.messages import Sealed, Status
from consortium.ledger.rows import DictRows
from consortium.node.running import RunningNode
from consortium.node.submission import Busy, Submission
from consortium.protocols.hotstuff import messages as hotstuff
from consortium.protocols.hotstuff.certificates import TERM_VIEWS
from consortium.protocols.pbft import messages as pbft
from consortium.scenario.assemble import RunPlan, Shared, build_genesis, build_host, prepare
from consortium.scenario.scenario import MemberSpec, Scenario, Workload
from consortium.simulation.clock import Clock
from consortium.simulation.run import WALL_ORIGIN_US, secrets_of

SUFFIX = "~twin"
HOP_US = 1_000
LOOK_US = 25_000
LIMIT_US = 60_000_000
HOLD_US = 250_000  # how long a round's partition holds for what does not order
WHOLE_US = 5_000_000  # from here on the network is whole in any case: those who have all they want stay in their view
ROUNDS = 4
GROUPS_MAX = 3
BUNDLES = 4  # of each honest member
Record = dict[str, Any]


class Ways(NamedTuple):
    """How a protocol's messages go. `views` of one leader; `cuts`: hops after a round's `first` message at which it may
    be cut off; `passing`: what leads to the next leader; `free`: booting, which is not what we explore."""

    views: int
    cuts: tuple[int, ...]
    first: tuple[type[Message], ...]
    passing: tuple[type[Message], ...]
    free: tuple[type[Message], ...]


_OF_ALL = (Submission, Busy, Checkpoint, Sealed, Status)
WAYS = {
    "pbft": Ways(
        views=1,
        cuts=(1, 2, 3, 4, 9),
        first=(pbft.NewView, pbft.PrePrepare),
        passing=(pbft.ViewChange, *_OF_ALL),
        free=(pbft.Recall, pbft.Recalled),
    ),
    "hotstuff": Ways(
        views=TERM_VIEWS,
        cuts=(1, 2, 3, 5, 6, 7, 12),  # a view takes two hops, and a block is decided three views later
        first=(hotstuff.Proposal,),
        passing=(hotstuff.Timeout, hotstuff.Ask, hotstuff.Told, hotstuff.FetchBlock, hotstuff.BlockFound, *_OF_ALL),
        free=(hotstuff.Recall, hotstuff.Recalled),
    ),
}


class Round(NamedTuple):
    """`groups[i]` is the group of host i, in the order of `TwinCase.hosts`."""

    leader: NodeId
    groups: tuple[int, ...]
    cut_hops: int


class TwinCase(NamedTuple):
    number: int
    members: tuple[NodeId, ...]
    twinned: tuple[NodeId, ...]
    rounds: tuple[Round, ...]
    protocol: str = "pbft"

    @property
    def ways(self) -> Ways:
        return WAYS[self.protocol]

    @property
    def hosts(self) -> tuple[str, ...]:
        return (*self.members, *(name + SUFFIX for name in self.twinned))

    @property
    def honest(self) -> tuple[NodeId, ...]:
        return tuple(name for name in self.members if name not in self.twinned)

    def sentence(self) -> str:
        under = "" if self.protocol == "pbft" else f" under {self.protocol}"
        lines = [f"twin case {self.number}{under}: {', '.join(self.members)}; twice: {', '.join(self.twinned)}"]
        for place, each in enumerate(self.rounds):
            camps = [
                " ".join(host for host, group in zip(self.hosts, each.groups, strict=True) if group == wanted)
                for wanted in range(max(each.groups) + 1)
            ]
            lines.append(f"  round {place}: {each.leader} leads; {' | '.join(camps)}; cut after {each.cut_hops} hops")
        return "\n".join(lines)


def partitions(count: int, groups_max: int) -> Iterator[tuple[int, ...]]:
    """Every way to put `count` hosts into at most `groups_max` groups, each once (restricted growth strings)."""

    def grow(prefix: tuple[int, ...], used: int) -> Iterator[tuple[int, ...]]:
        if len(prefix) == count:
            yield prefix
            return
        for group in range(min(used + 1, groups_max)):
            yield from grow((*prefix, group), max(used, group + 1))

    return grow((), 0)


class Enumeration:
    """All cases of n members and these rounds, in an order that spreads over all of them: case k of a protocol is
    always the same."""

    def __init__(self, n: int = 4, twins: int = 1, rounds: int = ROUNDS, protocol: str = "pbft") -> None:
        self.protocol = protocol
        self._cuts = WAYS[protocol].cuts
        self.members = tuple(f"m{place}" for place in range(n))
        self.twinned = self.members[:twins]
        self._partitions = tuple(partitions(n + twins, GROUPS_MAX))
        self._rounds = rounds
        self._choices = n * len(self._partitions) * len(self._cuts)
        self.total = self._choices**rounds
        self._stride = _coprime(self.total * 618_034 // 1_000_000, self.total)

    def case(self, number: int) -> TwinCase:
        index = (number * self._stride + self.total // 3) % self.total
        rounds = []
        for _ in range(self._rounds):
            index, choice = divmod(index, self._choices)
            choice, leader = divmod(choice, len(self.members))
            cut, partition = divmod(choice, len(self._partitions))
            rounds.append(Round(self.members[leader], self._partitions[partition], self._cuts[cut]))
        return TwinCase(number, self.members, self.twinned, tuple(rounds), self.protocol)


def _coprime(near: int, total: int) -> int:
    while gcd(near, total) != 1:
        near += 1
    return near


class TwinOutcome(NamedTuple):
    """`trace` and `ledgers` of all hosts, by host."""

    genesis: Genesis
    trace: list[Record]
    ledgers: dict[str, DictRows]
    is_done: bool
    ended_us: int


def twin_scenario(case: TwinCase) -> Scenario:
    """The members and their work; the rounds stand in the case."""
    return Scenario(
        name=f"twins-{case.number}",
        seed=1,
        suite="keyed-hash",
        protocol=case.protocol,
        members=tuple(
            MemberSpec(name, "hospital", "validator", {} if name in case.twinned else {"hosts": ["loader"]})
            for name in case.members
        ),
        parameters=Parameters(
            checkpoint_interval=4,
            window=8,
            batches_in_flight=2,
            batch_transactions_max=1,
            timer_base_us=100_000,
            timer_cap_us=800_000,
            idle_seal_us=100_000,
        ),
        workload=Workload(
            "settlement_load",
            {"transactions": BUNDLES * len(case.honest), "bundle": 1, "outstanding": BUNDLES, "persons": 1},
        ),
    )


class _Host(NamedTuple):
    name: str
    place: int  # in the partitions
    identity: NodeId
    machine: RunningNode
    rows: DictRows


class _Delivery(NamedTuple):
    receiver: _Host
    publisher: NodeId
    frame: Frame
    digest: bytes


class _Wakeup(NamedTuple):
    host: _Host
    token: int


class TwinRun:
    """One case in virtual time, every hop of the same length. `watch(identity, payload)` sees every frame leave."""

    def __init__(self, case: TwinCase, watch: Callable[[NodeId, bytes], None]) -> None:
        self.case = case
        self.trace: list[Record] = []
        self._watch = watch
        self._clock = Clock(WALL_ORIGIN_US)
        scenario = twin_scenario(case)
        suite = SUITES[scenario.suite]()
        secrets = {name: secrets_of(scenario, name) for name in case.members}
        keys = {name: {use: suite.public_key(secret) for use, secret in held.items()} for name, held in secrets.items()}
        prepared = prepare(scenario, tagged_hash(b"simulated pseudonyms"))
        self.genesis = build_genesis(scenario, prepared, keys, WALL_ORIGIN_US)
        self._lead(case)
        shared = Shared.of(self.genesis)
        plan = RunPlan.of(scenario, self.genesis, prepared)
        self._hosts: list[_Host] = []
        for place, name in enumerate(case.hosts):
            identity = name.removesuffix(SUFFIX)
            rows = DictRows()
            host = build_host(plan, identity, secrets[identity], rows, shared)
            self._hosts.append(_Host(name, place, identity, host, rows))
        self._verifier = shared.verifier
        self._epochs = Epochs((self.genesis.first_epoch,))
        self._began_us: dict[int, int] = {}  # of each round: when somebody first wanted a view of it
        self._ordered_us: dict[int, int] = {}  # and its first order

    def _lead(self, case: TwinCase) -> None:
        """The leaders of the rounds, by the number of a view or term; afterwards the usual order."""
        epoch = self.genesis.first_epoch
        leaders = tuple(each.leader for each in case.rounds)

        def leader(number: int) -> NodeId:
            return leaders[number] if number < len(leaders) else epoch.validators[number % epoch.n]

        epoch.__dict__["leader"] = leader

    def run(self) -> TwinOutcome:
        born = [(host, host.machine.boot(self._now(), [])) for host in self._hosts]
        for host, outputs in born:
            self._carry(host, outputs)
        self._clock.push(LOOK_US, None)
        is_done = False
        while not is_done and self._clock.now_us < LIMIT_US:
            item = self._clock.pop()
            if item is None:
                is_done = self._is_done()
                self._clock.push(LOOK_US, None)
            elif isinstance(item, _Delivery):
                host = item.receiver
                self._carry(host, host.machine.receive(self._now(), item.publisher, item.frame, item.digest))
            else:
                self._carry(item.host, item.host.machine.wake(self._now(), item.token))
        self._note("", Note("ended", {"verdict": "done" if is_done else "no progress"}))
        ledgers = {host.name: host.rows for host in self._hosts}
        return TwinOutcome(self.genesis, self.trace, ledgers, is_done, self._clock.now_us)

    def _now(self) -> Now:
        return Now(self._clock.now_us, WALL_ORIGIN_US + self._clock.now_us)

    def _carry(self, host: _Host, outputs: Sequence[Output]) -> None:
        for output in outputs:
            if isinstance(output, Transmit):
                self._transmit(host, output.to, output.payload)
            elif isinstance(output, Wake):
                self._clock.push(output.delay_us, _Wakeup(host, output.token))
            elif isinstance(output, Note):
                self._note(host.name, output)

    def _transmit(self, sender: _Host, to: NodeId | None, payload: bytes) -> None:
        self._watch(sender.identity, payload)
        frame = decode_frame(payload)
        groups = self._groups(
            sender.machine.view // self.case.ways.views, type(self._verifier.open(frame.signed, self._epochs).message)
        )
        if groups == ():
            return
        digest = sha256(payload).digest()
        for receiver in self._hosts:
            if receiver.identity == sender.identity or to not in (None, receiver.identity):
                continue
            if groups is None or groups[receiver.place] == groups[sender.place]:
                self._clock.push(HOP_US, _Delivery(receiver, sender.identity, frame, digest))

    def _groups(self, place: int, kind: type[Message]) -> tuple[int, ...] | None:
        """The partition of a round; None where all are together; () where nobody hears anybody."""
        now_us, ways = self._clock.now_us, self.case.ways
        if place >= len(self.case.rounds) or now_us >= WHOLE_US or issubclass(kind, ways.free):
            return None
        each = self.case.rounds[place]
        began_us = self._began_us.setdefault(place, now_us)
        if issubclass(kind, ways.passing):
            return each.groups if now_us < began_us + HOLD_US else None
        if issubclass(kind, ways.first):
            self._ordered_us.setdefault(place, now_us)
        ordered_us = self._ordered_us.get(place)
        is_cut = ordered_us is not None and now_us >= ordered_us + each.cut_hops * HOP_US
        return () if is_cut else each.groups

    def _note(self, node: str, note: Note) -> None:
        self.trace.append({"t_us": self._clock.now_us, "node": node, "kind": note.kind, **note.fields})

    def _is_done(self) -> bool:
        honest = [host.machine for host in self._hosts if host.name in self.case.honest]
        if not all(machine.is_done for machine in honest):
            return False
        return len({machine.head_height for machine in honest}) == 1
