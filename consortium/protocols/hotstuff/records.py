"""What a replica keeps durably: what it voted for with its block, what it left, what it is locked on.

A record is forgotten once its height is sealed, a checkpoint later than need be: the newest `StateRecord`, made with
every seal, then says what the forgotten ones said.
"""

from __future__ import annotations

import msgspec

from consortium.core.codec import Decoder, Malformed, encode
from consortium.core.machine import Persist
from consortium.core.messages import Certificate
from consortium.protocols.hotstuff.messages import Header

FORMAT = 1
RECORD_BYTES_MAX = 64_000_000


class Record(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True):
    """Base; `format` and `epoch` come first in each."""

    format: int
    epoch: int


class VotedRecord(Record, frozen=True):
    """Before BALLOT and before PROPOSAL: the block, and the lock that the vote takes (its view + 1; 0 = none).

    `body` is None where the block has no batch, or an earlier record holds it."""

    locked: int
    is_proposal: bool
    header: Header
    body: bytes | None


class TimeoutRecord(Record, frozen=True):
    """Before TIMEOUT: the view that was left, and the newest QC."""

    view: int
    quorum: Certificate | None


class StateRecord(Record, frozen=True):
    """With every seal: views + 1 of the last proposal, ballot and TIMEOUT and of the lock, and the newest QC."""

    proposed: int
    voted: int
    timed: int
    locked: int
    quorum: Certificate | None


AnyRecord = VotedRecord | TimeoutRecord | StateRecord

_RECORD: Decoder[AnyRecord] = Decoder(AnyRecord, RECORD_BYTES_MAX)


def persist(record: AnyRecord, height: int) -> Persist:
    return Persist(encode(record), height)


def decode_record(data: bytes) -> AnyRecord:
    """Raises Malformed, also for a format that this version does not know."""
    record = _RECORD.decode(data)
    if record.format != FORMAT:
        raise Malformed(f"a HotStuff record of format {record.format}; this version reads format {FORMAT}")
    return record
