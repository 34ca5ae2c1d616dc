"""Epoch links as they are stored; what they prove is judged in `core/seals.py`."""

from __future__ import annotations

from collections.abc import Sequence

from consortium.core.codec import Decoder, Malformed, encode
from consortium.core.machine import Rows
from consortium.core.membership import Epoch
from consortium.core.seals import LINK_BYTES_MAX, EpochLink, decode_certificate, decode_link
from consortium.ledger.rows import END, Damaged, Row, height_key

_EPOCH: Decoder[Epoch] = Decoder(Epoch, LINK_BYTES_MAX)


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
        return decode_link(based)
    stored = rows.get("epoch", height_key(number))
    if stored is None:
        return None
    epoch = _EPOCH.decode(stored)
    key = height_key(epoch.first_height - 1)
    header, seal = rows.get("block", key), rows.get("seal", key)
    if header is None or seal is None:
        return None
    return EpochLink(epoch, header, decode_certificate(seal))


def link_rows(links: Sequence[EpochLink]) -> list[Row]:
    """How a ledger that begins with a snapshot keeps the links that led to it."""
    return [("base", b"link" + height_key(link.epoch.number), encode(link)) for link in links]


def stored_links(rows: Rows) -> tuple[EpochLink, ...]:
    """Raises Malformed."""
    stored = rows.range("base", b"link", b"link" + END)
    if [key for key, _ in stored] != [b"link" + height_key(number) for number in range(1, len(stored) + 1)]:
        raise Malformed("the links of the base are not those of consecutive epochs")
    return tuple(decode_link(data) for _, data in stored)
