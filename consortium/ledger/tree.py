"""The authenticated tree: 65,536 buckets by hash prefix under four levels of 16-ary nodes.

An entry is H(row key) ‖ H(value), 64 bytes; a bucket is its entries in order, so that it proves absence as well as
presence; an empty bucket hashes to zeros. The tree is updated once per block. It holds hashes only: 64 bytes an entry.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Annotated, NamedTuple

import msgspec

BUCKETS = 65_536
_ENTRY = 64
_EMPTY = bytes(32)
_BUCKET_TAG = b"\x02"
_NODE_TAG = b"\x03"
_LEVELS = 4  # 16⁴ = 65,536
SIBLINGS_BYTES = 480  # fifteen digests
Siblings = Annotated[bytes, msgspec.Meta(min_length=SIBLINGS_BYTES, max_length=SIBLINGS_BYTES)]


class Path(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """From a whole bucket up to the root: on each of four levels the fifteen siblings, joined (480 bytes)."""

    bucket: bytes
    siblings: tuple[Siblings, Siblings, Siblings, Siblings]


def _bucket_hash(bucket: bytes) -> bytes:
    return sha256(_BUCKET_TAG + bucket).digest() if bucket else _EMPTY


def _node_hash(children: bytes) -> bytes:
    return sha256(_NODE_TAG + children).digest()


def _empty_nodes() -> tuple[bytes, ...]:
    """The hash of a node without entries below it, by level: buckets first, the root last."""
    found = [_EMPTY]
    for _ in range(_LEVELS):
        found.append(_node_hash(found[-1] * 16))
    return tuple(found)


_EMPTY_NODES = _empty_nodes()
_EMPTY_CHILDREN = tuple(empty * 16 for empty in _EMPTY_NODES[:_LEVELS])


def _place(bucket: bytes, name: bytes) -> int:
    """Offset of the first entry that is not below `name`."""
    low, high = 0, len(bucket) // _ENTRY
    while low < high:
        middle = (low + high) // 2
        at = middle * _ENTRY
        if bucket[at : at + 32] < name:
            low = middle + 1
        else:
            high = middle
    return low * _ENTRY


class Patch(NamedTuple):
    """What an update changed: buckets (b"" where one is empty now), inner nodes by level, the root. Nobody may mutate
    what is in it: trees share it."""

    buckets: dict[int, bytes]
    children: tuple[dict[int, bytearray], ...]
    root: bytes


class StateTree:
    """Hashes of all state rows; `root` authenticates them."""

    def __init__(self) -> None:
        self._buckets: dict[int, bytes] = {}
        # by level, from the buckets up: of each inner node that was touched its sixteen children's hashes, joined
        self._children: tuple[dict[int, bytearray], ...] = tuple({} for _ in range(_LEVELS))
        self.root = _EMPTY_NODES[_LEVELS]

    @classmethod
    def build(cls, rows: Iterable[tuple[bytes, bytes]]) -> StateTree:
        """The tree of these (row key, value), each key once, in any order."""
        tree = cls()
        entries: dict[int, list[bytes]] = {}
        for key, value in rows:
            name = sha256(key).digest()
            entries.setdefault(name[0] << 8 | name[1], []).append(name + sha256(value).digest())
        for number, found in entries.items():
            found.sort()
            tree._buckets[number] = b"".join(found)
        tree._rehash(entries)
        return tree

    def digest_of(self, key: bytes) -> bytes | None:
        """SHA-256 of the value in the row of this key; None if there is no such row."""
        name = sha256(key).digest()
        bucket = self._buckets.get(name[0] << 8 | name[1])
        if bucket is None:
            return None
        at = _place(bucket, name)
        return bucket[at + 32 : at + _ENTRY] if bucket[at : at + 32] == name else None

    def update(self, changes: Iterable[tuple[bytes, bytes | None]]) -> Patch:
        """Set (row key, value) or remove (row key, None); removing what is absent changes nothing."""
        buckets = self._buckets
        touched: dict[int, None] = {}
        for key, value in changes:
            name = sha256(key).digest()
            number = name[0] << 8 | name[1]
            bucket = buckets.get(number, b"")
            at = _place(bucket, name) if bucket else 0
            after = at + _ENTRY if bucket[at : at + 32] == name else at
            if value is not None:
                bucket = b"".join((bucket[:at], name, sha256(value).digest(), bucket[after:]))
            else:
                bucket = bucket[:at] + bucket[after:]
            if bucket:
                buckets[number] = bucket
            else:
                buckets.pop(number, None)
            touched[number] = None
        return self._rehash(touched)

    def apply(self, patch: Patch) -> None:
        """The same update once more, in a tree that is equal to what that one was."""
        for number, bucket in patch.buckets.items():
            if bucket:
                self._buckets[number] = bucket
            else:
                self._buckets.pop(number, None)
        for nodes, changed in zip(self._children, patch.children, strict=True):
            nodes.update(changed)
        self.root = patch.root

    def _rehash(self, touched: Iterable[int]) -> Patch:
        buckets = self._buckets
        levels: list[dict[int, bytearray]] = []
        touched = tuple(touched)
        changed = {number: _bucket_hash(buckets.get(number, b"")) for number in touched}
        for nodes, empty in zip(self._children, _EMPTY_CHILDREN, strict=True):
            parents: dict[int, bytearray] = {}
            for number, digest in changed.items():
                parent = number >> 4
                children = parents.get(parent)
                if children is None:
                    children = nodes[parent] = parents[parent] = bytearray(nodes.get(parent, empty))
                at = (number & 15) << 5
                children[at : at + 32] = digest
            changed = {parent: sha256(_NODE_TAG + children).digest() for parent, children in parents.items()}
            levels.append(parents)
        self.root = changed.get(0, self.root)
        return Patch({number: buckets.get(number, b"") for number in touched}, tuple(levels), self.root)

    def path(self, key: bytes) -> Path:
        """The proof of what `key` has, or that it has nothing."""
        name = sha256(key).digest()
        number = name[0] << 8 | name[1]
        bucket = self._buckets.get(number, b"")
        siblings = []
        place = number
        for nodes, empty in zip(self._children, _EMPTY_CHILDREN, strict=True):
            children = bytes(nodes.get(place >> 4, empty))
            at = (place & 15) << 5
            siblings.append(children[:at] + children[at + 32 :])
            place >>= 4
        one, two, three, four = siblings
        return Path(bucket, (one, two, three, four))


def _entries(bucket: bytes) -> Sequence[bytes]:
    return [bucket[at : at + _ENTRY] for at in range(0, len(bucket), _ENTRY)]


def is_proven(path: Path, key: bytes, value: bytes | None, root: bytes) -> bool:
    """Whether the path proves that `key` has `value` (None: that it is absent) under `root`. Never raises."""
    name = sha256(key).digest()
    number = name[0] << 8 | name[1]
    entries = _entries(path.bucket)
    if len(path.bucket) % _ENTRY or any(entry[:2] != name[:2] for entry in entries):
        return False
    if any(left[:32] >= right[:32] for left, right in pairwise(entries)):
        return False
    at = bisect_left(entries, name)
    found = entries[at][32:] if at < len(entries) and entries[at][:32] == name else None
    if found != (None if value is None else sha256(value).digest()):
        return False
    digest = _bucket_hash(path.bucket)
    for siblings in path.siblings:
        if len(siblings) != SIBLINGS_BYTES:
            return False
        place = (number & 15) * 32
        digest = _node_hash(siblings[:place] + digest + siblings[place:])
        number >>= 4
    return digest == root
