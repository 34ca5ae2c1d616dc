"""HotStuff's messages, and what its signed digests name.

After Yin et al., *HotStuff: BFT Consensus with Linearity and Responsiveness*, PODC 2019, sections 4 and 5 (chained).
Every statement carries chain, key suite and epoch in the bytes before the message (core/messages.py).
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from consortium.core.codec import DIGEST_BYTES, Decoder, Digest, Nonce, encode, tagged_hash
from consortium.core.membership import Epoch
from consortium.core.messages import ATTACHMENT_BYTES_MAX, Certificate, Few, Message, Signed, ViewVote
from consortium.protocols.common import shapes
from consortium.protocols.common.shapes import INTEGER_MAX

COMMITS_MAX = 4_096  # of one ballot; a window is smaller


class Header(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    """A block of the chain without its batch (the paper's node). Its digest covers all of it.

    `batch`: digest of the batch, which takes the height after the parent's; empty: this block takes no height, it only
    carries votes for those below. `height`: that of the newest batch at or below this block. `base`: heights up to here
    are decided already, by the parent's QC or as everybody has executed them. `certified`: heights up to here are
    decided once a quorum votes for this block. `justify`: the QC of the parent; None on the epoch's root.
    """

    view: int
    height: int
    base: int
    certified: int
    batch: bytes
    parent: Digest
    justify: Certificate | None


class Carried(msgspec.Struct, frozen=True, gc=False, array_like=True, forbid_unknown_fields=True):
    """A block as it travels, in an attachment. `body`: its batch, None where it is not sent along. `timeouts`: in a
    proposal, proof that a view was left after which its own comes, where that does not follow its parent's."""

    header: Header
    body: bytes | None
    timeouts: Certificate | None


class Proposal(ViewVote, frozen=True):
    """The leader's block of a view: `digest` is the block's, `height` its height, `commits` is empty. The block is the
    attachment (`Carried`)."""


class Ballot(ViewVote, frozen=True):
    """A vote for the block of `digest`, to the leader of the next view. `commits`: digests of the batches that a quorum
    of these ballots decides, at `height` and above: the three-chain that ends in this block, and what lies under it."""


class Timeout(Message, frozen=True):
    """The sender votes in no view up to this one any more. The attachment is its newest QC (empty: it has none), which
    proves itself; so all TIMEOUTs of a view are one body, and a quorum of them one certificate."""

    view: int


class Certified(Message, frozen=True):
    """Who collected the votes tells everybody of a QC that decides something, where no proposal will carry it soon."""

    certificate: Certificate


class Ask(Message, frozen=True):
    """A stalled node says where it stands: its view, the view after its newest QC, the height that it lacks, and which
    block it heard proposed in its view. Whoever knows more, or heard another block, answers with `Told`."""

    nonce: Nonce
    view: int
    wanted: int
    height: int
    proposal: Digest | None


class Told(Message, frozen=True):
    """Answer to Ask: proofs that the asker may lack, and the answerer's executed height (a claim: counts only from f+1
    members). `proposal` is that of the answerer's view; its block, without the batch, is the attachment."""

    receiver: str
    nonce: Nonce
    height: int
    seal: Certificate | None
    quorum: Certificate | None
    timeouts: Certificate | None
    proposal: Signed | None


class FetchBlock(Message, frozen=True):
    """Ask one member for the block of `digest`, with its batch where `with_body`."""

    receiver: str
    nonce: Nonce
    digest: Digest
    with_body: bool


class BlockFound(Message, frozen=True):
    """Answer to FetchBlock; the attachment is the block. `proposal`: as its leader signed it, where the answerer heard
    it. So two proposals of one view meet at whoever heard the one and fetches the other."""

    receiver: str
    nonce: Nonce
    digest: Digest
    proposal: Signed | None


class Recall(Message, frozen=True):
    """A node that has just booted asks which of its votes the others hold."""

    nonce: Nonce


class Recalled(Message, frozen=True):
    """Answer to Recall: what proves the view in which the sender is; the receiver's newest statements that it holds;
    the newest seal that it has; and how high it signed itself (None: its own log does not tell)."""

    receiver: str
    nonce: Nonce
    quorum: Certificate | None
    timeouts: Certificate | None
    votes: Annotated[tuple[Signed, ...], Few]
    seal: Certificate | None
    signed_height: int | None


MESSAGES: tuple[type[Message], ...] = (
    Proposal,
    Ballot,
    Timeout,
    Certified,
    Ask,
    Told,
    FetchBlock,
    BlockFound,
    Recall,
    Recalled,
)

CARRIED: Decoder[Carried] = Decoder(Carried, ATTACHMENT_BYTES_MAX)
CERTIFICATE: Decoder[Certificate] = Decoder(Certificate, 1_000_000)


def block_digest(header: Header) -> bytes:
    return tagged_hash(b"consortium hotstuff block", encode(header))


def root_digest(chain: bytes, epoch: Epoch) -> bytes:
    """The block under the first one of an epoch, which nobody proposed: everything below the epoch is decided."""
    return tagged_hash(b"consortium hotstuff root", chain, encode(epoch.number), encode(epoch.first_height))


def shape_fault(message: Message) -> str | None:
    """Why a message's own fields are out of bounds; None = they are not. Never raises."""
    fault = shapes.shape_fault(message)
    if fault is not None:
        return fault
    commits: tuple[bytes, ...] = getattr(message, "commits", ())
    return "more commits than any window holds" if len(commits) > COMMITS_MAX else None


def header_fault(header: Header) -> str | None:
    """Why a block's own fields are out of bounds; None = they are not. Never raises."""
    if not all(0 <= value < INTEGER_MAX for value in (header.view, header.height, header.base, header.certified)):
        return "a block's view or height is out of bounds"
    if len(header.batch) not in (0, DIGEST_BYTES):
        return "the digest of a batch has 32 bytes"
    return None
