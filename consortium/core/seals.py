"""What a seal proves: a header, the headers before it that name their parents, and the members of the next epoch.

A seal is a quorum of CHECKPOINTs over a header. The last block of every epoch is sealed by its members, and its header
commits to the members of the next height. So one sealed header an epoch leads from the genesis file to any later
epoch, with no block in between: what light clients and newcomers follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from consortium.core.codec import Decoder, Digest, Malformed, encode
from consortium.core.header import Header, decode_header, header_bytes_digest
from consortium.core.membership import Epoch, Epochs
from consortium.core.messages import Certificate, Message
from consortium.core.verifier import Verifier

CERTIFICATE_BYTES_MAX = 1_000_000
LINKS_MAX = 4_096
LINK_BYTES_MAX = 1_000_000
HEADERS_MAX = 1_024


class Checkpoint(Message, frozen=True):
    """PBFT's CHECKPOINT, over a sealed header instead of a state digest. A quorum of them is a seal."""

    height: int
    header_digest: Digest


class EpochLink(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`epoch` begins after `header`, the last of the epoch before, on which `seal` is."""

    epoch: Epoch
    header: bytes
    seal: Certificate


class Linked(NamedTuple):
    """Headers of consecutive heights, the seal over the last of them, and the epochs up to that of the seal."""

    headers: tuple[bytes, ...]
    seal: Certificate
    epochs: tuple[EpochLink, ...] = ()


_CERTIFICATE: Decoder[Certificate] = Decoder(Certificate, CERTIFICATE_BYTES_MAX)
_LINK: Decoder[EpochLink] = Decoder(EpochLink, LINK_BYTES_MAX)


def decode_certificate(data: bytes) -> Certificate:
    """Raises Malformed, also where the encoding is not canonical."""
    return _CERTIFICATE.decode_canonical(data)


def decode_link(data: bytes) -> EpochLink:
    """Raises Malformed, also where the encoding is not canonical."""
    return _LINK.decode_canonical(data)


def check_seal(seal: Certificate, epochs: Epochs, verifier: Verifier) -> Checkpoint:
    """The CHECKPOINT on which a quorum of the epoch of its height signed. Raises Malformed.

    The epoch must be known: it is followed from the genesis, one seal per epoch.
    """
    number = epochs.newest.number
    while (epoch := epochs.number(number)) is not None:
        if seal.body.startswith(verifier.codec.prefix(number)):
            message = verifier.check_certificate(seal, epoch, epoch.quorum)
            if not isinstance(message, Checkpoint):
                raise Malformed(f"a seal over {type(message).__name__}")
            if epochs.at(message.height).number != number:
                raise Malformed(f"a seal of height {message.height} by epoch {number}")
            return message
        number -= 1
    raise Malformed("a seal of another chain, key suite or unknown epoch")


def follow(links: Sequence[EpochLink], epochs: Epochs, verifier: Verifier) -> None:
    """Add the epochs that the links prove to `epochs`; those known already must be the same. Raises Malformed, and then
    those before the bad link stay added: each is proven by itself."""
    if len(links) > LINKS_MAX:
        raise Malformed(f"{len(links)} epochs, at most {LINKS_MAX}")
    oldest = epochs.oldest.number
    for number, link in enumerate(links, 1):
        if number < oldest:
            continue  # of whoever begins later than the genesis: what leads to where it begins
        known = epochs.number(number)
        if known is not None:
            if encode(known) != encode(link.epoch):
                raise Malformed(f"epoch {number} is not the one that we know")
            continue
        epochs.add(check_epoch_link(link, number, epochs, verifier))


def check_epoch_link(link: EpochLink, number: int, epochs: Epochs, verifier: Verifier) -> Epoch:
    """The epoch that a link proves, with everything before it known. Raises Malformed."""
    epoch, header = link.epoch, decode_header(link.header)
    vote = check_seal(link.seal, epochs, verifier)
    if (vote.height, vote.header_digest) != (header.height, header_bytes_digest(link.header)):
        raise Malformed(f"epoch {number}: the seal is over another header")
    if header.epoch != number - 1 or (epoch.number, epoch.first_height) != (number, header.height + 1):
        raise Malformed(f"epoch {number}: its header is not the last of the epoch before")
    if epoch.digest != header.next_members:
        raise Malformed(f"epoch {number}: other members than the header commits to")
    if epoch.first_height <= epochs.newest.first_height:
        raise Malformed(f"epoch {number} begins before the one before it")
    return epoch


def check_link(linked: Linked, epochs: Epochs, verifier: Verifier) -> Header:
    """The first header, proven by the seal over the last. Epochs that its links prove are added to `epochs`. Raises
    Malformed."""
    if not 1 <= len(linked.headers) <= HEADERS_MAX:
        raise Malformed(f"{len(linked.headers)} headers, at most {HEADERS_MAX}")
    follow(linked.epochs, epochs, verifier)
    headers = [decode_header(data) for data in linked.headers]
    vote = check_seal(linked.seal, epochs, verifier)
    if vote.height != headers[-1].height or vote.header_digest != header_bytes_digest(linked.headers[-1]):
        raise Malformed("the seal is over another header")
    for index in range(1, len(headers)):
        if headers[index].height != headers[index - 1].height + 1:
            raise Malformed("the headers are not of consecutive heights")
        if headers[index].parent != header_bytes_digest(linked.headers[index - 1]):
            raise Malformed(f"the header of height {headers[index].height} has another parent")
    return headers[0]
