"""The authenticated tree: 65,536 buckets by hash prefix under four levels of 16-ary nodes.

What a bucket is, and how a path is checked, stands in `core/state_path.py`. The tree is updated once per block. It
holds hashes only: 64 bytes an entry.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

from consortium.core.state_path import EMPTY, ENTRY, LEVELS, NODE_TAG, Path, bucket_hash, node_hash

BUCKETS = 65_536


def _empty_nodes() -> tuple[bytes, ...]:
    """The hash of a node without entries below it, by level: buckets first, the root last."""
    found = [EMPTY]
    for _ in range(LEVELS):
        found.append(node_hash(found[-1] * 16))
    return tuple(found)


_EMPTY_NODES = _empty_nodes()
_EMPTY_CHILDREN = tuple(empty * 16 for empty in _EMPTY_NODES[:LEVELS])


def _place(bucket: bytes, name: bytes) -> int:
    """Offset of the first entry that is not below `name`."""
    low, high = 0, len(bucket) // ENTRY
    while low < high:
        middle = (low + high) // 2
        at = middle * ENTRY
        if bucket[at : at + 32] < name:
            low = middle + 1
        else:
            high = middle
    return low * ENTRY


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
        self._children: tuple[dict[int, bytearray], ...] = tuple({} for _ in range(LEVELS))
        self.root = _EMPTY_NODES[LEVELS]

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
        return bucket[at + 32 : at + ENTRY] if bucket[at : at + 32] == name else None

    def update(self, changes: Iterable[tuple[bytes, bytes | None]]) -> Patch:
        """Set (row key, value) or remove (row key, None); removing what is absent changes nothing."""
        buckets = self._buckets
        touched: dict[int, None] = {}
        for key, value in changes:
            name = sha256(key).digest()
            number = name[0] << 8 | name[1]
            bucket = buckets.get(number, b"")
            at = _place(bucket, name) if bucket else 0
            after = at + ENTRY if bucket[at : at + 32] == name else at
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
        changed = {number: bucket_hash(buckets.get(number, b"")) for number in touched}
        for nodes, empty in zip(self._children, _EMPTY_CHILDREN, strict=True):
            parents: dict[int, bytearray] = {}
            for number, digest in changed.items():
                parent = number >> 4
                children = parents.get(parent)
                if children is None:
                    children = nodes[parent] = parents[parent] = bytearray(nodes.get(parent, empty))
                at = (number & 15) << 5
                children[at : at + 32] = digest
            changed = {parent: sha256(NODE_TAG + children).digest() for parent, children in parents.items()}
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
