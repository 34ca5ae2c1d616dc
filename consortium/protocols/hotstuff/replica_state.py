"""Where a replica stands: epoch, view, chain, locks; and what it may do there. Shared by the parts of the replica."""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from consortium.core.codec import Malformed, encode
from consortium.core.evidence import Evidence, make_evidence, report_evidence
from consortium.core.genesis import tuned
from consortium.core.machine import Broadcast, Effect, Note, Now, Received, Send
from consortium.core.membership import Epoch, NodeId
from consortium.core.messages import Certificate, Message, Signed
from consortium.core.protocol import ReplicaContext
from consortium.protocols.hotstuff.certificates import Quorum, leader_of, open_quorum
from consortium.protocols.hotstuff.messages import root_digest
from consortium.protocols.hotstuff.tree import ROOT_VIEW, Absent, Block, Tree


class Past(NamedTuple):
    """What our log says of an epoch: newest views of proposal, ballot and TIMEOUT, the lock, the newest QC."""

    proposed: int = ROOT_VIEW
    voted: int = ROOT_VIEW
    timed: int = ROOT_VIEW
    locked: int = ROOT_VIEW
    high: Quorum | None = None


class ReplicaState:
    """`view`: the one we are in. `head`: executed. `decided`: handed to the ledger. `stable`: sealed.

    `high`: the newest QC (None: none yet in this epoch). `locked_view`: no vote for a block whose parent is older.
    `proposed`, `voted`, `timed`: the newest views in which we said PROPOSAL, BALLOT, TIMEOUT (-1: none).
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
        self.is_recalled = False  # the others hold no vote of ours that our own log lacks
        self.evidence: dict[NodeId, Evidence] = {}  # first proof of two votes for one thing, per member
        self.flown: dict[bytes, None] = {}  # batches that the pool holds for in flight
        self.attempts = 0  # terms since the last progress
        self.past: dict[int, Past] = {}  # by epoch, as the log said at boot
        self._nonces = 0
        self.begin_epoch(context.epochs.at(self.head + 1))

    def begin_epoch(self, epoch: Epoch) -> None:
        """Views restart at 0, over a root of their own."""
        self.epoch = epoch
        self.parameters = tuned(self.context.parameters, epoch)
        self.attempts = 0
        self.tree = Tree(root_digest(self.context.chain, epoch), epoch.first_height - 1)
        self.high: Quorum | None
        self.timeouts: Certificate | None = None  # what brought us into `view`, where no QC did
        self.pending: Block | None = None  # the proposal of `view`, and as it was signed
        self.pending_signed: Signed | None = None
        self.proposed, self.voted, self.timed, self.locked_view, self.high = self.past.get(epoch.number, Past())
        self.abstained = ROOT_VIEW  # no vote in views up to this one: our log may have lost one
        self.view = self.high_view + 1
        self.decisions: dict[int, tuple[bytes, Certificate]] = {}  # above `decided`

    # --- questions ----------------------------------------------------------------------------------------------

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
        """Not before the recall after a boot, not before the epoch has begun, never as an observer."""
        return self.is_recalled and self.is_begun and self.epoch.is_validator(self.me)

    @property
    def is_open(self) -> bool:
        """Whether the view is not left yet."""
        return self.timed < self.view

    @property
    def is_filling(self) -> bool:
        """Whether heights are to be decided though nothing waits: a change of members waits for them."""
        return self.decided < self.epochs.reach

    @property
    def high_view(self) -> int:
        return ROOT_VIEW if self.high is None else self.high.view

    @property
    def high_digest(self) -> bytes:
        return self.tree.root.digest if self.high is None else self.high.digest

    def leads(self, view: int) -> NodeId:
        return leader_of(self.epoch, view)

    @property
    def leader(self) -> NodeId:
        return self.leads(self.view)

    @property
    def span(self) -> int:
        """How far above the decided height decisions are kept."""
        return 2 * self.parameters.window

    @property
    def timeout_us(self) -> int:
        """T: doubles with each term after the first that brought no progress, up to the cap."""
        return min(self.parameters.timer_cap_us, self.parameters.timer_base_us << min(max(self.attempts - 1, 0), 40))

    @property
    def floor(self) -> int:
        """Blocks below are forgotten: sealed, and a checkpoint later."""
        return self.stable - self.parameters.checkpoint_interval

    @property
    def top(self) -> int:
        """The highest height that blocks here reach which may come to be decided."""
        high = self.tree.get(self.high_digest)
        return max(0 if high is None else high.height, 0 if self.pending is None else self.pending.height)

    def is_votable(self, height: int) -> bool:
        """Between the watermarks (of PBFT: what may be decided before it is sealed), and of this epoch."""
        is_of_epoch = self.epochs.at(height).number == self.epoch.number
        return self.is_begun and self.stable < height <= self.stable + self.parameters.window and is_of_epoch

    def opened(self, certificate: Certificate) -> Quorum:
        """A QC of our epoch. Raises Malformed."""
        if self.high is not None and certificate == self.high.certificate:
            return self.high
        return open_quorum(certificate, self.epoch, self.verifier)

    # --- the pool ------------------------------------------------------------------------------------------------

    def fly(self, digest: bytes, body: bytes) -> None:
        """This batch is in flight."""
        if body and digest not in self.flown:
            self.flown[digest] = None
            self.pool.order(body)

    def follow(self, branch: list[Block]) -> None:
        """In flight is what stands on this branch, and nothing else: what another branch held waits again."""
        ours = {block.batch: block.body for block in reversed(branch)}
        if any(digest not in ours for digest in self.flown):
            self.pool.release()
            self.flown.clear()
        for digest, body in ours.items():
            self.fly(digest, body or b"")

    def refly(self) -> None:
        """Let wait again what is in flight on no branch that may be decided: that of our view's proposal, or else of
        the newest QC."""
        tip = self.pending or self.tree.get(self.high_digest)
        if not self.flown or tip is None:
            return
        try:
            self.follow(self.tree.above(tip, self.decided))
        except Absent:
            return  # fetched, or caught up with, and then tried again

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


def short(digest: bytes) -> str:
    """16 hex characters, as notes show digests."""
    return digest.hex()[:16]
