"""The proof of one row of the state, or of its absence: from a whole bucket of the authenticated tree up to the root.

An entry is H(row key) ‖ H(value), 64 bytes. Entries lie in cells, and the root says how many there are: one for each
`CELL_LOAD` entries. The last bits of H(row key) tell the cell (`cell_of`). A cell is one bucket, its entries in order,
so that it proves absence as well as presence; an empty one hashes to zeros. Above the cells are as many levels of nodes
of sixteen children as it takes, in order of their numbers, and zeros beyond the last one. Where somebody crowds one
cell with more than `BUCKET_MAX` entries, it is itself a node of sixteen children, by the first hexadecimal digit of
H(row key), and each of them likewise by the next. `ledger/tree.py` keeps the tree; who checks a proof needs this alone.
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
ROOT_TAG = b"\x05"
CELL_LOAD = 12  # entries, on average
BUCKET_MAX = 48  # entries; a cell has more by chance once in millions
CELLS_MAX = 1 << 40
DIGITS = 64  # of a SHA-256
DEPTH_MAX = DIGITS + 10  # and the levels above so many cells
SIBLINGS_BYTES = 480  # fifteen digests
Siblings = Annotated[bytes, msgspec.Meta(min_length=SIBLINGS_BYTES, max_length=SIBLINGS_BYTES)]


class Path(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """From a whole bucket up to the root: how many cells there are, and on each level the fifteen siblings, joined
    (480 bytes)."""

    cells: Annotated[int, msgspec.Meta(ge=1, le=CELLS_MAX)]
    bucket: Annotated[bytes, msgspec.Meta(max_length=BUCKET_MAX * ENTRY)]
    siblings: Annotated[tuple[Siblings, ...], msgspec.Meta(max_length=DEPTH_MAX)]


class Buckets(Protocol):
    """Where buckets lie that memory is not to hold, by number of their cell. Raises Unreadable."""

    in_memory_max: int  # bytes of buckets that do not lie here

    def get(self, number: int) -> bytes:
        """What was put there last; b"" where nothing was."""
        ...

    def put(self, number: int, bucket: bytes) -> None: ...


def cell_of(name: bytes, cells: int) -> int:
    """Where an entry of this name lies among so many cells: with one cell more, only entries of one cell move."""
    half = 1 << cells.bit_length() - 1
    place = int.from_bytes(name, "big") & (half << 1) - 1
    return place if place < cells else place - half


def levels_of(cells: int) -> int:
    """How many levels of nodes there are above so many cells."""
    return (cells - 1).bit_length() + 3 >> 2


def bucket_hash(bucket: bytes) -> bytes:
    return sha256(BUCKET_TAG + bucket).digest() if bucket else EMPTY


def node_hash(children: bytes) -> bytes:
    return sha256(NODE_TAG + children).digest()


def root_hash(cells: int, top: bytes) -> bytes:
    return sha256(ROOT_TAG + cells.to_bytes(8, "big") + top).digest()


def is_proven(path: Path, key: bytes, value: bytes | None, root: bytes) -> bool:
    """Whether the path proves that `key` has `value` (None: that it is absent) under `root`. Never raises."""
    name = sha256(key).digest()
    entries = _entries(path.bucket)
    if len(path.bucket) % ENTRY or len(entries) > BUCKET_MAX or not 1 <= path.cells <= CELLS_MAX:
        return False
    depth = len(path.siblings) - levels_of(path.cells)  # of nodes in a cell that is crowded
    if not 0 <= depth <= DIGITS:
        return False
    if any(left[:32] >= right[:32] for left, right in pairwise(entries)):
        return False
    at = bisect_left(entries, name)
    found = entries[at][32:] if at < len(entries) and entries[at][:32] == name else None
    if found != (None if value is None else sha256(value).digest()):
        return False
    number = cell_of(name, path.cells) << 4 * depth | int.from_bytes(name, "big") >> 4 * (DIGITS - depth)
    digest = bucket_hash(path.bucket)
    for siblings in path.siblings:
        if len(siblings) != SIBLINGS_BYTES:
            return False
        place = (number & 15) * 32
        digest = node_hash(siblings[:place] + digest + siblings[place:])
        number >>= 4
    return root_hash(path.cells, digest) == root


def _entries(bucket: bytes) -> Sequence[bytes]:
    return [bucket[at : at + ENTRY] for at in range(0, len(bucket), ENTRY)]
