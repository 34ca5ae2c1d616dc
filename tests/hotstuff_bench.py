"""One HotStuff replica on a bench: what it is told is signed by whoever is named, and what it answers is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from consortium.core.codec import Malformed, encode
from consortium.core.crypto import KeyedHash
from consortium.core.machine import (
    Available,
    Broadcast,
    Effect,
    Executed,
    Expired,
    Now,
    Persist,
    Received,
    Send,
    Stable,
)
from consortium.core.machine import Decide as Decision
from consortium.core.membership import Epochs
from consortium.core.messages import Certificate, Message, Signed
from consortium.core.protocol import ReplicaContext
from consortium.core.transaction import batch_digest, encode_batch
from consortium.core.verifier import Verifier
from consortium.protocols.hotstuff import PROTOCOL
from consortium.protocols.hotstuff.certificates import leader_of
from consortium.protocols.hotstuff.messages import (
    MESSAGES,
    Ballot,
    Carried,
    Header,
    Proposal,
    Recalled,
    Timeout,
    block_digest,
    root_digest,
)
from consortium.protocols.hotstuff.tree import Block, Tree
from tests.fake_pool import FakePool
from tests.pbft_network import CHAIN, PARAMETERS, WALL_US, Sealed, codec, epoch_of, secret

SUITE = KeyedHash()


class Bench:
    """Replica `me` of n members, recalled; `chain` builds the blocks that the leaders would propose."""

    def __init__(self, me: str = "n3", n: int = 4, observers: Sequence[str] = ()) -> None:
        self.me = me
        self.epochs = Epochs([epoch_of(n, observers)])
        self.epoch = self.epochs.newest
        self.codec = codec(MESSAGES)
        self.verifier = Verifier(self.codec, SUITE)
        self.pool = FakePool(4)
        self.now = Now(0, WALL_US)
        context = ReplicaContext(
            me, CHAIN, self.epochs, PARAMETERS, self.pool, self.verifier, 0, 0, None, self._check_seal
        )
        self.replica: Any = PROTOCOL.build(context)
        self.state: Any = self.replica.state  # type: ignore[attr-defined]
        self.state.is_recalled = True
        self.tree = Tree(root_digest(CHAIN, self.epoch), 0)

    def _check_seal(self, certificate: Certificate) -> int:
        message = self.verifier.check_certificate(certificate, self.epoch, self.epoch.quorum)
        if not isinstance(message, Sealed):
            raise Malformed("not a seal")
        return message.height

    @property
    def timeout_us(self) -> int:
        """T, as the pacemaker has it now."""
        timeout_us: int = self.replica._pacemaker._timer.timeout_us
        return timeout_us

    # --- signing ------------------------------------------------------------------------------------------------

    def signed(self, name: str, message: Message) -> Signed:
        body = self.codec.statement(0, message)
        return Signed(name, body, SUITE.sign(secret(name), body))

    def certificate(self, message: Message, names: Sequence[str] = ("n0", "n1", "n2")) -> Certificate:
        each = [self.signed(name, message) for name in names]
        return Certificate(each[0].body, tuple((signed.sender, signed.signature) for signed in each))

    # --- blocks -------------------------------------------------------------------------------------------------

    def block(self, parent: Block | None, view: int, batch: bytes | None = b"", **more: Any) -> Block:
        """A block of this view on that parent (None: the root); `batch`: its content, None = it takes no height."""
        parent = parent or self.tree.root
        body = None if batch is None else encode_batch(WALL_US, [batch or b"bundle of view %d" % view])
        digest = b"" if body is None else batch_digest(body)
        justify = None if parent.header is None else self.quorum(parent)
        height = parent.height + (body is not None)
        draft = Header(view, height, parent.certified, 0, digest, parent.digest, justify)
        certified = self.tree.decided_by(Block(b"", draft, 0)).certified
        fields = {"certified": certified, **more}
        header = Header(*(fields.get(name, getattr(draft, name)) for name in Header.__struct_fields__))
        block = self.tree.add(block_digest(header), header)
        block.body = body
        return block

    def ballot(self, block: Block) -> Ballot:
        decided = self.tree.decided_by(block)
        return Ballot(block.view, block.digest, decided.height, decided.commits)

    def quorum(self, block: Block) -> Certificate:
        return self.certificate(self.ballot(block))

    def line(self, *views: int) -> list[Block]:
        blocks: list[Block] = []
        for view in views:
            blocks.append(self.block(blocks[-1] if blocks else None, view))
        return blocks

    # --- telling ------------------------------------------------------------------------------------------------

    def step(self, event: Any) -> list[Effect]:
        """With what comes back to itself at once, and the ledger in the shape of an executor."""
        effects = list(self.replica.step(self.now, event))
        for effect in list(effects):
            if isinstance(effect, Broadcast) or (isinstance(effect, Send) and effect.to == self.me):
                message = self.signed(self.me, effect.message)
                effects += self.step(Received(self.me, effect.message, message, 0, effect.attachment))
            elif isinstance(effect, Decision):
                if effect.batch:
                    self.pool.execute(effect.batch)
                effects += self.step(Executed(effect.height, bytes(32), self.epoch))
        return effects

    def hear(self, sender: str, message: Message, attachment: bytes = b"") -> list[Effect]:
        return self.step(Received(sender, message, self.signed(sender, message), 0, attachment))

    def propose(self, block: Block, timeouts: Certificate | None = None, body: bool = True) -> list[Effect]:
        assert block.header is not None
        carried = encode(Carried(block.header, block.body if body else None, timeouts))
        leader = leader_of(self.epoch, block.view)
        return self.hear(leader, Proposal(block.view, block.digest, block.height, ()), carried)

    def time_out(self, view: int, *names: str, quorum: Certificate | None = None) -> list[Effect]:
        effects: list[Effect] = []
        for name in names:
            effects += self.hear(name, Timeout(view), b"" if quorum is None else encode(quorum))
        return effects

    def seal(self, height: int) -> list[Effect]:
        return self.step(Stable(height, self.certificate(Sealed(height))))

    def offer(self, bundle: bytes) -> list[Effect]:
        self.pool.add(self.now, bundle)
        return self.step(Available())

    def wait(self, delay_us: int, timer: str) -> list[Effect]:
        self.now = Now(self.now.monotonic_us + delay_us, self.now.wall_us + delay_us)
        return self.step(Expired(("hotstuff", timer)))


def said(effects: Sequence[Effect], kind: type[Message]) -> list[Any]:
    """What left the replica or came back to it, of this kind, in order."""
    return [e.message for e in effects if isinstance(e, Send | Broadcast) and isinstance(e.message, kind)]


def noted(effects: Sequence[Effect], kind: str) -> list[dict[str, Any]]:
    return [effect.fields for effect in effects if getattr(effect, "kind", "") == kind]


def decided(effects: Sequence[Effect]) -> list[int]:
    return [effect.height for effect in effects if isinstance(effect, Decision)]


def persisted_before(effects: Sequence[Effect], kind: type[Message]) -> bool:
    """Whether a record stands before the first message of this kind."""
    for effect in effects:
        if isinstance(effect, Persist):
            return True
        if isinstance(effect, Send | Broadcast) and isinstance(effect.message, kind):
            return False
    return False


__all__ = ["Bench", "Recalled", "decided", "noted", "persisted_before", "said"]
