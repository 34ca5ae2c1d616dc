"""Where a replica of any protocol stands: its epoch, what is executed, decided and sealed; and how it speaks."""

from __future__ import annotations

from hashlib import sha256

from consortium.core.codec import Malformed, encode
from consortium.core.evidence import Evidence, make_evidence, report_evidence
from consortium.core.genesis import tuned
from consortium.core.machine import Broadcast, Effect, Note, Now, Rebroadcast, Received, Send
from consortium.core.membership import Epoch, NodeId
from consortium.core.messages import Certificate, Message, Signed
from consortium.core.protocol import Pool, ReplicaContext
from consortium.core.verifier import Verifier


class CommonState:
    """The part of a replica's state that is the same in every protocol. A protocol adds its own views and votes.

    `head`: the highest height executed. `decided`: the highest handed to the ledger, ≥ head but for a moment.
    `stable`: the highest sealed, which `seal` proves. `sealed_elsewhere`: what others proved to be sealed when we asked
    them after a boot. `is_recalled`: no vote that our own log lacks can bind us, as far as the boot rule tells.
    `moved_us`: when the view or the decided height last changed, monotonic; None: not since the boot.
    `evidence`: the first proof of two votes for one thing, per member.
    """

    def __init__(self, context: ReplicaContext) -> None:
        self.me = context.me
        self.context = context
        self.epochs = context.epochs
        self.head = context.head_height
        self.decided = context.head_height
        self.stable = context.stable_height
        self.seal: Certificate | None = context.stable_seal
        self.epoch: Epoch = context.epochs.at(self.head + 1)
        self.parameters = tuned(context.parameters, self.epoch)
        self.sealed_elsewhere = 0
        self.is_recalled = False
        self.moved_us: int | None = None
        self.evidence: dict[NodeId, Evidence] = {}
        self._nonces = 0

    # --- questions ----------------------------------------------------------------------------------------------

    @property
    def pool(self) -> Pool:
        return self.context.pool

    @property
    def verifier(self) -> Verifier:
        return self.context.verifier

    @property
    def is_member(self) -> bool:
        return self.me in self.epoch.by_name

    @property
    def is_begun(self) -> bool:
        """Whether the members before sealed their last block: nothing of an epoch is proposed, voted on, or handed to
        the ledger before."""
        return self.stable >= self.epoch.first_height - 1

    @property
    def is_voter(self) -> bool:
        """Whether we may vote in this epoch at all: not before the recall after a boot, not before the epoch has begun,
        never as an observer."""
        return self.is_recalled and self.epoch.is_validator(self.me) and self.is_begun

    @property
    def is_filling(self) -> bool:
        """Whether heights are to be decided though nothing waits: a change of members waits for them."""
        return self.decided < self.epochs.reach

    @property
    def last_height(self) -> int:
        """The high watermark: no vote of ours above it (Castro & Liskov 4.2)."""
        return self.stable + self.parameters.window

    @property
    def span(self) -> int:
        """How far above our own height what others say is kept: members' heights differ for a while."""
        return 2 * self.parameters.window

    def is_votable(self, height: int) -> bool:
        """Between the watermarks, and of this epoch, which must have begun."""
        is_of_epoch = self.epochs.at(height).number == self.epoch.number
        return self.is_begun and self.stable < height <= self.last_height and is_of_epoch

    # --- changes ------------------------------------------------------------------------------------------------

    def take_epoch(self, epoch: Epoch) -> None:
        """From here on these members decide, with the parameters of their epoch."""
        self.epoch = epoch
        self.parameters = tuned(self.context.parameters, epoch)

    # --- small effects ------------------------------------------------------------------------------------------

    def say(self, message: Message, attachment: bytes = b"") -> Broadcast:
        return Broadcast(message, attachment, self.epoch.number)

    def tell(self, to: NodeId, message: Message, attachment: bytes = b"") -> Send:
        return Send(to, message, attachment, self.epoch.number)

    def answer(self, event: Received, message: Message, attachment: bytes = b"") -> Send:
        """To the sender of a request, in the epoch that it was asked in."""
        return Send(event.sender, message, attachment, event.epoch)

    def nonce(self, now: Now) -> bytes:
        """Different at every call and every boot, as long as the clocks of one machine do not both run backwards."""
        self._nonces += 1
        return sha256(encode((self.me, now.wall_us, now.monotonic_us, self._nonces))).digest()[:16]

    def rejected(self, why: str | Malformed, event: Received) -> list[Effect]:
        kind = type(event.message).__name__
        return [Note("rejected", {"why": str(why)[:120], "sender": event.sender, "message": kind})]

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

    def audible(self, effects: list[Effect]) -> list[Effect]:
        """These effects, without anything said where we are no member: then we only listen."""
        if self.is_member:
            return effects
        return [effect for effect in effects if not isinstance(effect, Send | Broadcast | Rebroadcast)]


def epoch_notes(me: NodeId, before: Epoch, after: Epoch) -> list[Effect]:
    """The notes that a new epoch begins, and whether it takes this node in or leaves it out."""
    fields = {"epoch": after.number, "first_height": after.first_height, "validators": after.n}
    notes: list[Effect] = [Note("epoch", fields)]
    was, is_now = me in before.by_name, me in after.by_name
    if was != is_now:
        notes.append(Note("admitted" if is_now else "removed", {"epoch": after.number}))
    return notes


def short(digest: bytes) -> str:
    """16 hex characters, as notes show digests."""
    return digest.hex()[:16]
