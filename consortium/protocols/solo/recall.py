"""The sequencer's boot rule: it asks what the others hold of its orders before it orders again.

It is trusted, so half of the others and one are enough. Nobody else ever asks.
"""

from __future__ import annotations

from consortium.core.codec import Malformed
from consortium.core.machine import Effect, Note, Now, Received, SetTimer
from consortium.core.membership import Epoch, NodeId
from consortium.core.messages import Signed
from consortium.protocols.solo.messages import Order, Recall, Recalled, sequencer
from consortium.protocols.solo.state import SoloState

RECALL_TIMER = ("solo", "recall")


class Recaller:
    """Asks once a T until enough have answered."""

    def __init__(self, state: SoloState) -> None:
        self._state = state
        self._is_observing = False
        self._answers: dict[NodeId, None] = {}
        self._nonce = b""
        self._lost_key: bytes | None = None

    def begin(self, now: Now, lost_key: bytes | None) -> list[Effect]:
        """Right after the log was read back, without orders of `lost_key`."""
        self._lost_key = lost_key
        return self._begin(now)

    def _begin(self, now: Now) -> list[Effect]:
        state = self._state
        if not state.is_sequencer:
            return []
        if self._lost_key is not None and state.epoch.key(state.me, "vote") == self._lost_key:
            return self._observe("the log of our orders is missing or was damaged", state.me)
        if state.epoch.n == 1:
            state.is_recalled = True
            return []
        self._answers.clear()
        return self.on_timer(now)

    def on_epoch(self, now: Now, before: Epoch) -> list[Effect]:
        """A sequencer that stays with the same key goes on; a new one, or one with a new key, asks first."""
        state = self._state
        is_same_key = before.key(state.me, "vote") == state.epoch.key(state.me, "vote")
        is_same = sequencer(before) == state.me and is_same_key
        if is_same and (state.is_recalled or self._is_observing):
            return []
        again: list[Effect] = [Note("votes_again", {"height": state.epoch.first_height})] if self._is_observing else []
        state.is_recalled = self._is_observing = False
        return [*again, *self._begin(now)]

    def on_timer(self, now: Now) -> list[Effect]:
        state = self._state
        if state.is_recalled or self._is_observing or not state.is_sequencer:
            return []
        self._nonce = state.nonce(now)
        return [state.say(Recall(self._nonce)), SetTimer(RECALL_TIMER, state.parameters.timer_base_us)]

    def on_recalled(self, event: Received, answer: Recalled) -> list[Effect]:
        """Half of the others and one show no order of ours that our log lacks: `is_recalled`, we go on."""
        state = self._state
        if answer.receiver != state.me or answer.nonce != self._nonce or state.is_recalled or self._is_observing:
            return []
        if not state.epoch.is_validator(event.sender):
            return []
        if answer.order is not None and self._is_lost(answer.order):
            return self._observe("others hold orders of ours that our log lacks", event.sender)
        self._answers[event.sender] = None
        state.is_recalled = len(self._answers) >= state.epoch.n // 2
        return []

    def _is_lost(self, signed: Signed) -> bool:
        """Whether this is an order of ours that the log read at boot does not cover."""
        state = self._state
        try:
            epoch, message = state.verifier.open(signed, state.epochs)
        except Malformed:
            return False
        is_ours = signed.sender == state.me and epoch == state.epoch.number
        return is_ours and isinstance(message, Order) and message.height > max(state.ordered, state.stable)

    def _observe(self, why: str, by: NodeId) -> list[Effect]:
        self._is_observing = True
        why = f"{why}; this node orders nothing until it has a new voting key"
        return [Note("observing", {"why": why, "shown_by": by})]
