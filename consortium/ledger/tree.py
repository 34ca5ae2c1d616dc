"""The authenticated tree: buckets of at most 32 entries under 16-ary nodes, as deep as there are entries.

What a bucket is, and how a path is checked, stands in `core/state_path.py`. What lies below a node shares its first
hexadecimal digits of H(row key). Where that is at most `BUCKET_MAX` entries, it is one bucket. So the tree grows with
the state, and its shape follows from the entries alone. It is updated once per block, and holds digests of nodes and
buckets only; where the buckets themselves lie is the driver's choice.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from itertools import islice
from typing import NamedTuple

from consortium.core.state_path import (
    BUCKET_MAX,
    DEPTH_MAX,
    EMPTY,
    ENTRY,
    NODE_TAG,
    Buckets,
    DictBuckets,
    Path,
    bucket_hash,
)

_NAME_BITS = 256
_ROOT = 1  # a node's number: a 1 and then its digits
_TOP = 1 << _NAME_BITS
_READ_MAX = 4_096  # buckets that were read since the last update
_BUILT_AT_ONCE = 50_000  # rows


class Patch(NamedTuple):
    """What an update changed, by number: buckets (b"" where there is none now), inner nodes with how many entries lie
    below them (None: likewise). Nobody may mutate what is in it: trees share it."""

    buckets: dict[int, bytes]
    nodes: dict[int, tuple[bytearray, int] | None]
    root: bytes


def _entry_at(bucket: bytes, name: bytes) -> int:
    """Offset of the entry of this name; -1 where there is none."""
    at = bucket.find(name)
    while at > 0 and at % ENTRY:  # in the midst of others, once in 2²⁵⁶
        at = bucket.find(name, at + 1)
    return at


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


Changes = list[tuple[bytes, bytes | None]]  # (H(row key), H(value)), None: no row any more


def _changed(bucket: bytes, changes: Changes) -> bytes:
    """The bucket with these changes, the last one of a name."""
    if len(changes) > 8:
        entries = {bucket[at : at + 32]: bucket[at + 32 : at + ENTRY] for at in range(0, len(bucket), ENTRY)}
        new: dict[bytes, bytes | None] = {**entries, **dict(changes)}
        return b"".join([name + digest for name, digest in sorted(new.items()) if digest is not None])
    for name, digest in changes:
        at = _entry_at(bucket, name)
        after = at + ENTRY
        if at < 0:
            at = after = _place(bucket, name)
        bucket = b"".join((bucket[:at], name, digest, bucket[after:])) if digest else bucket[:at] + bucket[after:]
    return bucket


class StateTree:
    """Hashes of all state rows; `root` authenticates them."""

    def __init__(self, buckets: Buckets | None = None, *, is_shared: bool = True) -> None:
        """`is_shared`: whether its patches are applied to other trees. Where they are not, they are empty, and each
        update costs less."""
        self._buckets: Buckets = DictBuckets() if buckets is None else buckets
        self._nodes: dict[int, bytearray] = {}  # the tag, and the digests of sixteen children
        self._below: dict[int, int] = {}  # how many entries lie below a node, more than `BUCKET_MAX`
        self._read: dict[int, bytes] = {}  # buckets that lie there unchanged since the last update
        self._looked_up: dict[bytes, tuple[bytes, int]] = {}  # H(row key) and bucket of keys, since the last update
        self._shift = _NAME_BITS  # at which the bucket looked for last was found
        self._is_shared = is_shared
        self.root = EMPTY

    @classmethod
    def build(
        cls, rows: Iterable[tuple[bytes, bytes]], buckets: Buckets | None = None, *, is_shared: bool = True
    ) -> StateTree:
        """The tree of these (row key, value), each key once, in any order. `buckets`: empty ones."""
        tree, left = cls(buckets, is_shared=is_shared), iter(rows)
        while some := list(islice(left, _BUILT_AT_ONCE)):
            tree.update(some)
        return tree

    def digest_of(self, key: bytes) -> bytes | None:
        """SHA-256 of the value in the row of this key; None if there is no such row. Raises Unreadable."""
        name = sha256(key).digest()
        number = self._find(name)
        if len(self._looked_up) < _READ_MAX:
            self._looked_up[key] = (name, number)
        bucket = self._bucket(number)
        at = _entry_at(bucket, name)
        return None if at < 0 else bucket[at + 32 : at + ENTRY]

    def path(self, key: bytes) -> Path:
        """The proof of what `key` has, or that it has nothing. Raises Unreadable."""
        number = self._find(sha256(key).digest())
        bucket, siblings = self._bucket(number), list[bytes]()
        while number != _ROOT:
            node, at = self._nodes[number >> 4], _digest_at(number)
            siblings.append(bytes(node[1:at] + node[at + 32 :]))
            number >>= 4
        return Path(bucket, tuple(siblings))

    def _find(self, name: bytes) -> int:
        """The number of the bucket in which `name` lies, if there is an entry of it."""
        place, nodes, shift = _TOP | int.from_bytes(name, "big"), self._nodes, self._shift
        while place >> shift in nodes:
            shift -= 4
        while shift < _NAME_BITS and place >> shift + 4 not in nodes:
            shift += 4
        self._shift = shift
        return place >> shift

    def _bucket(self, number: int) -> bytes:
        """Raises Unreadable."""
        bucket = self._read.get(number)
        if bucket is None:
            node, at = self._nodes.get(number >> 4), _digest_at(number)
            digest = self.root if node is None else bytes(node[at : at + 32])
            bucket = b"" if digest == EMPTY else self._buckets.get(number, digest)
            if len(self._read) >= _READ_MAX:
                self._read.clear()
            self._read[number] = bucket
        return bucket

    # --- changing ---------------------------------------------------------------------------------------------------

    def update(self, changes: Iterable[tuple[bytes, bytes | None]]) -> Patch:
        """Set (row key, value) or remove (row key, None); removing what is absent changes nothing. Raises Unreadable,
        and the tree is then of no use any more."""
        asked: dict[int, Changes] = {}
        find, looked_up, self._looked_up = self._find, self._looked_up, {}
        for key, value in changes:
            known = looked_up.get(key)
            if known is None:
                name = sha256(key).digest()
                number = find(name)
            else:
                name, number = known
            digest = None if value is None else sha256(value).digest()
            changes_there = asked.get(number)
            if changes_there is None:
                asked[number] = [(name, digest)]
            else:
                changes_there.append((name, digest))
        update = _Update(self._nodes, self._below, self._buckets, is_shared=self._is_shared)
        levels: list[dict[int, bytes]] = [{} for _ in range(DEPTH_MAX + 1)]
        for number, wanted in asked.items():
            old = self._bucket(number)
            new = _changed(old, wanted)
            if len(new) != len(old):
                update.grown[number] = (len(new) - len(old)) // ENTRY
            levels[(number.bit_length() - 1) >> 2][number] = update.put(number, new, is_new=not old)
        self._read.clear()
        for depth in range(DEPTH_MAX, 0, -1):
            if levels[depth]:
                update.climb(levels[depth], levels[depth - 1])
        self.root = levels[0].get(_ROOT, self.root)
        return Patch(update.changed_buckets, update.changed_nodes, self.root)

    def apply(self, patch: Patch) -> None:
        """The same update once more, in a tree that is equal to what that one was."""
        for number, bucket in patch.buckets.items():
            if bucket:
                self._buckets.put(number, bucket)
            else:
                self._buckets.drop(number)
        for number, node in patch.nodes.items():
            if node is not None:
                self._nodes[number], self._below[number] = node
            else:
                self._nodes.pop(number, None)
                self._below.pop(number, None)
        self._read.clear()
        self._looked_up.clear()
        self.root = patch.root


def _depth(number: int) -> int:
    return (number.bit_length() - 1) >> 2


def _digest_at(number: int) -> int:
    """Where the digest of this child lies in its node."""
    return 1 + ((number & 15) << 5)


class _Update:
    """One update under way, from the buckets up. Of a tree that is shared, nodes are copied before they are changed."""

    __slots__ = ("_below", "_buckets", "_is_shared", "_nodes", "changed_buckets", "changed_nodes", "grown")

    def __init__(
        self, nodes: dict[int, bytearray], below: dict[int, int], buckets: Buckets, *, is_shared: bool
    ) -> None:
        self._nodes = nodes
        self._below = below
        self._buckets = buckets
        self._is_shared = is_shared
        self.grown: dict[int, int] = {}  # how many entries there are more, where the number changed
        self.changed_buckets: dict[int, bytes] = {}
        self.changed_nodes: dict[int, tuple[bytearray, int] | None] = {}

    def put(self, number: int, bucket: bytes, *, is_new: bool) -> bytes:
        """These entries lie below `number` from now on, in one bucket or in more. Its digest."""
        if len(bucket) > BUCKET_MAX * ENTRY:
            if not is_new:
                self._put(number, b"")
            return self._split(number, bucket)
        self._put(number, bucket)
        return bucket_hash(bucket)

    def _put(self, number: int, bucket: bytes) -> None:
        if self._is_shared:
            self.changed_buckets[number] = bucket
        if bucket:
            self._buckets.put(number, bucket)
        else:
            self._buckets.drop(number)

    def _split(self, number: int, bucket: bytes) -> bytes:
        place, shift = _depth(number) >> 1, 0 if _depth(number) & 1 else 4
        parts: list[list[bytes]] = [[] for _ in range(16)]
        for at in range(0, len(bucket), ENTRY):
            parts[bucket[at + place] >> shift & 15].append(bucket[at : at + ENTRY])
        digests = [
            self.put(number << 4 | digit, b"".join(part), is_new=True) if part else EMPTY
            for digit, part in enumerate(parts)
        ]
        return self._set(number, bytearray(NODE_TAG + b"".join(digests)), len(bucket) // ENTRY)

    def _set(self, number: int, node: bytearray, below: int) -> bytes:
        self._nodes[number], self._below[number] = node, below
        if self._is_shared:
            self.changed_nodes[number] = (node, below)
        return sha256(node).digest()

    def climb(self, changed: dict[int, bytes], above: dict[int, bytes]) -> None:
        """From the changed children of one level, by number and digest, to their parents."""
        touched: dict[int, bytearray] = {}
        nodes, grown = self._nodes, self.grown
        for number, digest in changed.items():
            parent, at = number >> 4, 1 + ((number & 15) << 5)
            node = touched.get(parent)
            if node is None:
                node = nodes[parent]
                touched[parent] = node = bytearray(node) if self._is_shared else node
            node[at : at + 32] = digest
            if number in grown:
                grown[parent] = grown.get(parent, 0) + grown[number]
        for parent, node in touched.items():
            below = self._below[parent] + grown.get(parent, 0)
            above[parent] = self._set(parent, node, below) if below > BUCKET_MAX else self._join(parent, node)

    def _join(self, number: int, node: bytearray) -> bytes:
        """What is left below a node fits into one bucket; its children are buckets. The digest."""
        parts = []
        for child in range(number << 4, (number << 4) + 16):
            at = _digest_at(child)
            digest = bytes(node[at : at + 32])
            if digest != EMPTY:
                parts.append(self._buckets.get(child, digest))
                self._put(child, b"")
        del self._nodes[number], self._below[number]
        if self._is_shared:
            self.changed_nodes[number] = None
        bucket = b"".join(parts)
        self._put(number, bucket)
        return bucket_hash(bucket)
