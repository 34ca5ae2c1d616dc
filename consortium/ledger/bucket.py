"""A bucket of the authenticated tree: entries of 64 bytes, H(row key) ‖ H(value), in order."""

from __future__ import annotations

from consortium.core.state_path import ENTRY

Changes = list[tuple[bytes, bytes | None]]  # (H(row key), H(value)), None: no row any more


def entry_at(bucket: bytes, name: bytes) -> int:
    """Offset of the entry of this name; -1 where there is none."""
    at = bucket.find(name)
    while at > 0 and at % ENTRY:  # in the midst of others, once in 2²⁵⁶
        at = bucket.find(name, at + 1)
    return at


def place_of(bucket: bytes, name: bytes) -> int:
    """Offset of the first entry that is not below `name`."""
    size = len(bucket)
    at = (size // ENTRY * (name[0] << 8 | name[1]) >> 16) * ENTRY  # near it, for names lie evenly
    while at < size and bucket[at : at + 32] < name:
        at += ENTRY
    while at and bucket[at - ENTRY : at - 32] >= name:
        at -= ENTRY
    return at


def change(bucket: bytes, changes: Changes) -> bytes:
    """The bucket with these changes, the last one of a name."""
    if len(changes) > 8:
        entries = {bucket[at : at + 32]: bucket[at + 32 : at + ENTRY] for at in range(0, len(bucket), ENTRY)}
        new: dict[bytes, bytes | None] = {**entries, **dict(changes)}
        return b"".join([name + digest for name, digest in sorted(new.items()) if digest is not None])
    for name, digest in changes:
        at = entry_at(bucket, name)
        after = at + ENTRY
        if at < 0:
            at = after = place_of(bucket, name)
        bucket = b"".join((bucket[:at], name, digest, bucket[after:])) if digest else bucket[:at] + bucket[after:]
    return bucket


def split(bucket: bytes, bit: int) -> tuple[bytes, bytes]:
    """Entries whose name has this bit, counted from its last one, not set; and those that have it."""
    byte, mask = 31 - (bit >> 3), 1 << (bit & 7)
    stay, go = list[bytes](), list[bytes]()
    for at in range(0, len(bucket), ENTRY):
        (go if bucket[at + byte] & mask else stay).append(bucket[at : at + ENTRY])
    return b"".join(stay), b"".join(go)


def join(left: bytes, right: bytes) -> bytes:
    both = left + right
    return b"".join(sorted([both[at : at + ENTRY] for at in range(0, len(both), ENTRY)]))
