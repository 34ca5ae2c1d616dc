"""The messages of the pool: bundles for everybody, and the answer of a pool that is full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta

from consortium.core.codec import Decoder, Digest, Malformed, encode, sha256
from consortium.core.grouping import group_by_size
from consortium.core.machine import Broadcast, Effect, Received
from consortium.core.messages import ATTACHMENT_BYTES_MAX, Message

SUBMISSION_BYTES_MAX = 2_000_000
SUBMISSION_BUNDLES_MAX = 4_000


class Submission(Message, frozen=True):
    """Bundles for everybody's pool. They are the attachment, a MessagePack array, whose SHA-256 is `digest`."""

    digest: Digest


class Busy(Message, frozen=True):
    """The sender's pool has no room left for this member: it did not admit `refused` bundles of that submission."""

    digest: Digest
    refused: int


_BUNDLES: Decoder[tuple[bytes, ...]] = Decoder(
    Annotated[tuple[bytes, ...], Meta(max_length=SUBMISSION_BUNDLES_MAX)], ATTACHMENT_BYTES_MAX
)


def submitted_bundles(event: Received, message: Submission) -> tuple[bytes, ...]:
    """The bundles of a submission, not yet judged one by one. Raises Malformed with the reason."""
    if len(event.attachment) > SUBMISSION_BYTES_MAX + 10 * SUBMISSION_BUNDLES_MAX:
        raise Malformed("submission too long")
    if sha256(event.attachment) != message.digest:
        raise Malformed("submission digest")
    try:
        bundles = _BUNDLES.decode(event.attachment)
    except Malformed:
        raise Malformed("submission malformed") from None
    return bundles


def broadcasts(bundles: Sequence[bytes]) -> list[Effect]:
    """As few submissions as the size of a message allows."""
    return [_broadcast(group) for group in group_by_size(bundles, SUBMISSION_BYTES_MAX, SUBMISSION_BUNDLES_MAX)]


def _broadcast(bundles: Sequence[bytes]) -> Broadcast:
    attachment = encode(tuple(bundles))
    return Broadcast(Submission(sha256(attachment)), attachment)
