"""What a replica keeps durably: its votes with their bodies, its certificates, its views.

Heights are those at which the store may forget them: once the
height is sealed. The small `ViewRecord` is kept for good, so that no view is ever voted in twice; the NEW-VIEW of our
view as long as we are in it, for those who missed it.
"""

from __future__ import annotations

from consortium.core.machine import Persist
from consortium.core.messages import Certificate, Signed
from consortium.core.votes import VoteKeeping
from consortium.protocols.common.records import (
    FORMAT,
    LostRecord,
    Record,
    RecordReader,
    RegainedRecord,
    persist,
)
from consortium.protocols.pbft.messages import Claim, NewView, ViewChange
from consortium.protocols.pbft.slot import Slot


class AcceptedRecord(Record, frozen=True):
    """Before PRE-PREPARE (of a leader, `pre_prepare` None: it is signed afterwards) and before PREPARE. `body` is None
    where an earlier record of this height holds it, where the ledger does, or for the null request."""

    view: int
    height: int
    digest: bytes
    pre_prepare: Signed | None
    body: bytes | None


class PreparedRecord(Record, frozen=True):
    """Before COMMIT: the prepared certificate."""

    view: int
    height: int
    digest: bytes
    claim: Claim


class ViewRecord(Record, frozen=True):
    """`wanted` > `view`: a VIEW-CHANGE for it was said, no vote in `view` any more. Equal: `view` is entered."""

    view: int
    wanted: int


class SuspectRecord(Record, frozen=True):
    """Before SUSPECT: others may leave because of it, and a boot must not take it back. It is kept for good."""

    view: int


class ViewChangeRecord(Record, frozen=True):
    """Before VIEW-CHANGE: the message, to say it again unchanged."""

    message: ViewChange


class NewViewRecord(Record, frozen=True):
    """A leader's NEW-VIEW before it is said (`signed` None), and any NEW-VIEW when it is entered."""

    message: NewView
    signed: Signed | None


class SealedRecord(Record, frozen=True):
    """Everything up to `height` is sealed: votes there may be missing from the log. The log forgets it with the next
    seal that it forgets votes for, not before: the seal itself may be lost in a crash, and the votes are there then."""

    height: int


AnyRecord = (
    AcceptedRecord
    | PreparedRecord
    | ViewRecord
    | SuspectRecord
    | ViewChangeRecord
    | NewViewRecord
    | SealedRecord
    | LostRecord
    | RegainedRecord
)

RECORDS: RecordReader[AnyRecord] = RecordReader("PBFT", AnyRecord)
decode_record = RECORDS.decode


def persist_accepted(epoch: int, slot: Slot, body: bytes | None) -> Persist:
    """The record before PRE-PREPARE or PREPARE; from here on the vote of the slot's view is given."""
    slot.prepare_view = slot.view
    is_stored = not body or slot.stored == slot.digest
    kept = None if is_stored else body
    record = AcceptedRecord(FORMAT, epoch, slot.view, slot.height, slot.digest, slot.pre_prepare, kept)
    if body:
        slot.stored = slot.digest
    return persist(record, slot.height)


def prepared_claim(keeping: VoteKeeping, pre_prepare: Signed, votes: Certificate) -> Claim:
    """A prepared certificate."""
    return keeping.made_of(votes, ("claim", pre_prepare), lambda: Claim(pre_prepare, votes))


def persist_prepared(keeping: VoteKeeping, place: tuple[int, int, int, bytes], claim: Claim) -> Persist:
    """`place`: epoch, view, height, digest."""
    record = PreparedRecord(FORMAT, *place, claim)
    return keeping.made_of(claim.votes, ("record", claim.pre_prepare), lambda: persist(record, record.height))
