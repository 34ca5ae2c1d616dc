"""A cell that somebody crowds: nodes of sixteen children by the digits of H(row key), down to buckets.

Whoever seeks keys until they fall into one cell makes it little dearer for others: a change hashes a bucket and a few
nodes, and a proof shows them.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise

from consortium.core.state_path import BUCKET_MAX, EMPTY, ENTRY, bucket_hash, node_hash
from consortium.ledger.bucket import Changes, change

BUCKET_BYTES_MAX = BUCKET_MAX * ENTRY


@dataclass(frozen=True, slots=True)
class Crowd:
    """More entries than a bucket has. `digests`: of its children, joined. Its length is that of its entries."""

    children: tuple[bytes | Crowd, ...]
    digests: bytes
    size: int

    def __len__(self) -> int:
        return self.size


Cell = bytes | Crowd


def make_cell(entries: bytes, depth: int = 0) -> Cell:
    """Of these entries, which share so many first digits."""
    if len(entries) <= BUCKET_BYTES_MAX:
        return entries
    children = [make_cell(part, depth + 1) for part in _parts(entries, depth)]
    return Crowd(tuple(children), b"".join([cell_hash(child) for child in children]), len(entries))


def cell_hash(cell: Cell) -> bytes:
    return node_hash(cell.digests) if isinstance(cell, Crowd) else bucket_hash(cell)


def entries_of(cell: Cell) -> bytes:
    """All of them, in order."""
    return b"".join(map(entries_of, cell.children)) if isinstance(cell, Crowd) else cell


def change_crowd(crowd: Crowd, changes: Changes, depth: int = 0) -> Cell:
    """The cell with these changes, the last one of a name."""
    asked: dict[int, Changes] = {}
    for name, digest in changes:
        asked.setdefault(_digit(name, depth), []).append((name, digest))
    children, digests = list(crowd.children), bytearray(crowd.digests)
    for digit, some in asked.items():
        child = children[digit]
        if isinstance(child, Crowd):
            child = change_crowd(child, some, depth + 1)
        else:
            child = make_cell(change(child, some), depth + 1)
        children[digit] = child
        digests[digit * 32 : digit * 32 + 32] = cell_hash(child)
    size = sum(map(len, children))
    if size <= BUCKET_BYTES_MAX:
        return b"".join(map(entries_of, children))
    return Crowd(tuple(children), bytes(digests), size)


def way_to(cell: Cell, name: bytes) -> tuple[bytes, list[bytes]]:
    """The bucket in which an entry of this name lies, if there is one; and on each level above it, from below, the
    digests of its siblings."""
    siblings, depth = list[bytes](), 0
    while isinstance(cell, Crowd):
        digit = _digit(name, depth)
        siblings.insert(0, cell.digests[: digit * 32] + cell.digests[digit * 32 + len(EMPTY) :])
        cell, depth = cell.children[digit], depth + 1
    return cell, siblings


def _digit(name: bytes, depth: int) -> int:
    return name[depth >> 1] >> (0 if depth & 1 else 4) & 15


def _parts(entries: bytes, depth: int) -> list[bytes]:
    """These entries, in order, by their next digit."""
    every = range(len(entries) // ENTRY)
    cuts = [
        ENTRY * bisect_left(every, digit, key=lambda at: _digit(entries[at * ENTRY : at * ENTRY + 32], depth))
        for digit in range(17)
    ]
    return [entries[low:high] for low, high in pairwise(cuts)]
