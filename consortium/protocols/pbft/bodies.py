"""Batches that we know by digest only: fetched from those whose signatures say that they hold them."""

from __future__ import annotations

from consortium.core.machine import Effect, Now, Received
from consortium.core.membership import NodeId
from consortium.core.transaction import batch_digest
from consortium.protocols.common.holders import Holders
from consortium.protocols.common.rate_limit import RateLimit
from consortium.protocols.pbft.messages import Body, FetchBody
from consortium.protocols.pbft.replica_state import ReplicaState
from consortium.protocols.pbft.slot import Slot

EARLY_BYTES_MAX = 16_000_000  # of batches that come before their heights can be in flight here


class Bodies:
    """Nothing is asked for that no slot wants, and nothing kept that does not match its digest. A leader may order far
    ahead of what we have decided: its batches are held within a bound, and those beyond it fetched later."""

    def __init__(self, state: ReplicaState) -> None:
        self._state = state
        self._asked: Holders[int] = Holders()  # by height
        parameters = state.parameters
        self._answers_left = RateLimit(2 * parameters.window, parameters.timer_base_us)

    def has_room(self, slot: Slot, size: int) -> bool:
        """Whether a batch of so many bytes may be held for this height now."""
        near = self._state.decided + self._state.parameters.batches_in_flight
        if slot.height <= near:
            return True
        held = sum(len(body) for early in self._state.log.above(near) for body in early.bodies.values())
        return held + size <= EARLY_BYTES_MAX

    def missing(self, slot: Slot) -> bytes | None:
        """The digest whose body this slot needs next; None = nothing is missing. A decision comes first."""
        if slot.height <= self._state.decided:
            return None
        decided = slot.decided_digest
        if decided is not None:
            return decided if slot.body(decided) is None else None
        if slot.view == self._state.view and slot.body(slot.digest) is None:
            return slot.digest
        return None

    def fetch(self, now: Now, slot: Slot) -> list[Effect]:
        """Ask the next two holders; each call goes on where the last one stopped."""
        digest = self.missing(slot)
        if digest is not None and not self.has_room(slot, self._state.parameters.batch_bytes_max):
            return []
        holders = [] if digest is None else self._holders(slot, digest)
        if digest is None or not holders:
            return []
        state = self._state
        chosen = self._asked.next(slot.height, holders)
        return [state.tell(name, FetchBody(name, state.nonce(now), slot.height, digest)) for name in chosen]

    def forget(self, height: int) -> None:
        self._asked.forget(lambda known: known <= height)

    def on_fetch_body(self, now: Now, event: Received, request: FetchBody) -> list[Effect]:
        """Answered with the batch if we hold it and the asker still has answers left in this period."""
        state = self._state
        slot = state.log.get(request.height)
        body = None if slot is None else slot.bodies.get(request.digest)
        if request.receiver != state.me or body is None or event.sender == state.me:
            return []
        if not self._answers_left.spend(now, event.sender):
            return []
        return [state.answer(event, Body(event.sender, request.nonce, request.height, request.digest), body)]

    def on_body(self, event: Received, answer: Body) -> Slot | None:
        """The slot whose missing body this is; None if it is not. Content decides, not who sent it."""
        slot = self._state.log.get(answer.height)
        if slot is None or self.missing(slot) != answer.digest or batch_digest(event.attachment) != answer.digest:
            return None
        if not self.has_room(slot, len(event.attachment)):
            return None
        slot.keep(answer.digest, event.attachment)
        return slot

    def _holders(self, slot: Slot, digest: bytes) -> list[NodeId]:
        """Signers of the order's certificate, of the commit certificate, and of matching votes; the leader last, for it
        may be the one who withholds."""
        state = self._state
        names: dict[NodeId, None] = {}
        order = state.opening.orders.get(slot.height)
        if order is not None and order.digest == digest:
            names.update(dict.fromkeys(order.holders))
        if slot.certificate is not None and slot.decided_digest == digest:
            names.update(dict.fromkeys(name for name, _ in slot.certificate.signatures))
        names.update(dict.fromkeys(slot.prepares.voters(slot.view, digest)))
        if slot.digest == digest:
            names[state.leader] = None
        return [name for name in names if name != state.me]
