"""A private record as a file, taken out of its box by whoever may have it: with its salt, so that it can be held
against what a ledger commits to."""

from __future__ import annotations

from typing import Annotated

import msgspec

from consortium.core.codec import Decoder
from consortium.core.fields import commit_fields
from consortium.core.vault import HANDLE_BYTES_MAX, RECORD_BYTES_MAX, SALT_BYTES_MIN, commit

BYTES_MAX = RECORD_BYTES_MAX + 1_000
_TAG = "UnsealedRecord"


class UnsealedRecord(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=_TAG):
    handle: Annotated[str, msgspec.Meta(max_length=HANDLE_BYTES_MAX)]
    salt: Annotated[bytes, msgspec.Meta(min_length=SALT_BYTES_MIN, max_length=64)]
    record: Annotated[bytes, msgspec.Meta(max_length=RECORD_BYTES_MAX)]

    def commitments(self) -> dict[str, bytes]:
        """What a ledger may hold of it, by the name of the field in its row. Raises Malformed where the record has no
        fields."""
        return {"commitment": commit(self.salt, self.record), "fields": commit_fields(self.salt, self.record)}


UNSEALED: Decoder[UnsealedRecord] = Decoder(UnsealedRecord, BYTES_MAX)
