"""Reading the log back after a boot: what was voted for, left, locked, by epoch; and the blocks of this one."""

from __future__ import annotations

from collections.abc import Sequence

from consortium.core.codec import Malformed
from consortium.core.machine import Effect
from consortium.core.membership import Epoch
from consortium.core.messages import Certificate
from consortium.protocols.common.lost_log import LostLog
from consortium.protocols.common.records import LostRecord, RegainedRecord
from consortium.protocols.hotstuff.certificates import Quorum, open_quorum
from consortium.protocols.hotstuff.fetching import take_body
from consortium.protocols.hotstuff.messages import Header, block_digest
from consortium.protocols.hotstuff.recall import VotesOfOthers
from consortium.protocols.hotstuff.records import RECORDS, StateRecord, TimeoutRecord, VotedRecord
from consortium.protocols.hotstuff.replica_state import Past, ReplicaState
from consortium.protocols.hotstuff.voting import Voting


class Restorer:
    """Fills a fresh state from the records, oldest first."""

    def __init__(self, state: ReplicaState, voting: Voting, votes_of_others: VotesOfOthers, lost: LostLog) -> None:
        self._state = state
        self._lost = lost
        self._voting = voting
        self._votes_of_others = votes_of_others
        self._past: dict[int, Past] = {}
        self._blocks: list[tuple[Header, bytes | None]] = []

    def restore(self, records: Sequence[bytes]) -> list[Effect]:
        state = self._state
        log, notes = RECORDS.read(records)
        for record in log:
            if isinstance(record, LostRecord | RegainedRecord):
                self._lost.read_back(record)
                continue
            self._past[record.epoch] = self._joined(record, self._past.get(record.epoch, Past()))
        state.past = self._past
        state.begin_epoch(state.epoch)
        self._plant()
        return notes

    def _joined(self, record: VotedRecord | TimeoutRecord | StateRecord, past: Past) -> Past:
        epoch = self._state.epochs.number(record.epoch)
        match record:
            case VotedRecord(header=header, locked=locked, is_proposal=is_proposal):
                if record.epoch == self._state.epoch.number:
                    self._blocks.append((header, record.body))
                past = past._replace(
                    proposed=max(past.proposed, header.view if is_proposal else -1),
                    voted=max(past.voted, -1 if is_proposal else header.view),
                    locked=max(past.locked, locked - 1),
                    height=max(past.height, header.height),
                )
                return self._with_quorum(past, header.justify, epoch)
            case TimeoutRecord(view=view, quorum=quorum):
                return self._with_quorum(past._replace(timed=max(past.timed, view)), quorum, epoch)
            case StateRecord():
                past = past._replace(
                    proposed=max(past.proposed, record.proposed - 1),
                    voted=max(past.voted, record.voted - 1),
                    timed=max(past.timed, record.timed - 1),
                    locked=max(past.locked, record.locked - 1),
                )
                return self._with_quorum(past, record.quorum, epoch)

    def _with_quorum(self, past: Past, certificate: Certificate | None, epoch: Epoch | None) -> Past:
        if certificate is None or epoch is None:
            return past
        try:
            quorum: Quorum = open_quorum(certificate, epoch, self._state.verifier)
        except Malformed:
            return past
        if epoch.number == self._state.epoch.number:
            self._votes_of_others.note_certificate(certificate)
        return past if past.high is not None and past.high.view >= quorum.view else past._replace(high=quorum)

    def _plant(self) -> None:
        """The blocks of our log, and the newest of our view as the one that we judge or voted for."""
        state = self._state
        for header, body in self._blocks:
            block = state.tree.add(block_digest(header), header)
            take_body(block, body)
            if body is not None:
                self._voting.stored[header.batch] = None
            if header.view == state.view:
                state.current.pending = block
        for block in state.tree:
            if block.body is None and block.batch in self._voting.stored:
                same = next((each.body for each in state.tree if each.batch == block.batch and each.body), None)
                take_body(block, same)
        for block in state.tree:
            if block.height > state.decided and block.body is not None:
                state.flight.fly(block.batch, block.body)
