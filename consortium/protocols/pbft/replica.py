"""The replica: one dispatcher over the parts, and the seams to ledger, sealer and pool."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from consortium.core.machine import (
    Available,
    CancelTimer,
    Effect,
    Event,
    Executed,
    Expired,
    Note,
    Now,
    Received,
    Stable,
    Started,
)
from consortium.core.membership import Epoch, NodeId
from consortium.core.messages import Message
from consortium.core.protocol import ReplicaContext
from consortium.protocols.common.leader_timer import LeaderTimer
from consortium.protocols.common.lost_log import LostLog
from consortium.protocols.common.next_epoch import NextEpochInbox
from consortium.protocols.common.recall import Recaller
from consortium.protocols.common.records import FORMAT, persist
from consortium.protocols.common.replica_state import epoch_notes
from consortium.protocols.common.shapes import shape_fault
from consortium.protocols.pbft.bodies import Bodies
from consortium.protocols.pbft.leading import BATCH_TIMER, Leading
from consortium.protocols.pbft.messages import (
    Ask,
    Body,
    Commit,
    Decision,
    FetchBody,
    NewView,
    Prepare,
    PrePrepare,
    Recall,
    Recalled,
    Suspect,
    Told,
    ViewChange,
    vote_fault,
)
from consortium.protocols.pbft.ordering import Ordering
from consortium.protocols.pbft.progress import PROGRESS_TIMER, Progress, owed_since
from consortium.protocols.pbft.recall import OwnVotes, VotesOfOthers
from consortium.protocols.pbft.records import SealedRecord, ViewRecord
from consortium.protocols.pbft.replica_state import ReplicaState
from consortium.protocols.pbft.restore import Restorer
from consortium.protocols.pbft.retransmit import RETRANSMIT_TIMER, Retransmission
from consortium.protocols.pbft.suspicion import Suspicions
from consortium.protocols.pbft.view_change import NEW_VIEW_TIMER, ViewChanges

RECALL_TIMER = ("pbft", "recall")
VIEW_CHANGE_BYTES = 4_096  # of a VIEW-CHANGE besides its claims, generously
CLAIM_BYTES = 256  # of a signature and its name in one claim, generously


class Replica:
    """A PBFT replica as a pure machine. Nothing a peer says makes it raise. While it is no member it only listens.

    `votes_of_others`: what it can tell those who ask for their votes."""

    def __init__(self, context: ReplicaContext) -> None:
        state = self.state = ReplicaState(context)
        self.votes_of_others = VotesOfOthers()
        self._next_epoch = NextEpochInbox()
        self._bodies = Bodies(state)
        self._leading = Leading(state, self._bodies)
        self._ordering = Ordering(state, self._bodies, self._leading)
        timer = LeaderTimer(state, PROGRESS_TIMER, partial(owed_since, state))
        self._view_changes = ViewChanges(state, self._ordering, timer)
        self._suspicions = Suspicions(state, self._view_changes)
        self._retransmission = Retransmission(state, self._bodies, self._view_changes, self._suspicions)
        self._progress = Progress(state, timer, self._suspicions, self._retransmission.lags)
        self._own_votes = OwnVotes(state, self.votes_of_others)
        self._lost = LostLog(state)
        self._recaller = Recaller(state, RECALL_TIMER, self._own_votes, self._lost)
        self._restorer = Restorer(state, self._view_changes, self.votes_of_others, self._lost)
        self._votes: dict[type[Message], Callable[[Now, Received, Any], list[Effect]]] = {
            PrePrepare: self._ordering.on_pre_prepare,
            Prepare: self._ordering.on_prepare,
            Commit: self._ordering.on_commit,
        }
        self._others: dict[type[Message], Callable[[Now, Received, Any], list[Effect]]] = {
            Suspect: self._on_suspect,
            ViewChange: self._on_view_change,
            NewView: self._on_new_view,
            Ask: self._retransmission.on_ask,
            Told: self._on_told,
            Decision: self._ordering.on_decision,
            FetchBody: self._bodies.on_fetch_body,
            Body: self._on_body,
            Recall: self._recaller.on_recall,
            Recalled: self._on_recalled,
        }

    @property
    def view(self) -> int:
        """The view entered; one that is only wanted may never come."""
        return self.state.view

    @property
    def leader(self) -> NodeId:
        return self.state.leader

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        match event:
            case Received():
                effects = self._on_received(now, event)
            case Available():
                effects = self._leading.try_propose(now)
            case Executed(height, _, epoch):
                effects = self._on_executed(now, height, epoch)
            case Stable():
                effects = self._on_stable(now, event)
            case Expired(timer):
                effects = self._on_expired(now, timer)
            case Started(records, lost_key):
                effects = self._on_started(now, records, lost_key)
            case _:
                return []
        effects.extend(self._after(now))
        return self.state.audible(effects)

    # --- events -------------------------------------------------------------------------------------------------

    def _on_started(self, now: Now, records: tuple[bytes, ...], lost_key: bytes | None) -> list[Effect]:
        self._lost.is_lost = lost_key is not None
        effects = self._restorer.restore(records)
        self._recaller.logged_epoch = self._restorer.last_epoch
        self._own_votes.read_back()
        self._progress.restart(now)
        if not self.state.is_member:
            effects.append(Note("removed", {"epoch": self.state.epoch.number}))
        effects.extend(self._recaller.begin(now))
        if self.state.is_recalled:
            effects.extend(self._resume(now))
        return effects

    def _resume(self, now: Now) -> list[Effect]:
        """Voting begins: say again what our log holds (signed anew, byte for byte the same), then go on."""
        state = self.state
        effects: list[Effect] = []
        if not state.is_changing:
            for slot in state.log.above(state.stable):
                if slot.prepare_view == state.view:
                    vote = (state.view, slot.height, slot.digest)
                    if state.is_leader:
                        body = slot.body(slot.digest) if slot.height > state.decided else None
                        effects.append(state.say(PrePrepare(*vote), body or b""))
                    else:
                        effects.append(state.say(Prepare(*vote)))
                    if slot.commit_view == state.view:
                        effects.append(state.say(Commit(*vote)))
        effects.extend(self._view_changes.say_again())
        effects.extend(self._suspicions.try_follow(now))
        if not state.is_changing:
            effects.extend(self._leading.order_again(now) if state.is_leader else [])
            effects.extend(self._ordering.advance_all(now))
            effects.extend(self._leading.try_propose(now))
        return effects

    def _on_executed(self, now: Now, height: int, epoch: Epoch) -> list[Effect]:
        state = self.state
        state.head = max(state.head, height)
        if epoch.number > state.epoch.number:
            return self._enter_epoch(now, epoch)
        if height <= state.decided:
            return self._ordering.on_head(now)
        state.decided = height
        state.log.drop(state.floor)
        effects = [*self._ordering.try_decide(now), *self._leading.try_propose(now)]
        return [*effects, *self._ordering.on_head(now)]

    def _enter_epoch(self, now: Now, epoch: Epoch) -> list[Effect]:
        """New members decide from here on; views start at 0, nothing of the old epoch is open. What others said in the
        new epoch while we were still in the old one is heard now; what our own log says of it, first."""
        state = self.state
        before = state.epoch
        state.enter_epoch(epoch)
        self._view_changes.clear()
        self._suspicions.clear()
        self._retransmission.clear()
        state.pool.release()
        begins: list[Effect] = [persist(ViewRecord(FORMAT, epoch.number, 0, 0), None)]
        if self._restorer.enter(epoch.number):  # we were in it before our ledger was lost
            begins = []
            self._own_votes.read_back()
        effects: list[Effect] = [
            *begins,
            CancelTimer(NEW_VIEW_TIMER),
            *self._progress.clear(now),
            *epoch_notes(state.me, before, epoch),
            *self._recaller.on_epoch(now, before),
            *self._leading.try_propose(now),
        ]
        for event in self._next_epoch.take(epoch.number):
            effects.extend(self._on_received(now, event))
        return effects

    def _on_stable(self, now: Now, event: Stable) -> list[Effect]:
        """The window moves: sealed heights are forgotten, held votes above become ours to answer."""
        state = self.state
        if event.height <= state.stable:
            return []
        state.stable, state.seal = event.height, event.seal
        regained = self._recaller.on_stable()  # looks at what is dropped next
        state.log.drop(state.floor)
        self._bodies.forget(state.floor)
        kept_until = event.height + 1  # so the next one takes its place
        sealed = persist(SealedRecord(FORMAT, state.epoch.number, event.height), kept_until)
        effects: list[Effect] = [sealed, *self._view_changes.on_stable(), *regained]
        if regained:
            self._progress.restart(now)
            return [*effects, *self._resume(now)]
        if event.height == state.epoch.first_height - 1:  # the epoch begins
            self._progress.restart(now)
        effects.extend(self._suspicions.try_follow(now))
        if state.is_leader:
            effects.extend(self._leading.order_again(now))
        return [*effects, *self._ordering.advance_all(now), *self._leading.try_propose(now)]

    def _on_expired(self, now: Now, timer: tuple[str, ...]) -> list[Effect]:
        if timer == PROGRESS_TIMER:
            return self._progress.on_timer(now)
        if timer == RETRANSMIT_TIMER:
            return self._retransmission.timer.on_timer(now)
        if timer == NEW_VIEW_TIMER:
            is_overdue = self._view_changes.is_overdue
            return self._suspicions.suspect(now, self.state.wanted, "no new view") if is_overdue else []
        if timer == BATCH_TIMER:
            return self._leading.try_propose(now)
        assert timer == RECALL_TIMER, timer
        return self._recaller.on_timer(now)

    # --- messages -----------------------------------------------------------------------------------------------

    def _on_received(self, now: Now, event: Received) -> list[Effect]:
        kind = type(event.message)
        on_vote = self._votes.get(kind)
        if on_vote is not None:
            return self._on_vote(now, event, on_vote)
        on_other = self._others.get(kind)
        if on_other is None:
            return self.state.rejected("not a PBFT message", event)
        fault = shape_fault(event.message)
        if fault is not None:
            return self.state.rejected(fault, event)
        return on_other(now, event, event.message)

    def _on_vote(
        self, now: Now, event: Received, on_vote: Callable[[Now, Received, Any], list[Effect]]
    ) -> list[Effect]:
        """PRE-PREPARE, PREPARE, COMMIT: of a validator of the epoch that they are signed in, which is that of their
        height and ours; of the next one they are kept until we enter it, of one that is over they say nothing."""
        state = self.state
        vote: Any = event.message
        is_ours = event.epoch == state.epoch.number
        epoch = state.epoch if is_ours else state.epochs.number(event.epoch)
        fault = vote_fault(vote)
        if fault is None and (epoch is None or not epoch.is_validator(event.sender)):
            fault = "not a validator"
        if fault is None and is_ours and state.epochs.at(vote.height).number != event.epoch:
            fault = "signed in another epoch than that of its height"
        if fault is not None:
            return state.rejected(fault, event)
        if not is_ours:
            self._next_epoch.keep(event, state)
            return []
        self.votes_of_others.note(event.signed, vote, event.epoch)
        effects: list[Effect] = []
        if vote.view > state.view:
            effects = self._retransmission.note_view(now, event, vote.view)
        if vote.height > state.last_height:
            self._retransmission.note_height(event.sender, vote.height)
        effects.extend(on_vote(now, event, vote))
        return effects

    def _on_suspect(self, now: Now, event: Received, message: Suspect) -> list[Effect]:
        """Of a validator, in our epoch. Who suspects the leader of a view that is over here missed our NEW-VIEW."""
        state = self.state
        if event.epoch != state.epoch.number:
            return []
        if not state.epoch.is_validator(event.sender):
            return state.rejected("not a validator", event)
        if message.view < state.view:
            return self._retransmission.help_into_view(now, event)
        return self._suspicions.on_suspect(now, event, message)

    def _on_view_change(self, now: Now, event: Received, message: ViewChange) -> list[Effect]:
        state = self.state
        if event.epoch != state.epoch.number:
            return []
        if not state.epoch.is_validator(event.sender):
            return state.rejected("not a validator", event)
        if len(event.signed.body) <= VIEW_CHANGE_BYTES + CLAIM_BYTES * state.span * (state.epoch.n + 2):
            self.votes_of_others.note(
                event.signed, message, event.epoch
            )  # remembered to be told again: never more than needed
        if message.view <= state.view:
            return self._retransmission.help_into_view(now, event)
        effects = self._view_changes.on_view_change(now, event, message)
        return [*effects, *self._suspicions.on_view_change(now, event, message)]

    def _on_new_view(self, now: Now, event: Received, message: NewView) -> list[Effect]:
        if event.epoch != self.state.epoch.number:
            return []
        effects = self._view_changes.on_new_view(now, event, message)
        return [*effects, *self._suspicions.try_follow(now)] if effects else []

    def _on_told(self, now: Now, event: Received, answer: Told) -> list[Effect]:
        effects, statements = self._retransmission.on_told(now, event, answer)
        for inner in statements:
            effects.extend(self._on_received(now, inner))
        return effects

    def _on_body(self, now: Now, event: Received, answer: Body) -> list[Effect]:
        slot = self._bodies.on_body(event, answer) if answer.receiver == self.state.me else None
        if slot is None:
            return []
        state = self.state
        order = state.opening.orders.get(slot.height)
        body = None if order is None or slot.height <= state.decided else slot.body(order.digest)
        if body:
            state.pool.order(body)  # ordered by the NEW-VIEW: not to be proposed again
        return [*self._ordering.advance(now, slot), *self._leading.try_propose(now)]

    def _on_recalled(self, now: Now, event: Received, answer: Recalled) -> list[Effect]:
        was_recalled = self.state.is_recalled
        effects = self._recaller.on_recalled(now, event, answer)
        if self.state.is_recalled and not was_recalled:
            self._progress.restart(now)
            effects.extend(self._resume(now))
        return effects

    # --- after every step ---------------------------------------------------------------------------------------

    def _after(self, now: Now) -> list[Effect]:
        """Notice progress and new views; timers run while there may be work, else not."""
        state = self.state
        effects: list[Effect] = []
        if self._progress.has_moved(now):
            effects = [
                *self._progress.slowness(now),
                *self._progress.on_move(now),
                *self._retransmission.timer.hasten(),
            ]
        if self._progress.is_watching and self._retransmission.timer.is_armed:
            return effects
        is_open = state.is_changing or state.is_filling
        if is_open or state.pool.unexecuted > 0 or state.log.highest > state.decided:
            effects += [*self._retransmission.timer.arm(), *self._progress.try_watch(now)]
        return effects
