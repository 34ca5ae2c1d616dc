"""The normal case (paper 4.2): PRE-PREPARE, PREPARE, COMMIT, decision. One handler a message, one `try_` a
transition; what a leader does stands in `leading`."""

from __future__ import annotations

from collections.abc import Iterable

from consortium.core.codec import Malformed
from consortium.core.machine import Behind, Decide, Effect, Note, Now, Received
from consortium.core.messages import Certificate, Signed
from consortium.core.transaction import NULL_DIGEST, batch_digest
from consortium.protocols.common.batch_judge import BatchFault, batch_fault, is_undecidable
from consortium.protocols.common.replica_state import short
from consortium.protocols.pbft.bodies import Bodies
from consortium.protocols.pbft.certificates import Plan, open_decision
from consortium.protocols.pbft.leading import Leading
from consortium.protocols.pbft.messages import Commit, Decision, Prepare, PrePrepare
from consortium.protocols.pbft.records import persist_accepted, persist_prepared, prepared_claim
from consortium.protocols.pbft.replica_state import Opening, ReplicaState
from consortium.protocols.pbft.slot import Slot


class Ordering:
    """Votes at most once a phase, view and height; decides in consecutive order."""

    def __init__(self, state: ReplicaState, bodies: Bodies, leading: Leading) -> None:
        self._state = state
        self._bodies = bodies
        self._leading = leading
        self._is_deferred = False  # an empty batch waits until we know whether its height is to be filled

    # --- messages -----------------------------------------------------------------------------------------------

    def on_pre_prepare(self, now: Now, event: Received, vote: PrePrepare) -> list[Effect]:
        """Accepted (4.2) if its sender leads that view, no other was accepted in this view at this height, and the
        height is between the watermarks; of a later view it is held, one a member. The batch is checked against the
        digest: where it does not match, the signed order stands and the batch is fetched."""
        state = self._state
        if event.sender != state.epoch.leader(vote.view):
            return state.rejected("not the leader of that view", event)
        if vote.view < state.view:
            return []
        slot = state.slot(vote.height)
        if slot is None:
            return []
        if vote.view > state.view or state.is_changing:
            held = slot.later.get(event.sender)
            if held is not None and held[0] == vote.view and held[1] != vote.digest:
                return state.equivocated(event, held[2])
            if held is None or held[0] < vote.view:
                slot.later[event.sender] = (vote.view, vote.digest, event.signed)
            return []
        effects = self._accept(now, slot, event, vote)
        if effects is not None:
            return effects
        effects = []
        if event.attachment and slot.body(vote.digest) is None:
            if len(event.attachment) > state.parameters.batch_bytes_max:
                effects = state.unattributed("the batch is too long", event)
            elif batch_digest(event.attachment) == vote.digest:
                if self._bodies.has_room(slot, len(event.attachment)):
                    slot.keep(vote.digest, event.attachment)
            else:
                effects = state.unattributed("the batch does not match its digest", event)
        return [*effects, *self.advance(now, slot)]

    def _accept(self, now: Now, slot: Slot, event: Received, vote: PrePrepare) -> list[Effect] | None:
        """Take a PRE-PREPARE of the current view as the slot's; None = accepted (or known already)."""
        state = self._state
        if slot.view == vote.view:
            if slot.digest == vote.digest:
                slot.pre_prepare = event.signed
                return None
            other = slot.pre_prepare
            return state.rejected("another order", event) if other is None else state.equivocated(event, other)
        if not self._is_permitted(vote.height, vote.digest):
            return state.rejected("not what the new view orders", event)
        slot.view, slot.digest, slot.pre_prepare = vote.view, vote.digest, event.signed
        slot.ordered_us = now.monotonic_us
        return None

    def _is_permitted(self, height: int, digest: bytes) -> bool:
        """After a NEW-VIEW its orders bind the leader (4.4); a null request stands only there."""
        state = self._state
        if height <= state.opening.last_height:
            order = state.opening.orders.get(height)
            return order is not None and order.digest == digest
        return digest != NULL_DIGEST

    def on_prepare(self, now: Now, event: Received, vote: Prepare) -> list[Effect]:
        """Counted (4.2) once a sender in its newest view, never the leader's of that view; kept also before the
        PRE-PREPARE or the NEW-VIEW has come."""
        state = self._state
        if event.sender == state.epoch.leader(vote.view):
            return state.rejected("a leader's PREPARE does not count", event)
        slot = state.slot(vote.height)
        if slot is None or vote.view < state.view:
            return []
        other = slot.prepares.conflict(event.sender, vote.view, vote.digest)
        if other is not None:
            return state.equivocated(event, other)
        count = slot.prepares.add(event.signed, vote.view, vote.digest)
        if count < state.epoch.quorum - 1:
            return []
        return self._try_prepared(slot)

    def on_commit(self, now: Now, event: Received, vote: Commit) -> list[Effect]:
        """Counted (4.2) once a sender in its newest view, of any view: a quorum in one view is a decision, whatever
        view we are in."""
        state = self._state
        slot = state.slot(vote.height)
        if slot is None:
            return []
        other = slot.commits.conflict(event.sender, vote.view, vote.digest)
        if other is not None:
            return state.equivocated(event, other)
        count = slot.commits.add(event.signed, vote.view, vote.digest)
        quorum = state.epoch.quorum
        if count < quorum or slot.certificate is not None:
            return []
        certificate = slot.commits.certificate(vote.view, vote.digest, quorum)
        return self._committed(now, slot, vote.view, vote.digest, certificate)

    def on_decision(self, now: Now, event: Received, answer: Decision) -> list[Effect]:
        """A commit certificate proves itself (4.2), whoever passes it on; its height beyond what we may keep is a
        reason to catch up."""
        state = self._state
        if answer.receiver != state.me or answer.height <= state.decided:
            return []
        try:
            commit = open_decision(answer.certificate, state.epochs, answer.height, state.verifier)
        except Malformed as error:
            if answer.height > state.head + state.parameters.window:
                return []  # of an epoch that we do not know yet, perhaps
            return state.rejected(str(error), event)
        slot = state.slot(answer.height)
        if slot is None:
            return [Behind(answer.height)]
        is_short = len(event.attachment) <= state.parameters.batch_bytes_max
        is_missing = bool(event.attachment) and is_short and slot.body(commit.digest) is None
        if is_missing and batch_digest(event.attachment) == commit.digest:
            slot.keep(commit.digest, event.attachment)
        if slot.certificate is None:
            return self._committed(now, slot, commit.view, commit.digest, answer.certificate)
        return self.try_decide(now)

    # --- transitions --------------------------------------------------------------------------------------------

    def advance(self, now: Now, slot: Slot) -> list[Effect]:
        """Everything that one slot may now do."""
        return [
            *self._try_prepare(now, slot),
            *self._try_prepared(slot),
            *self._try_commit(slot),
            *self.try_decide(now),
        ]

    def advance_all(self, now: Now) -> list[Effect]:
        effects: list[Effect] = []
        for slot in self._state.log.above(self._state.stable):
            effects.extend(self.advance(now, slot))
        return effects

    def _try_prepare(self, now: Now, slot: Slot) -> list[Effect]:
        """PREPARE (4.2) after the vote and the body are durable. What a NEW-VIEW orders was judged fit when it was
        first proposed; anything else is judged by its bytes and its time. At a height that we executed no body is
        needed: our ledger holds it."""
        state = self._state
        if slot.view != state.view or slot.prepare_view >= slot.view or slot.refused_view == slot.view:
            return []
        if not state.may_vote or state.is_leader or not state.is_votable(slot.height):
            return []
        is_ordered = slot.height <= state.opening.last_height
        if slot.height <= state.sealed_elsewhere and not is_ordered:
            return []  # nobody could tell us what we voted there before a boot
        if slot.decided_digest not in (None, slot.digest):
            slot.refused_view = slot.view
            if slot.certificate_view > slot.view:
                return []  # decided since in a later view, of which an honest leader could not know
            return [self._refusal(BatchFault("conflicts with a decision"))]
        body = slot.body(slot.digest)
        if slot.height <= state.head:
            if not is_ordered and slot.decided_digest is None:
                return []  # executed from elsewhere: we cannot tell whether this is what was decided
        elif body is None:
            return self._bodies.fetch(now, slot)
        if not is_ordered and slot.decided_digest is None:
            assert body is not None
            if is_undecidable(state, slot.height, body):
                self._is_deferred = True
                return []
            fault = batch_fault(state, now, slot.height, body)
            if fault is not None:
                slot.refused_view = slot.view
                return [self._refusal(fault)]
        if body and slot.height > state.head:
            state.pool.order(body)
        record = persist_accepted(state.epoch.number, slot, body)
        return [record, state.say(Prepare(slot.view, slot.height, slot.digest))]

    def _try_prepared(self, slot: Slot) -> list[Effect]:
        """Prepared (4.2): the leader's PRE-PREPARE and matching PREPAREs of quorum−1 other members, and the body
        here."""
        state = self._state
        if slot.view != state.view or slot.prepared_view >= slot.view or slot.pre_prepare is None:
            return []
        size = state.epoch.quorum - 1
        if state.is_changing or slot.prepares.count(slot.view, slot.digest) < size:
            return []
        if slot.height > state.head and slot.body(slot.digest) is None:
            return []
        if size == 0:  # a consortium of one: its own PRE-PREPARE is all; a commit certificate proves it to others
            return self._try_commit(slot)
        votes = slot.prepares.certificate(slot.view, slot.digest, size)
        slot.prepared = prepared_claim(state.context.keeping, slot.pre_prepare, votes)
        slot.prepared_view, slot.prepared_digest = slot.view, slot.digest
        note = Note("prepared", {"view": slot.view, "height": slot.height})
        return [note, *self._try_commit(slot)]

    def _try_commit(self, slot: Slot) -> list[Effect]:
        """COMMIT (4.2) after the prepared certificate is durable, and our own PREPARE or PRE-PREPARE was given."""
        state = self._state
        if slot.commit_view >= state.view or slot.prepare_view != state.view or not state.may_vote:
            return []
        if not state.is_votable(slot.height):
            return []
        effects: list[Effect] = []
        if state.epoch.quorum > 1:
            if slot.prepared_view != state.view or slot.prepared is None:
                return []
            place = (state.epoch.number, slot.view, slot.height, slot.prepared_digest)
            effects.append(persist_prepared(state.context.keeping, place, slot.prepared))
        slot.commit_view = state.view
        effects.append(state.say(Commit(slot.view, slot.height, slot.digest)))
        return effects

    def _committed(self, now: Now, slot: Slot, view: int, digest: bytes, certificate: Certificate) -> list[Effect]:
        """Committed: a quorum of COMMITs of one view."""
        slot.certificate, slot.certificate_view, slot.decided_digest = certificate, view, digest
        note = Note("committed", {"view": view, "height": slot.height, "digest": short(digest)})
        effects: list[Effect] = [note]
        if slot.height > self._state.decided and slot.body(digest) is None:
            effects.extend(self._bodies.fetch(now, slot))
        return [*effects, *self.try_decide(now)]

    def try_decide(self, now: Now) -> list[Effect]:
        """Hand decisions to the ledger, strictly consecutive, each with its body; then the pipeline has room."""
        state = self._state
        effects: list[Effect] = []
        while (slot := state.log.get(state.decided + 1)) is not None and slot.certificate is not None:
            if not state.is_begun:
                break
            assert slot.decided_digest is not None
            body = slot.body(slot.decided_digest)
            if body is None:
                break
            state.decided = slot.height
            batch = None if slot.decided_digest == NULL_DIGEST else body
            effects.append(Decide(slot.height, batch, slot.certificate))
        if effects:
            effects.extend(self._leading.try_propose(now))
        return effects

    def on_head(self, now: Now) -> list[Effect]:
        """A height was executed: it may have brought a change of members, whose activation waits for more heights."""
        state = self._state
        effects: list[Effect] = []
        if self._is_deferred:
            self._is_deferred = False
            effects.extend(self.advance_all(now))
        if state.is_filling:
            effects.extend(self._leading.try_propose(now))
        return effects

    # --- a new view ---------------------------------------------------------------------------------------------

    def enter_view(self, now: Now, signed: Signed, result: Plan) -> list[Effect]:
        """The orders of a NEW-VIEW that the replica has just entered (4.4): the leader says them again in this view,
        the others take what they already hold of it."""
        state = self._state
        state.opening = Opening(signed, result.orders, result.last_height)
        self._leading.enter_view()
        state.pool.release()
        for slot in state.log.above(state.head):
            order = result.orders.get(slot.height)
            body = None if order is None else slot.bodies.get(order.digest)
            if body:
                state.pool.order(body)
        effects: list[Effect] = []
        if state.is_leader:
            effects.extend(self._leading.order_again(now))
        else:
            self._take_later(state.log.above(state.stable))
        return [*effects, *self.advance_all(now), *self._leading.try_propose(now)]

    def _take_later(self, slots: Iterable[Slot]) -> None:
        state = self._state
        for slot in slots:
            held = slot.later.pop(state.leader, None)
            if held is None or held[0] < state.view:
                continue
            view, digest, signed = held
            if view > state.view:
                slot.later[state.leader] = held
            elif slot.view < view and self._is_permitted(slot.height, digest):
                slot.view, slot.digest, slot.pre_prepare, slot.ordered_us = view, digest, signed, 0

    # --- small --------------------------------------------------------------------------------------------------

    def _refusal(self, fault: BatchFault) -> Note:
        sender = self._state.leader if fault.is_leaders else ""
        return Note("rejected", {"why": fault.why[:120], "sender": sender, "message": "PrePrepare"})
