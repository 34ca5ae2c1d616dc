"""The proof of one row of the state, or of its absence: from a whole bucket of the authenticated tree up to the root.

An entry is H(row key) ‖ H(value), 64 bytes; a bucket is its entries in order, so that it proves absence as well as
presence; an empty bucket hashes to zeros. `ledger/tree.py` keeps the tree; whoever checks a proof needs this alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Annotated

import msgspec

ENTRY = 64
EMPTY = bytes(32)
BUCKET_TAG = b"\x02"
NODE_TAG = b"\x03"
LEVELS = 4  # 16⁴ = 65,536
SIBLINGS_BYTES = 480  # fifteen digests
Siblings = Annotated[bytes, msgspec.Meta(min_length=SIBLINGS_BYTES, max_length=SIBLINGS_BYTES)]


class Path(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """From a whole bucket up to the root: on each of four levels the fifteen siblings, joined (480 bytes)."""

    bucket: bytes
    siblings: tuple[Siblings, Siblings, Siblings, Siblings]


def bucket_hash(bucket: bytes) -> bytes:
    return sha256(BUCKET_TAG + bucket).digest() if bucket else EMPTY


def node_hash(children: bytes) -> bytes:
    return sha256(NODE_TAG + children).digest()


def _entries(bucket: bytes) -> Sequence[bytes]:
    return [bucket[at : at + ENTRY] for at in range(0, len(bucket), ENTRY)]


def is_proven(path: Path, key: bytes, value: bytes | None, root: bytes) -> bool:
    """Whether the path proves that `key` has `value` (None: that it is absent) under `root`. Never raises."""
    name = sha256(key).digest()
    number = name[0] << 8 | name[1]
    entries = _entries(path.bucket)
    if len(path.bucket) % ENTRY or any(entry[:2] != name[:2] for entry in entries):
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
