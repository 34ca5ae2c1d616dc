"""The header of a block. It does not hold the view: nodes may commit one batch in different views."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from consortium.core.codec import Decoder, Digest, Malformed, encode
from consortium.core.format import format_fault

HEADER_BYTES_MAX = 1_024


class Header(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a seal signs, by digest. `next_members` is the digest of the membership of height+1."""

    format: int
    chain: Digest
    height: int
    epoch: int
    next_members: Digest
    parent: Digest  # header digest of height−1; the chain id at height 0
    batch: Digest  # NULL_DIGEST for a null request and for the genesis block
    transactions: Digest  # Merkle commitment over transaction ids: root and number
    receipts: Digest  # the same over receipts' bytes
    state: Digest
    time_us: int


_HEADER: Decoder[Header] = Decoder(Header, HEADER_BYTES_MAX)


def decode_header(data: bytes) -> Header:
    """Raises Malformed, also where the encoding is not canonical or the format unknown."""
    header = _HEADER.decode_canonical(data)
    if (fault := format_fault("header", header.format)) is not None:
        raise Malformed(f"a {fault}")
    return header


def header_bytes_digest(data: bytes) -> bytes:
    return sha256(b"consortium header\x00" + data).digest()


def header_digest(header: Header) -> bytes:
    return header_bytes_digest(encode(header))
