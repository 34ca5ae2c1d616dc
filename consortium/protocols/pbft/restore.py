"""Reading the log back after a boot: exactly the votes, certificates, bodies and views that were persisted."""

from __future__ import annotations

from collections.abc import Sequence

from consortium.core.codec import Malformed
from consortium.core.machine import Effect
from consortium.core.messages import Signed
from consortium.protocols.common.lost_log import LostLog
from consortium.protocols.common.records import LostRecord, RegainedRecord
from consortium.protocols.pbft.messages import Claim, Prepare, PrePrepare, ViewChange
from consortium.protocols.pbft.recall import VotesOfOthers
from consortium.protocols.pbft.records import (
    RECORDS,
    AcceptedRecord,
    AnyRecord,
    NewViewRecord,
    PreparedRecord,
    SealedRecord,
    SuspectRecord,
    ViewChangeRecord,
    ViewRecord,
)
from consortium.protocols.pbft.replica_state import ReplicaState
from consortium.protocols.pbft.view_change import ViewChanges


class Restorer:
    """Fills a fresh state from the records, oldest first; those of epochs that are over or sealed heights say
    nothing. Where the ledger was lost and the log was not, it holds votes of epochs that the ledger has yet to come to:
    those bind us from the moment that we enter them."""

    def __init__(self, state: ReplicaState, view_changes: ViewChanges, memory: VotesOfOthers, lost: LostLog) -> None:
        self._state = state
        self._lost = lost
        self._view_changes = view_changes
        self._memory = memory
        self._new_views: dict[int, tuple[Signed, NewViewRecord]] = {}
        self._later: dict[int, list[AnyRecord]] = {}  # by epoch

    @property
    def last_epoch(self) -> int:
        """The newest epoch that the log has votes of and that was not entered since; -1 if there is none."""
        return max(self._later, default=-1)

    def enter(self, epoch: int) -> bool:
        """This epoch was entered; whether the log has votes of it."""
        records = self._later.get(epoch, [])
        self._later = {number: held for number, held in self._later.items() if number > epoch}
        self._new_views = {}
        self._note_forgotten(records)
        for record in records:
            self._apply(record)
        if records:
            self._finish()
        return bool(records)

    def restore(self, records: Sequence[bytes]) -> list[Effect]:
        log, notes = RECORDS.read(records)
        self._note_forgotten([record for record in log if record.epoch == self._state.epoch.number])
        for record in log:
            if isinstance(record, LostRecord | RegainedRecord):
                self._lost.read_back(record)
            elif record.epoch == self._state.epoch.number:
                self._apply(record)
            elif record.epoch > self._state.epoch.number:
                self._later.setdefault(record.epoch, []).append(record)
        self._finish()
        return notes

    def _note_forgotten(self, records: Sequence[AnyRecord]) -> None:
        """Of one epoch. Above the oldest seal that is left nothing was ever forgotten; nor below it, where votes are
        left there: what is forgotten is forgotten up to a seal, all at once. (After the first seal of a consortium that
        dies as a whole, before its ledgers are durable, everything is still to be done by these votes.)"""
        sealed = next((record.height for record in records if isinstance(record, SealedRecord)), 0)
        voted = [record.height for record in records if isinstance(record, AcceptedRecord | PreparedRecord)]
        if min(voted, default=sealed + 1) > sealed:
            self._state.forgotten = self._state.forgotten or sealed

    def _apply(self, record: object) -> None:
        state = self._state
        match record:
            case AcceptedRecord(height=height) if height > state.stable:
                self._accepted(record)
            case PreparedRecord(height=height) if height > state.stable:
                slot = state.log.open(height)
                slot.prepared, slot.prepared_digest = record.claim, record.digest
                slot.prepared_view = slot.commit_view = record.view
                self._remember_claim(record.claim)
            case ViewRecord(view=view, wanted=wanted):
                state.view, state.wanted = view, wanted
                state.suspected = max(state.suspected, wanted - 1 if wanted > view else -1)
            case SuspectRecord(view=view):
                state.suspected = max(state.suspected, view)
            case ViewChangeRecord(message=message):
                self._view_changes.mine = message
            case NewViewRecord(message=message, signed=None):
                self._view_changes.said = message
            case NewViewRecord(message=message, signed=signed) if signed is not None:
                self._new_views = {message.view: (signed, record)}
                for change in message.changes:
                    self._remember(change)
            case _:
                pass

    def _accepted(self, record: AcceptedRecord) -> None:
        slot = self._state.log.open(record.height)
        slot.view = slot.prepare_view = record.view
        slot.digest = record.digest
        slot.pre_prepare = record.pre_prepare
        if record.body is not None:
            slot.keep(record.digest, record.body)
            slot.stored = record.digest
        if record.pre_prepare is not None:
            self._remember(record.pre_prepare)

    def _finish(self) -> None:
        state = self._state
        entered = self._new_views.get(state.view)
        if entered is not None:
            self._view_changes.restore(entered[0], entered[1].message)
        said = [slot.height for slot in state.log.above(state.stable) if slot.prepare_view == state.view]
        state.next_height = max([state.decided, state.opening.last_height, *said]) + 1
        for slot in state.log.above(state.head):
            body = slot.bodies.get(slot.digest)
            if body and slot.view == state.view:
                state.pool.order(body)

    def _remember_claim(self, claim: Claim) -> None:
        for name, signature in claim.votes.signatures:
            self._remember(Signed(name, claim.votes.body, signature))
        if claim.pre_prepare is not None:
            self._remember(claim.pre_prepare)

    def _remember(self, signed: Signed) -> None:
        """Others' votes on which we acted: they may ask for them."""
        state = self._state
        try:
            message = state.verifier.codec.decode(signed.body, state.epoch.number)
        except Malformed:
            return
        if isinstance(message, PrePrepare | Prepare | ViewChange):
            self._memory.read_back(signed, message, state.epoch.number)
