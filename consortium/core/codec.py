"""MessagePack with `msgspec`, and the hashes over it.

One encoder for everything. Bytes are bounded before they are parsed, and a decoder never raises anything but
`Malformed`. Where bytes become an id, `decode_canonical` re-encodes and compares: one value has one encoding. So maps
are written in the order of their keys, and every field is written, also one that has its default (core/canonical.py).

Digests and nonces have one length each, which their types state: what has another length is not decoded at all.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Generic, TypeVar

import msgspec

T = TypeVar("T")

DIGEST_BYTES = 32
NONCE_BYTES = 16
Digest = Annotated[bytes, msgspec.Meta(min_length=DIGEST_BYTES, max_length=DIGEST_BYTES)]
Nonce = Annotated[bytes, msgspec.Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]

_ENCODER = msgspec.msgpack.Encoder(order="deterministic")
encode = _ENCODER.encode


class Malformed(ValueError):
    """Bytes that are not what they should be. A peer's fault, never ours: hosts turn it into a Note."""


class Decoder(Generic[T]):
    """Decodes one type from at most `bytes_max` bytes; raises `Malformed` and nothing else."""

    __slots__ = ("_decode", "bytes_max")

    def __init__(self, kind: Any, bytes_max: int) -> None:
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self.bytes_max = bytes_max

    def decode(self, data: bytes | memoryview | msgspec.Raw) -> T:
        size = len(data) if type(data) is bytes else len(memoryview(data))
        if size > self.bytes_max:
            raise Malformed(f"{size} bytes, at most {self.bytes_max}")
        try:
            result: T = self._decode(data)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, OverflowError) as error:
            raise Malformed(str(error)) from None
        return result

    def decode_canonical(self, data: bytes | memoryview | msgspec.Raw) -> T:
        """Like `decode`, and refuses any encoding but the one that `encode` gives."""
        value = self.decode(data)
        if encode(value) != (data if type(data) is bytes else bytes(data)):
            raise Malformed("not the canonical encoding")
        return value


def array_length(data: bytes) -> int:
    """How many elements the MessagePack array at the beginning of `data` says it has; none is decoded. Raises
    Malformed."""
    first = data[0] if data else 0
    if first & 0xF0 == 0x90:
        return first & 0x0F
    width = {0xDC: 2, 0xDD: 4}.get(first)
    if width is None or len(data) <= width:
        raise Malformed("not an array")
    return int.from_bytes(data[1 : 1 + width], "big")


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def tagged_hash(tag: bytes, *parts: bytes) -> bytes:
    """SHA-256 over a domain tag and length-prefixed parts: no two lists of parts collide by concatenation."""
    pieces = [len(tag).to_bytes(1, "big"), tag]
    for part in parts:
        pieces.append(len(part).to_bytes(4, "big"))
        pieces.append(part)
    return hashlib.sha256(b"".join(pieces)).digest()
