"""Merkle trees after RFC 6962: leaf and node tags, no duplicated odd leaf."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

EMPTY_ROOT = sha256(b"").digest()


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


def is_in(leaf: bytes, index: int, size: int, siblings: Sequence[bytes], expected_root: bytes) -> bool:
    """Whether `leaf` is number `index` of `size` leaves under `expected_root`."""
    if not 0 <= index < size:
        return False

    def climb(index: int, size: int, siblings: Sequence[bytes]) -> bytes | None:
        if size == 1:
            return leaf_hash(leaf) if not siblings else None
        if not siblings:
            return None
        split = _split(size)
        if index < split:
            below = climb(index, split, siblings[:-1])
            return None if below is None else node_hash(below, siblings[-1])
        below = climb(index - split, size - split, siblings[:-1])
        return None if below is None else node_hash(siblings[-1], below)

    return climb(index, size, siblings) == expected_root
