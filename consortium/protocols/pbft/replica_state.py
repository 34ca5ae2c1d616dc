"""Where a replica stands: epoch, view, heights, log; and what it may do there. Shared by the parts of the replica."""

from __future__ import annotations

from hashlib import sha256

from consortium.core.codec import encode
from consortium.core.evidence import Evidence, make_evidence, report_evidence
from consortium.core.genesis import tuned
from consortium.core.machine import Broadcast, Effect, Note, Now, Received, Send
from consortium.core.membership import Epoch, NodeId
from consortium.core.messages import Certificate, Message, Signed
from consortium.core.protocol import ReplicaContext
from consortium.protocols.pbft.certificates import Order
from consortium.protocols.pbft.slot import Log, Slot


class ReplicaState:
    """`view` is the view entered; `wanted` > `view` while it is left and the next one is not entered.

    `head`: executed. `decided`: handed to the ledger, ≥ head but for a moment. `stable`: sealed.
    """

    def __init__(self, context: ReplicaContext) -> None:
        self.me = context.me
        self.context = context
        self.epochs = context.epochs
        self.pool = context.pool
        self.verifier = context.verifier
        self.head = context.head_height
        self.decided = context.head_height
        self.stable = context.stable_height
        self.seal: Certificate | None = context.stable_seal
        self.epoch: Epoch = context.epochs.at(self.head + 1)
        self.parameters = tuned(context.parameters, self.epoch)
        self.view = 0
        self.wanted = 0
        self.new_view: Signed | None = None  # the NEW-VIEW of `view`, for those who missed it
        self.orders: dict[int, Order] = {}  # what the NEW-VIEW of `view` orders
        self.orders_last = 0  # at or below this height, a PRE-PREPARE must stand in `orders`
        self.next_height = self.head + 1  # the lowest at which we as a leader have proposed nothing in this view
        self.log = Log(self.epoch.places)
        self.attempts = 0  # view changes since the last progress
        self.forgotten = 0  # at or below this height, sealed once, our log need not hold our votes
        self.is_recalled = False  # the others hold no vote of ours that our own log lacks
        self.evidence: dict[NodeId, Evidence] = {}  # first proof of two votes for one thing, per member
        self._nonces = 0

    # --- questions ----------------------------------------------------------------------------------------------

    @property
    def is_changing(self) -> bool:
        return self.wanted > self.view

    @property
    def is_member(self) -> bool:
        return self.me in self.epoch.by_name

    @property
    def is_begun(self) -> bool:
        """Whether the members before sealed their last block: nothing of an epoch is proposed, voted on, or handed to
        the ledger before."""
        return self.stable >= self.epoch.first_height - 1

    @property
    def may_vote(self) -> bool:
        """Not after VIEW-CHANGE until NEW-VIEW, not before the recall after a boot, not before the epoch has begun,
        never as an observer."""
        is_able = self.is_recalled and self.epoch.is_validator(self.me) and self.is_begun
        return is_able and self.wanted == self.view

    @property
    def is_filling(self) -> bool:
        """Whether heights are to be decided though nothing waits: a change of members waits for them."""
        return self.decided < self.epochs.reach

    @property
    def leader(self) -> NodeId:
        return self.epoch.leader(self.view)

    @property
    def is_leader(self) -> bool:
        return self.leader == self.me

    @property
    def last_height(self) -> int:
        """The high watermark: no vote of ours above it (paper 4.2)."""
        return self.stable + self.parameters.window

    @property
    def span(self) -> int:
        """How far above a stable height votes are kept, and claims accepted: members' stable heights differ a while."""
        return 2 * self.parameters.window

    def is_votable(self, height: int) -> bool:
        """Between the watermarks, and of this epoch, which must have begun."""
        is_of_epoch = self.epochs.at(height).number == self.epoch.number
        return self.is_begun and self.stable < height <= self.last_height and is_of_epoch

    def slot(self, height: int) -> Slot | None:
        """The slot of a height that we may keep something for; at most span + window of them exist."""
        low = self.floor
        if not low < height <= self.stable + self.span:
            return None
        return self.log.open(height)

    @property
    def timeout_us(self) -> int:
        """T: doubles with each view change after the first that brought no progress, up to the cap (paper 4.5.2)."""
        return min(self.parameters.timer_cap_us, self.parameters.timer_base_us << min(max(self.attempts - 1, 0), 40))

    @property
    def floor(self) -> int:
        """Everything at or below is forgotten: sealed, and executed here or too far behind for consensus."""
        if self.head >= self.stable or self.stable - self.head > self.parameters.window:
            return self.stable
        return self.head

    def enter_epoch(self, epoch: Epoch) -> None:
        self.epoch = epoch
        self.parameters = tuned(self.context.parameters, epoch)
        self.view = self.wanted = self.attempts = 0
        self.new_view = None
        self.orders = {}
        self.orders_last = 0
        self.decided = self.head
        self.next_height = self.head + 1
        self.log.clear(epoch.places)

    # --- small effects ------------------------------------------------------------------------------------------

    def say(self, message: Message, attachment: bytes = b"") -> Broadcast:
        return Broadcast(message, attachment, self.epoch.number)

    def answer(self, event: Received, message: Message, attachment: bytes = b"") -> Send:
        """To the sender of a request, in the epoch that it was asked in."""
        return Send(event.sender, message, attachment, event.epoch)

    def nonce(self, now: Now) -> bytes:
        """Different at every call and every boot, as long as the clocks of one machine do not both run backwards."""
        self._nonces += 1
        return sha256(encode((self.me, now.wall_us, now.monotonic_us, self._nonces))).digest()[:16]

    def rejected(self, why: str, event: Received) -> list[Effect]:
        kind = type(event.message).__name__
        return [Note("rejected", {"why": why[:120], "sender": event.sender, "message": kind})]

    def unattributed(self, why: str, event: Received) -> list[Effect]:
        """The attachment is at fault, which nobody signed: whoever passed the statement on may have changed it."""
        return [Note("rejected", {"why": why[:120], "sender": "", "message": type(event.message).__name__})]

    def equivocated(self, event: Received, other: Signed) -> list[Effect]:
        """Keep the first pair of conflicting votes of a member, and wish to have it on the ledger."""
        effects = self.rejected("equivocation", event)
        if event.sender not in self.evidence:
            evidence = self.evidence[event.sender] = make_evidence(other, event.signed)
            effects.append(report_evidence(evidence))
        return effects


def short(digest: bytes) -> str:
    """16 hex characters, as notes show digests."""
    return digest.hex()[:16]
