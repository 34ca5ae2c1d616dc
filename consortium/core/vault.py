"""Private records: what the ledger holds of one (a commitment), and the salts that commitments rest on.

A record's bytes are canonical (`codec.encode` of a frozen Struct). The ledger sees H(salt ‖ record) over the whole
record, never the record: without the salt nobody can try out what it may say.
"""

from __future__ import annotations

import msgspec

from consortium.core.codec import tagged_hash

SALT_BYTES_MIN = 16
RECORD_BYTES_MAX = 1_000_000


def commit(salt: bytes, record: bytes) -> bytes:
    """The commitment to a whole record (canonical bytes) under a salt of at least SALT_BYTES_MIN bytes."""
    assert len(salt) >= SALT_BYTES_MIN, "a commitment without a salt can be tried out"
    return tagged_hash(b"consortium record", salt, record)


def derive_secret(key: bytes, purpose: str, identity: str) -> bytes:
    """32 bytes that only the holder of `key` can know, the same for the same arguments: salts, nonces, data keys."""
    return tagged_hash(b"consortium secret", key, purpose.encode(), identity.encode())


class Salts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The salts of one member's own records: put beside the tasks of its roles where its node is built, out of a key
    that no workload knows."""

    key: bytes = b""

    def salt(self, handle: str) -> bytes:
        """Of the record with this handle: 32 bytes, the same after every boot."""
        return derive_secret(self.key, "salt", handle)

    def commit(self, handle: str, record: bytes) -> bytes:
        """The commitment of this member to its record."""
        return commit(self.salt(handle), record)
