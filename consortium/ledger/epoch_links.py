"""From the genesis to the members of today, one sealed header per epoch: what light clients and newcomers follow.

The last block of every epoch is sealed by its members, and its header commits to the members of the next height. So an
`EpochLink` per epoch leads from the genesis file to any later epoch, with no block in between.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from consortium.core.codec import Decoder, Malformed, encode
from consortium.core.machine import Rows
from consortium.core.membership import Epoch, Epochs
from consortium.core.messages import Certificate
from consortium.core.verifier import Verifier
from consortium.ledger.block import decode_header, header_bytes_digest
from consortium.ledger.certificate import check_seal, decode_certificate
from consortium.ledger.rows import END, Damaged, Row, height_key

LINKS_MAX = 4_096
LINK_BYTES_MAX = 1_000_000


class EpochLink(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`epoch` begins after `header`, the last of the epoch before, on which `seal` is."""

    epoch: Epoch
    header: bytes
    seal: Certificate


_EPOCH: Decoder[Epoch] = Decoder(Epoch, LINK_BYTES_MAX)
_LINK: Decoder[EpochLink] = Decoder(EpochLink, LINK_BYTES_MAX)


def links_to(rows: Rows, number: int) -> tuple[EpochLink, ...] | None:
    """The links from the genesis to epoch `number`; None where this ledger lacks the seal of one. Raises Damaged."""
    found: list[EpochLink] = []
    for each in range(1, number + 1):
        try:
            link = _link(rows, each)
        except Malformed as error:
            raise Damaged(f"what leads to epoch {each} cannot be read: {error}") from None
        if link is None:
            return None
        found.append(link)
    return tuple(found)


def _link(rows: Rows, number: int) -> EpochLink | None:
    based = rows.get("base", b"link" + height_key(number))
    if based is not None:
        return _LINK.decode(based)
    stored = rows.get("epoch", height_key(number))
    if stored is None:
        return None
    epoch = _EPOCH.decode(stored)
    key = height_key(epoch.first_height - 1)
    header, seal = rows.get("block", key), rows.get("seal", key)
    if header is None or seal is None:
        return None
    return EpochLink(epoch, header, decode_certificate(seal))


def follow(links: Sequence[EpochLink], epochs: Epochs, verifier: Verifier) -> None:
    """Add the epochs that the links prove to `epochs`; those known already must be the same. Raises Malformed, and then
    those before the bad link stay added: each is proven by itself."""
    if len(links) > LINKS_MAX:
        raise Malformed(f"{len(links)} epochs, at most {LINKS_MAX}")
    for number, link in enumerate(links, 1):
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


def link_rows(links: Sequence[EpochLink]) -> list[Row]:
    """How a ledger that begins with a snapshot keeps the links that led to it."""
    return [("base", b"link" + height_key(link.epoch.number), encode(link)) for link in links]


def decode_link(data: bytes) -> EpochLink:
    """Raises Malformed, also where the encoding is not canonical."""
    return _LINK.decode_canonical(data)


def stored_links(rows: Rows) -> tuple[EpochLink, ...]:
    """Raises Malformed."""
    stored = rows.range("base", b"link", b"link" + END)
    if [key for key, _ in stored] != [b"link" + height_key(number) for number in range(1, len(stored) + 1)]:
        raise Malformed("the links of the base are not those of consecutive epochs")
    return tuple(decode_link(data) for _, data in stored)
