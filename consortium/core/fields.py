"""Fields of a record, one by one: who holds a record can show one field of it, and nothing of the others.

A record's bytes are a map. Each field has a salt of its own, which comes out of the record's salt, and is a leaf of a
Merkle tree; the ledger has the tree's commitment beside that of the whole record. An opening shows a field with its
salt and its path: it tells how many fields there are, and neither names nor values of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec

from consortium.core import merkle
from consortium.core.codec import Decoder, Malformed, encode, tagged_hash
from consortium.core.vault import RECORD_BYTES_MAX, SALT_BYTES_MIN, derive_secret

FIELDS_MAX = 256
_SALT = msgspec.Meta(min_length=SALT_BYTES_MIN, max_length=64)
_DIGEST = msgspec.Meta(min_length=32, max_length=32)


class Opening(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One field: its name, the canonical bytes of its value, its salt, and its place among `size` fields."""

    name: Annotated[str, msgspec.Meta(max_length=200)]
    value: Annotated[bytes, msgspec.Meta(max_length=RECORD_BYTES_MAX)]
    salt: Annotated[bytes, _SALT]
    index: int
    size: int
    siblings: Annotated[tuple[Annotated[bytes, _DIGEST], ...], msgspec.Meta(max_length=8)]

    @property
    def leaf(self) -> bytes:
        return _leaf(self.name, self.value, self.salt)


_MAP: Decoder[dict[str, msgspec.Raw]] = Decoder(dict[str, msgspec.Raw], RECORD_BYTES_MAX)


def fields_of(record: bytes) -> dict[str, bytes]:
    """The canonical bytes of each value by its name, in their order. Raises Malformed where the record is no map of 1
    to FIELDS_MAX fields."""
    found = {name: bytes(value) for name, value in _MAP.decode(record).items()}
    if not 1 <= len(found) <= FIELDS_MAX:
        raise Malformed(f"a record that is shown by fields has 1 to {FIELDS_MAX}, this one {len(found)}")
    return found


def _leaf(name: str, value: bytes, salt: bytes) -> bytes:
    return tagged_hash(b"consortium field", salt, encode(name), value)


def _leaves(salt: bytes, record: bytes) -> list[bytes]:
    return [_leaf(name, value, _salt(salt, name)) for name, value in fields_of(record).items()]


def _salt(salt: bytes, name: str) -> bytes:
    assert len(salt) >= SALT_BYTES_MIN, "fields without a salt can be tried out"
    return derive_secret(salt, "field", name)


def commit_fields(salt: bytes, record: bytes) -> bytes:
    """The commitment to all fields of a record under its salt. Raises Malformed."""
    return merkle.commitment(_leaves(salt, record))


def open_fields(salt: bytes, record: bytes, names: Sequence[str]) -> tuple[Opening, ...]:
    """An opening for each of these fields. Raises Malformed, and KeyError where a field is not there."""
    held, leaves = fields_of(record), _leaves(salt, record)
    places = {name: place for place, name in enumerate(held)}
    return tuple(
        Opening(name, held[name], _salt(salt, name), places[name], len(leaves), merkle.path(leaves, places[name]))
        for name in names
    )


def is_opened(opening: Opening, commitment: bytes) -> bool:
    """Whether this is a field of the record whose fields are committed to so. Never raises."""
    return merkle.is_committed(opening.leaf, opening.index, opening.size, opening.siblings, commitment)
