"""The frame of what a replica keeps durably: tagged MessagePack with a format number and an epoch in front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec

from consortium.core.codec import Decoder, Malformed, encode
from consortium.core.machine import Effect, Note, Persist

FORMAT = 1
UNKNOWN = -1
RECORD_BYTES_MAX = 64_000_000


class Record(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True):
    """The base of every record; `format` and `epoch` come first in each."""

    format: int
    epoch: int


class LostRecord(Record, frozen=True):
    """The log lacks votes of ours. With `height` ≥ 0 members of `epoch` have told how far those may reach: see
    `lost_log.Bound`. It is kept for good."""

    height: int
    view: int


class RegainedRecord(Record, frozen=True):
    """Nothing that is missing from the log binds us any more: we vote again. It is kept for good."""


AnyRecord = TypeVar("AnyRecord", bound=Record)


def persist(record: Record, height: int | None) -> Persist:
    """The store may forget the record once `height` is sealed; None: never."""
    return Persist(encode(record), height)


class RecordReader(Generic[AnyRecord]):
    """Reads the records of one protocol; `union` is the type of all of them."""

    def __init__(self, protocol: str, union: Any) -> None:
        self._protocol = protocol
        self._decoder: Decoder[AnyRecord] = Decoder(union, RECORD_BYTES_MAX)

    def decode(self, data: bytes) -> AnyRecord:
        """Raises Malformed, also for a format that this version does not know."""
        record = self._decoder.decode(data)
        if record.format != FORMAT:
            raise Malformed(f"a {self._protocol} record of format {record.format}; this version reads format {FORMAT}")
        return record

    def read(self, log: Sequence[bytes]) -> tuple[list[AnyRecord | LostRecord], list[Effect]]:
        """All records of a log, oldest first, and a note of each that cannot be read: the store has checked its bytes,
        so it is another version's, perhaps. It may have been a vote: a `LostRecord` stands in its place."""
        records: list[AnyRecord | LostRecord] = []
        notes: list[Effect] = []
        for data in log:
            try:
                records.append(self.decode(data))
            except Malformed as error:
                notes.append(Note("rejected", {"why": str(error)[:120], "sender": "own log", "message": "record"}))
                records.append(LostRecord(FORMAT, 0, UNKNOWN, UNKNOWN))
        return records, notes
