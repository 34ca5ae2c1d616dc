"""Solo's messages, its record, and what proves a decision."""

from __future__ import annotations

import msgspec

from consortium.core.codec import Decoder, Malformed, Nonce
from consortium.core.membership import Epoch, Epochs, NodeId
from consortium.core.messages import Certificate, Message, Signed, Vote
from consortium.core.verifier import Verifier

FORMAT = 1


class Order(Vote, frozen=True):
    """The sequencer's decision: the batch of `digest` (the attachment) at `height`. `view` is 0."""


class Held(Message, frozen=True):
    """To the sequencer, of one member a height in turn, and of everybody for what it says again: we hold that order."""

    height: int


class Ask(Message, frozen=True):
    """What was decided at this height and above?"""

    nonce: Nonce
    height: int


class Ordered(Message, frozen=True):
    """Answer to Ask: the sequencer's order as it signed it; the attachment is the batch."""

    receiver: str
    nonce: Nonce
    order: Signed


class Recall(Message, frozen=True):
    """The sequencer has just booted: which is the highest order of mine that you hold?"""

    nonce: Nonce


class Recalled(Message, frozen=True):
    """Answer to Recall: height and epoch of that order, and the order; None: there is none."""

    receiver: str
    nonce: Nonce
    order: Signed | None


class OrderRecord(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Before an order is said: the order and its batch."""

    format: int
    epoch: int
    height: int
    batch: bytes


RECORD: Decoder[OrderRecord] = Decoder(OrderRecord, 64_000_000)


MESSAGES: tuple[type[Message], ...] = (Order, Held, Ask, Ordered, Recall, Recalled)


def sequencer(epoch: Epoch) -> NodeId:
    return epoch.leader(0)


def check_decision(certificate: Certificate, epochs: Epochs, height: int, digest: bytes, verifier: Verifier) -> None:
    """Raises Malformed unless the sequencer of `height`'s epoch, and it alone, signed `digest` there."""
    epoch = epochs.at(height)
    message = verifier.check_certificate(certificate, epoch, 1)
    if [name for name, _ in certificate.signatures] != [sequencer(epoch)]:
        raise Malformed("an order is signed by the sequencer alone")
    if not isinstance(message, Order) or message.height != height:
        raise Malformed(f"not an order of height {height}")
    if message.digest != digest:
        raise Malformed(f"the order of height {height} is for another batch")
