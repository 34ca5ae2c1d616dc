"""A tiny deterministic network of PBFT replicas: real hosts and keys, fake pool, executor, sealer and catch-up.

Everything that happens comes from one seed. A crash strikes in the middle of a step's outputs: what was stored
before it survives, what comes after is lost. `Network.faults` lists every broken promise that a watcher from outside
can see.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from typing import Any

from consortium.core.codec import Malformed
from consortium.core.crypto import KeyedHash
from consortium.core.genesis import Parameters
from consortium.core.machine import (
    Apply,
    Available,
    Behind,
    Decide,
    Effect,
    Executed,
    Note,
    Now,
    Stable,
    Started,
    Store,
    Submit,
    Transmit,
    Wake,
)
from consortium.core.membership import Epoch, Epochs, Kind, Member
from consortium.core.messages import Certificate, Message, MessageCodec, Signed, decode_frame
from consortium.core.protocol import ConsensusProtocol, ReplicaContext
from consortium.core.transaction import NULL_DIGEST, batch_digest, decode_batch
from consortium.core.verifier import Verifier
from consortium.node.host import Host
from consortium.protocols.pbft import PROTOCOL
from consortium.protocols.pbft.messages import MESSAGES, Commit, Prepare, PrePrepare, ViewChange
from tests.fake_pool import FakePool

WALL_US = 1_700_000_000_000_000
CHAIN = b"c" * 32
PARAMETERS = Parameters(checkpoint_interval=4, window=8, batches_in_flight=3, batch_transactions_max=4)


class Sealed(Message, frozen=True):
    """The seal of the fake sealer."""

    height: int


def epoch_of(n: int, observers: Sequence[str] = ()) -> Epoch:
    suite = KeyedHash()
    kinds: dict[str, Kind] = {**dict.fromkeys(observers, "observer"), **{f"n{i}": "validator" for i in range(n)}}
    members = [Member(name, "x", kinds[name], {"vote": suite.public_key(secret(name))}) for name in sorted(kinds)]
    return Epoch(0, 1, tuple(members))


def secret(name: str) -> bytes:
    return name.encode().ljust(32, b"\x00")


def codec(messages: tuple[type[Message], ...] = MESSAGES) -> MessageCodec:
    return MessageCodec(CHAIN, "keyed-hash", (*messages, Sealed))


def is_open(sender: str, receiver: str) -> bool:
    """No link is cut."""
    return False


def as_it_is(sender: str, receiver: str, payload: bytes) -> bytes:
    """No traitor."""
    return payload


class Peer:
    """One node: what is durable, and while it is up a host over a replica and the fake executor. `place`: by which the
    network knows it, where a traitor has several peers of one name."""

    def __init__(self, network: Network, name: str, place: str = "") -> None:
        self.network = network
        self.name = name
        self.place = place or name
        self.is_log_lost = False  # as its driver found it, and wrote down for good
        self.records: list[tuple[bytes, int | None]] = []
        self.chain: list[tuple[bytes, bytes | None, Certificate]] = []  # durable: digest, batch, certificate
        self.stable = 0
        self.seal: Certificate | None = None
        self.is_up = False
        self.crash_after: int | None = None  # outputs of the next step that still happen
        self.notes: list[tuple[int, Note]] = []
        self.behind: list[int] = []
        self.wishes: list[Submit] = []
        self.life = 0
        self.host: Host
        self.pool: FakePool
        self.replica: Any
        self.live_chain: list[tuple[bytes, bytes | None, Certificate]] = []

    def boot(self) -> None:
        network = self.network
        self.is_up = True
        self.life += 1
        self.crash_after = None
        self.live_chain = list(self.chain)
        self.pool = FakePool(network.parameters.batch_transactions_max)
        for _, batch, _ in self.chain:
            if batch:
                self.pool.execute(batch)
        for bundle in network.submitted:
            self.pool.add(network.now, bundle)
        context = ReplicaContext(
            self.name,
            CHAIN,
            network.epochs,
            network.parameters,
            self.pool,
            network.verifier,
            len(self.chain),
            self.stable,
            self.seal,
            network.check_seal,
        )
        self.replica = network.protocol.build(context)
        self.host = Host(
            self.name, self, network.verifier, KeyedHash(), {"vote": secret(self.name)}, network.epochs, lambda: 0
        )
        records = [record for record, height in self.records if height is None or height > self.stable]
        self.carry(self.host.boot(network.now, records))
        self.event(Available())

    def lose_disk(self) -> None:
        """It died, and its disk is empty: what it signed, executed and sealed is gone."""
        self.crash()
        self.records, self.chain = [], []
        self.stable, self.seal = 0, None
        self.is_log_lost = True

    # --- as the machine of the host -----------------------------------------------------------------------------

    def step(self, now: Now, event: Any) -> Sequence[Effect]:
        out: list[Effect] = []
        if isinstance(event, Started) and self.is_log_lost:
            event = event._replace(lost_key=b"lost")
        events = [event]
        while events:
            for effect in self.replica.step(now, events.pop(0)):
                if isinstance(effect, Decide):
                    events += self.execute(effect)
                    out.append(Apply(effect.height, ()))
                elif isinstance(effect, Behind):
                    self.behind.append(effect.height)
                    self.network.later(5_000, lambda: self.network.catch_up(self))
                elif isinstance(effect, Submit):
                    self.wishes.append(effect)
                else:
                    out.append(effect)
        return out

    def execute(self, decide: Decide) -> list[Executed]:
        height, batch, certificate = decide
        if height <= len(self.live_chain):
            return []
        assert height == len(self.live_chain) + 1, "decisions must be consecutive"
        digest = NULL_DIGEST if batch is None else batch_digest(batch)
        self.network.protocol.check_decision(certificate, self.network.epochs, height, digest, self.network.verifier)
        self.live_chain.append((digest, batch, certificate))
        if batch:
            self.pool.execute(batch)
        self.network.executed(self, height, digest)
        return [Executed(height, b"h" * 32, self.network.epochs.at(height + 1))]

    # --- as the driver ------------------------------------------------------------------------------------------

    def event(self, event: Any) -> None:
        if self.is_up:
            outputs: list[Any] = []
            self.host._run(self.network.now, event, outputs)
            self.carry(outputs)

    def carry(self, outputs: Sequence[Any]) -> None:
        life = self.life
        for index, output in enumerate(outputs):
            if self.crash_after is not None and index >= self.crash_after:
                self.crash()
                return
            match output:
                case Store(record, height):
                    self.records.append((record, height))
                case Apply(height):
                    self.chain = self.live_chain[: max(height, len(self.chain))]
                case Transmit(to, payload):
                    self.network.transmit(self.place, to, payload)
                case Wake(token, delay_us):
                    self.network.later(delay_us, lambda token=token: self.wake(life, token))
                case Note():
                    self.notes.append((self.network.time_us, output))

    def wake(self, life: int, token: int) -> None:
        if self.is_up and life == self.life:
            self.carry(self.host.wake(self.network.now, token))

    def arrive(self, publisher: str, payload: bytes) -> None:
        if self.is_up:
            self.carry(self.host.arrival(self.network.now, publisher, payload))

    def stabilise(self, height: int, seal: Certificate) -> None:
        if self.is_up and height > self.stable and len(self.live_chain) >= height:
            self.stable, self.seal = height, seal
            self.event(Stable(height, seal))

    def crash(self) -> None:
        self.is_up = False
        self.life += 1

    @property
    def bundles(self) -> list[bytes]:
        return [bundle for _, batch, _ in self.live_chain if batch for bundle in decode_batch(batch).bundles]

    def noted(self, kind: str) -> list[dict[str, Any]]:
        return [note.fields for _, note in self.notes if note.kind == kind]


class Network:
    """`protocol`: a network of another one is a subclass, with its own `_watch_message`.

    `loss`, `duplicate` as fractions, delays in microseconds; `blocked(sender, receiver)` cuts links."""

    protocol: ConsensusProtocol = PROTOCOL

    def __init__(
        self,
        n: int,
        seed: int = 1,
        loss: float = 0.0,
        duplicate: float = 0.0,
        delay_us: tuple[int, int] = (500, 3_000),
        parameters: Parameters = PARAMETERS,
        epoch: Epoch | None = None,
    ) -> None:
        self.random = random.Random(seed)
        self.loss, self.duplicate, self.delay_us = loss, duplicate, delay_us
        self.parameters = parameters
        self.epochs = Epochs([epoch or epoch_of(n)])
        self.verifier = Verifier(codec(self.protocol.messages), KeyedHash())
        self.time_us = 0
        self.blocked: Callable[[str, str], bool] = is_open
        self.bend: Callable[[str, str, bytes], bytes] = as_it_is
        self.submitted: list[bytes] = []
        self.faults: list[str] = []
        self.transmitted = 0
        self.decided: dict[int, bytes] = {}
        self._votes: dict[tuple[str, str, int, int], bytes] = {}
        self._left: dict[str, int] = {}
        self._reached: dict[int, dict[str, None]] = {}
        self._seals: dict[int, Certificate] = {}
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._counter = 0
        self.peers = {name: Peer(self, name) for name in self.epochs.newest.validators}

    @property
    def now(self) -> Now:
        return Now(self.time_us, WALL_US + self.time_us)

    def start(self) -> Network:
        for peer in self.peers.values():
            self.later(self.random.randint(0, 5_000), peer.boot)
        return self

    def later(self, delay_us: int, act: Callable[[], None]) -> None:
        self._counter += 1
        heapq.heappush(self._heap, (self.time_us + delay_us, self._counter, act))

    def run(self, until_us: int, is_done: Callable[[], bool] = lambda: False) -> bool:
        while self._heap and self._heap[0][0] <= until_us:
            self.time_us, _, act = heapq.heappop(self._heap)
            act()
            if is_done():
                return True
        self.time_us = until_us
        return is_done()

    def submit(self, bundle: bytes) -> None:
        """To everybody's pool, after a delay of its own."""
        self.submitted.append(bundle)
        for peer in self.peers.values():
            self.later(self.random.randint(*self.delay_us), lambda peer=peer: self._offer(peer, bundle))

    def _offer(self, peer: Peer, bundle: bytes) -> None:
        if peer.is_up:
            peer.pool.add(self.now, bundle)
            peer.event(Available())

    def transmit(self, sender: str, to: str | None, payload: bytes) -> None:
        self.transmitted += 1
        self._watch(sender, payload)
        for name in self.peers if to is None else (to,):
            if name == sender or self.blocked(sender, name):
                continue
            copies = 2 if self.random.random() < self.duplicate else 1
            for _ in range(copies):
                if self.random.random() >= self.loss:
                    delay_us = self.random.randint(*self.delay_us)
                    bent = self.bend(sender, name, payload)
                    self.later(delay_us, lambda name=name, bent=bent: self.peers[name].arrive(sender, bent))

    def _watch(self, sender: str, payload: bytes) -> None:
        """No member ever says two things in one phase, view and height, whatever crashes lie between."""
        signed = decode_frame(payload).signed
        if signed.sender != sender:
            self.faults.append(f"{sender} sent a statement of {signed.sender}")
        self._watch_message(sender, self.verifier.open(signed, self.epochs).message, signed)

    def _watch_message(self, sender: str, message: Message, signed: Signed) -> None:
        is_vote = isinstance(message, PrePrepare | Prepare | Commit | ViewChange)
        if is_vote and not self.peers[sender].replica.state.is_recalled:
            self.faults.append(f"{sender} voted before it was recalled")
        if isinstance(message, PrePrepare | Prepare | Commit):
            key = (sender, type(message).__name__, message.view, message.height)
            if key not in self._votes and message.view < self._left.get(sender, 0):
                self.faults.append(f"{sender} voted in a view it had left: {key}")
            if self._votes.setdefault(key, message.digest) != message.digest:
                self.faults.append(f"{sender} voted twice: {key}")
        elif isinstance(message, ViewChange):
            self._left[sender] = max(message.view, self._left.get(sender, 0))

    def executed(self, peer: Peer, height: int, digest: bytes) -> None:
        if self.decided.setdefault(height, digest) != digest:
            self.faults.append(f"{peer.name} decided otherwise at {height}")
        if height % self.parameters.checkpoint_interval:
            return
        reached = self._reached.setdefault(height, {})
        reached[peer.name] = None
        epoch = self.epochs.newest
        if len(reached) >= epoch.quorum and height not in self._seals:
            body = self.verifier.codec.statement(0, Sealed(height))
            signatures = [(name, KeyedHash().sign(secret(name), body)) for name in sorted(reached)]
            self._seals[height] = Certificate(body, tuple(signatures[: epoch.quorum]))
        if height in self._seals:
            for other in self.peers.values():
                self.later(self.random.randint(*self.delay_us), lambda other=other: self._tell_seal(other, height))

    def _tell_seal(self, peer: Peer, height: int) -> None:
        peer.stabilise(height, self._seals[height])

    def check_seal(self, certificate: Certificate) -> int:
        message = self.verifier.check_certificate(certificate, self.epochs.newest, self.epochs.newest.quorum)
        if not isinstance(message, Sealed):
            raise Malformed("not a seal")
        return message.height

    def catch_up(self, peer: Peer) -> None:
        """What the ledger's CatchUp does: blocks from a reachable peer that has more."""
        if not peer.is_up:
            return
        for other in self.peers.values():
            if other.is_up and not self.blocked(other.name, peer.name) and len(other.live_chain) > len(peer.live_chain):
                for height in range(len(peer.live_chain) + 1, len(other.live_chain) + 1):
                    _, batch, certificate = other.live_chain[height - 1]
                    for executed in peer.execute(Decide(height, batch, certificate)):
                        peer.carry([Apply(height, ())])
                        peer.event(executed)
                sealed = max((height for height in self._seals if height <= len(peer.live_chain)), default=0)
                if sealed:
                    self._tell_seal(peer, sealed)
                return

    def is_complete(self) -> bool:
        """Every submitted bundle executed exactly at every peer that is up, and all peers are up."""
        return all(peer.is_up and set(self.submitted) <= set(peer.pool.executed) for peer in self.peers.values())

    def check(self) -> None:
        assert self.faults == []
        for peer in self.peers.values():
            assert len(peer.bundles) >= len(set(peer.bundles))
