"""The proof of one row of the state, or of its absence: from a whole bucket of the authenticated tree up to the root.

An entry is H(row key) ‖ H(value), 64 bytes. A bucket is its entries in order, so that it proves absence as well as
presence; an empty bucket hashes to zeros. It holds all entries that share as many hexadecimal digits of H(row key) as
there are nodes above it. `ledger/tree.py` keeps the tree; whoever checks a proof needs this alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Annotated, Protocol

import msgspec

ENTRY = 64
EMPTY = bytes(32)
BUCKET_TAG = b"\x02"
NODE_TAG = b"\x03"
BUCKET_MAX = 32  # entries
DEPTH_MAX = 64  # hexadecimal digits of a SHA-256
SIBLINGS_BYTES = 480  # fifteen digests
Siblings = Annotated[bytes, msgspec.Meta(min_length=SIBLINGS_BYTES, max_length=SIBLINGS_BYTES)]


class Path(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """From a whole bucket up to the root: on each level the fifteen siblings, joined (480 bytes)."""

    bucket: Annotated[bytes, msgspec.Meta(max_length=BUCKET_MAX * ENTRY)]
    siblings: Annotated[tuple[Siblings, ...], msgspec.Meta(max_length=DEPTH_MAX)]


class Buckets(Protocol):
    """Where buckets lie, by the number of their node. None is empty. Raises Unreadable."""

    def get(self, number: int, digest: bytes) -> bytes:
        """The one with this digest. Raises Damaged where a disk has made another of it."""
        ...

    def put(self, number: int, bucket: bytes) -> None: ...

    def drop(self, number: int) -> None: ...


class DictBuckets:
    """In memory."""

    def __init__(self) -> None:
        self._held: dict[int, bytes] = {}

    def get(self, number: int, digest: bytes) -> bytes:
        return self._held[number]

    def put(self, number: int, bucket: bytes) -> None:
        self._held[number] = bucket

    def drop(self, number: int) -> None:
        self._held.pop(number, None)


def bucket_hash(bucket: bytes) -> bytes:
    return sha256(BUCKET_TAG + bucket).digest() if bucket else EMPTY


def node_hash(children: bytes) -> bytes:
    return sha256(NODE_TAG + children).digest()


def _entries(bucket: bytes) -> Sequence[bytes]:
    return [bucket[at : at + ENTRY] for at in range(0, len(bucket), ENTRY)]


def is_proven(path: Path, key: bytes, value: bytes | None, root: bytes) -> bool:
    """Whether the path proves that `key` has `value` (None: that it is absent) under `root`. Never raises."""
    name = sha256(key).digest()
    entries, depth = _entries(path.bucket), len(path.siblings)
    if len(path.bucket) % ENTRY or len(entries) > BUCKET_MAX or depth > DEPTH_MAX:
        return False
    number = _digits(name, depth)
    if any(_digits(entry, depth) != number for entry in entries):
        return False
    if any(left[:32] >= right[:32] for left, right in pairwise(entries)):
        return False
    at = bisect_left(entries, name)
    found = entries[at][32:] if at < len(entries) and entries[at][:32] == name else None
    if found != (None if value is None else sha256(value).digest()):
        return False
    digest = bucket_hash(path.bucket)
    for siblings in path.siblings:
        if len(siblings) != SIBLINGS_BYTES:
            return False
        place = (number & 15) * 32
        digest = node_hash(siblings[:place] + digest + siblings[place:])
        number >>= 4
    return digest == root


def _digits(entry: bytes, depth: int) -> int:
    """The first hexadecimal digits of a name."""
    return int.from_bytes(entry[:32], "big") >> 256 - 4 * depth
