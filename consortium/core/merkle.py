"""Merkle trees after RFC 6962: leaf and node tags, no duplicated odd leaf.

A root alone does not tell how many leaves it has: the path of leaf 0 of 8 is also one of leaf 0 of 5, and that of leaf
3 of 4 one of leaf 6 of 7. Whoever has no other word for the number of leaves needs a `commitment`, which binds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()
SIZE_MAX = 1 << 32  # leaves


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Root over leaf *data* (RFC 6962 MTH). The empty list has `EMPTY_ROOT`."""
    if not leaves:
        return EMPTY_ROOT
    level = [sha256(b"\x00" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        odd = level[len(level) & ~1 :]
        pairs = iter(level)
        level = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)] + odd
    return level[0]


def _split(size: int) -> int:
    """The largest power of two smaller than `size` (size ≥ 2)."""
    return 1 << ((size - 1).bit_length() - 1)


def path(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Audit path of leaf `index`, nearest sibling first (RFC 6962 §2.1.1)."""
    assert 0 <= index < len(leaves)
    if len(leaves) == 1:
        return ()
    split = _split(len(leaves))
    if index < split:
        return (*path(leaves[:split], index), root(leaves[split:]))
    return (*path(leaves[split:], index - split), root(leaves[:split]))


def commitment(leaves: Sequence[bytes]) -> bytes:
    """Root and number of leaves in 32 bytes: what a header holds."""
    return _commit(len(leaves), root(leaves))


def _commit(size: int, tree: bytes) -> bytes:
    return sha256(b"\x04" + size.to_bytes(8, "big") + tree).digest()


def is_committed(leaf: bytes, index: int, size: int, siblings: Sequence[bytes], expected: bytes) -> bool:
    """Whether `leaf` is number `index` of exactly `size` leaves, whose `commitment` is `expected`. Never raises."""
    tree = _climb(leaf, index, size, siblings)
    return tree is not None and _commit(size, tree) == expected


def _climb(leaf: bytes, index: int, size: int, siblings: Sequence[bytes]) -> bytes | None:
    """The root to which this path leads (RFC 9162 §2.1.3.2); None where a tree of that size has no such path."""
    if not 0 <= index < size <= SIZE_MAX:
        return None
    if size == 1:
        return leaf_hash(leaf) if not siblings else None
    if not siblings:
        return None
    split = _split(size)
    if index < split:
        below = _climb(leaf, index, split, siblings[:-1])
        return None if below is None else node_hash(below, siblings[-1])
    below = _climb(leaf, index - split, size - split, siblings[:-1])
    return None if below is None else node_hash(siblings[-1], below)
