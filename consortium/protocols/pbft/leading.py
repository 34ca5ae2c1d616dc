"""What a leader does (paper 4.2 and 4.4): PRE-PREPARE for a new batch, and again for what a NEW-VIEW orders."""

from __future__ import annotations

from consortium.core.machine import Effect, Note, Now, SetTimer
from consortium.core.transaction import NULL_DIGEST, batch_digest, encode_batch
from consortium.protocols.common.replica_state import short
from consortium.protocols.pbft.bodies import Bodies
from consortium.protocols.pbft.messages import PrePrepare
from consortium.protocols.pbft.records import persist_accepted
from consortium.protocols.pbft.replica_state import ReplicaState

BATCH_TIMER = ("pbft", "batch")


class Leading:
    """Proposes each height once a view, in ascending order."""

    def __init__(self, state: ReplicaState, bodies: Bodies) -> None:
        self._state = state
        self._bodies = bodies
        self._batch_since_us: int | None = None  # since when a small batch waits to fill

    # --- a new batch --------------------------------------------------------------------------------------------

    def try_propose(self, now: Now) -> list[Effect]:
        """As the leader: propose while there is work, fewer than `batches_in_flight` of our heights are undecided, and
        the height is below the high watermark. With others in flight, a small batch waits up to `batch_delay_us`. Where
        nothing waits but a change of members, heights are filled with empty batches up to its activation."""
        state = self._state
        effects: list[Effect] = []
        while state.is_leader and state.may_vote and not self._lacks_body():
            height = max(state.next_height, state.decided + 1)
            if height <= state.sealed_elsewhere:
                break  # it is decided elsewhere
            if state.pool.waiting == 0 and height > state.epochs.reach:
                break
            in_flight = height - state.decided - 1
            if in_flight >= state.parameters.batches_in_flight or not state.is_votable(height):
                break
            if in_flight and self._is_worth_waiting(now):
                effects.extend(self._wait_for_batch(now))
                break
            batch = self._propose(now, height)
            if not batch:
                break
            effects.extend(batch)
        return effects

    def _lacks_body(self) -> bool:
        """Whether a batch that the NEW-VIEW orders is not here yet. What is in it may wait in our pool as well, and
        would be ordered twice; and nothing above it is executed before it anyhow."""
        state = self._state
        if state.decided >= state.opening.last_height:
            return False
        for height, order in state.opening.orders.items():
            slot = state.log.get(height)
            if height > state.decided and (slot is None or slot.body(order.digest) is None):
                return True
        return False

    def _is_worth_waiting(self, now: Now) -> bool:
        parameters = self._state.parameters
        if parameters.batch_delay_us <= 0 or self._state.pool.waiting >= parameters.batch_transactions_max:
            return False
        return self._batch_since_us is None or now.monotonic_us - self._batch_since_us < parameters.batch_delay_us

    def _wait_for_batch(self, now: Now) -> list[Effect]:
        if self._batch_since_us is not None:
            return []
        self._batch_since_us = now.monotonic_us
        return [SetTimer(BATCH_TIMER, self._state.parameters.batch_delay_us)]

    def _propose(self, now: Now, height: int) -> list[Effect]:
        """Body and order durable, then PRE-PREPARE with the batch attached."""
        state = self._state
        waiting = state.pool.waiting
        batch = state.pool.take(now)
        if batch is None and height <= state.epochs.reach:
            batch = encode_batch(now.wall_us, ())
        slot = state.slot(height)
        self._batch_since_us = None
        assert slot is not None, "a votable height has a slot"
        if batch is None:
            return []
        digest = batch_digest(batch)
        state.next_height = height + 1
        slot.view, slot.digest, slot.pre_prepare, slot.ordered_us = state.view, digest, None, now.monotonic_us
        slot.keep(digest, batch)
        fields = {
            "view": state.view,
            "height": height,
            "digest": short(digest),
            "transactions": waiting - state.pool.waiting,
            "bytes": len(batch),
        }
        order = state.say(PrePrepare(state.view, height, digest), batch)
        return [persist_accepted(state.epoch.number, slot, batch), order, Note("proposed", fields)]

    # --- a new view ---------------------------------------------------------------------------------------------

    def enter_view(self) -> None:
        """Whoever leads: the heights that are free begin above what the NEW-VIEW orders."""
        state = self._state
        state.next_height = max(state.opening.last_height, state.decided) + 1
        self._batch_since_us = None

    def order_again(self, now: Now) -> list[Effect]:
        """As the leader: PRE-PREPARE for every order of the NEW-VIEW that we have not said yet and may, without bodies:
        backups hold or fetch them."""
        state = self._state
        effects: list[Effect] = []
        for height, order in state.opening.orders.items():
            slot = state.slot(height)
            if slot is None or slot.prepare_view >= state.view or slot.decided_digest not in (None, order.digest):
                continue
            if not state.may_vote or not state.is_votable(height):
                continue
            slot.view, slot.digest, slot.pre_prepare, slot.ordered_us = state.view, order.digest, None, now.monotonic_us
            effects.append(persist_accepted(state.epoch.number, slot, slot.body(order.digest)))
            effects.append(state.say(PrePrepare(state.view, height, order.digest)))
            effects.extend(self._bodies.fetch(now, slot))
            if order.digest == NULL_DIGEST:
                effects.append(Note("null", {"view": state.view, "height": height}))
        return effects
