"""Private records: what the ledger holds of one (a commitment), and the salts that commitments rest on.

A record's bytes are canonical (`codec.encode` of a frozen Struct). The ledger sees H(salt ‖ record) over the whole
record, never the record: without the salt nobody can try out what it may say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, NamedTuple, Protocol

import msgspec

from consortium.core.codec import Decoder, Digest, encode, tagged_hash
from consortium.core.contract import StateReader
from consortium.core.membership import NodeId
from consortium.core.sealing import DATA_KEY_BYTES, SEAL_OVERHEAD_BYTES

SALT_BYTES_MIN = 16
RECORD_BYTES_MAX = 1_000_000
HANDLE_BYTES_MAX = 200
BOX_BYTES_MAX = RECORD_BYTES_MAX + 4 * HANDLE_BYTES_MAX


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


# --- what a private store keeps --------------------------------------------------------------------------------------


class Contents(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a box hides: with the salt the record can be held against its commitment."""

    salt: Annotated[bytes, msgspec.Meta(min_length=SALT_BYTES_MIN, max_length=64)]
    record: Annotated[bytes, msgspec.Meta(max_length=RECORD_BYTES_MAX)]


class Box(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One record, encrypted under its data key, and that key sealed to the `encrypt` key of the member that keeps the
    box, or of the one that it is given to."""

    handle: Annotated[str, msgspec.Meta(max_length=HANDLE_BYTES_MAX)]
    commitment: Digest
    cipher: Annotated[bytes, msgspec.Meta(max_length=BOX_BYTES_MAX)]
    wrap: Annotated[bytes, msgspec.Meta(max_length=DATA_KEY_BYTES + 2 * SEAL_OVERHEAD_BYTES)]

    @property
    def about(self) -> bytes:
        """What is authenticated with the body: a box cannot pass for one of another record."""
        return encode((self.handle, self.commitment))


CONTENTS: Decoder[Contents] = Decoder(Contents, BOX_BYTES_MAX)
BOX: Decoder[Box] = Decoder(Box, 2 * BOX_BYTES_MAX)


LACKING = ".lacking"  # a row of a store that was begun anew: it may lack what its member holds


class BoxReader(Protocol):
    """A private store as one reads it. Values are boxes by handle, and the vault's own rows under names that no handle
    has."""

    def get(self, name: str) -> bytes | None: ...

    def names(self) -> Sequence[str]:
        """All of them, in order."""
        ...


class Boxes(BoxReader, Protocol):
    """The private store of a node that lives: a dict in simulation, an SQLite file of its own in a process."""

    def stage(self, name: str, value: bytes | None) -> None:
        """Show this to every later read at once; it becomes durable with the `Keep` or `Drop` that carries it."""
        ...


# --- what the ledger says of private records -------------------------------------------------------------------------


class Entry(NamedTuple):
    """One private record as the ledger knows it. `holders` must hold it; `readers`, and holders, may be given it.
    `person`: the pseudonym of whom it is about, who may have it erased; empty where nobody but the bureau may.
    `once`: members that had it at some time, of whom an erasure asks, too."""

    commitment: bytes
    holders: tuple[NodeId, ...]
    readers: tuple[NodeId, ...]
    person: str = ""
    once: tuple[NodeId, ...] = ()

    def may_have(self, member: NodeId) -> bool:
        return member in self.holders or member in self.readers


class RecordKind(NamedTuple):
    """The value `PRIVATE` of a contract's module: private records of one kind, whose handles begin `<name>/`.

    `find(state, key)`: the entry of the record with this key, None where the ledger knows none. `held_by(state,
    member)`: the keys of those that a member must hold. `is_given_later`: a member may become a holder while it is
    away, so it looks at every boot; else only where its store is known to lack rows. `ended_for(state, member,
    person)`: the keys of those that the member had by this person's leave, or by anybody's (""), and may have no
    longer. `fields_in`: the word by which the table is told whose row of this key commits to single fields."""

    name: str
    find: Callable[[StateReader, str], Entry | None]
    held_by: Callable[[StateReader, NodeId], Iterator[str]]
    is_given_later: bool = False
    ended_for: Callable[[StateReader, NodeId, str], Iterator[str]] | None = None
    fields_in: str = ""


class Catalogue(NamedTuple):
    """All that a vault asks the ledger; it has no list of its own.

    `find`, `held_by`, `ended`: as in RecordKind, by handle; of every kind with `held_by(…, True)`.
    `is_erased(state, handle)`: whether a tombstone stands in its place.
    `erased(state)`: all such handles. `awaits(state, member, handle)`: whether this member has yet to confirm the
    erasure; `confirm(handle)`: the call that does.

    `anchored(state, member)`: how many reads of its audit a member has anchored, the oldest. `anchor(day, first, count,
    root)`: the call that anchors a day's reads."""

    find: Callable[[StateReader, str], Entry | None]
    held_by: Callable[[StateReader, NodeId, bool], Iterator[str]]
    is_erased: Callable[[StateReader, str], bool]
    erased: Callable[[StateReader], Iterator[str]]
    ended: Callable[[StateReader, NodeId, str], Iterator[str]]
    awaits: Callable[[StateReader, NodeId, str], bool]
    confirm: Callable[[str], tuple[str, str, Any]]
    anchored: Callable[[StateReader, NodeId], int]
    anchor: Callable[[int, int, int, bytes], tuple[str, str, Any]]
