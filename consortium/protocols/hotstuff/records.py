"""What a replica keeps durably: what it voted for with its block, what it left, what it is locked on.

A record is forgotten once its height is sealed, a checkpoint later than need be: the newest `StateRecord`, made with
every seal, then says what the forgotten ones said.
"""

from __future__ import annotations

from consortium.core.machine import Persist
from consortium.core.messages import Certificate
from consortium.protocols.common.records import FORMAT, LostRecord, Record, RecordReader, RegainedRecord, persist
from consortium.protocols.hotstuff.messages import Header
from consortium.protocols.hotstuff.replica_state import ReplicaState


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


AnyRecord = VotedRecord | TimeoutRecord | StateRecord | LostRecord | RegainedRecord

RECORDS: RecordReader[AnyRecord] = RecordReader("HotStuff", AnyRecord)


def persist_state(state: ReplicaState, height: int) -> Persist:
    """What binds us, when `height` is sealed: what older records said of it may be forgotten then."""
    own = state.own
    high = None if state.high is None else state.high.certificate
    views = (own.proposed + 1, own.voted + 1, own.timed + 1, own.locked + 1)
    record = StateRecord(FORMAT, state.epoch.number, *views, high)
    return persist(record, height + state.parameters.checkpoint_interval + 1)
