"""Lost orders: a member that waits asks everybody, and whoever holds them answers. An order proves itself."""

from __future__ import annotations

from collections.abc import Callable

from consortium.core.machine import Effect, Now, Received
from consortium.core.membership import NodeId
from consortium.protocols.common.lag import behind
from consortium.protocols.common.rate_limit import RateLimit
from consortium.protocols.common.retransmit_timer import RetransmitTimer
from consortium.protocols.common.shapes import shape_fault
from consortium.protocols.solo.messages import Ask, Ordered, Recall, Recalled
from consortium.protocols.solo.state import SoloState

ASK_TIMER = ("solo", "ask")
ANSWERS_AT_ONCE = 16
ANSWER_BYTES_MAX = 4_000_000


class Asking:
    """`say_again`: what the sequencer says once more before it asks."""

    def __init__(self, state: SoloState, say_again: Callable[[], list[Effect]]) -> None:
        self._state = state
        self._orders_again = say_again
        self.timer = RetransmitTimer(state, ASK_TIMER, self._position, self.has_work, self._say_again, tries_at_once=1)
        self._answers_left = RateLimit(2, self.timer.first_us)
        self._claimed: dict[NodeId, int] = {}  # highest order beyond our own that each member told us of

    def _position(self) -> tuple[int, ...]:
        return (self._state.decided,)

    def has_work(self) -> bool:
        """Something waits that should have been ordered or heard of."""
        state = self._state
        if state.pool.unexecuted > 0 or state.is_filling:
            return True
        return max(state.orders, default=0) > state.decided or self._gap() > 0

    def claim(self, member: NodeId, height: int) -> None:
        """An order so far above us that we may not keep it."""
        self._claimed[member] = max(height, self._claimed.get(member, 0))

    def _gap(self) -> int:
        """How many heights the sequencer's orders, or what f+1 others say, are beyond us."""
        state = self._state
        claims = sorted((height for name, height in self._claimed.items() if name != state.leader), reverse=True)
        weak = state.epoch.weak
        shown = claims[weak - 1] if len(claims) >= weak else 0
        return max(self._claimed.get(state.leader, 0), shown) - state.decided

    def _say_again(self, now: Now) -> list[Effect]:
        """Nothing came since the last look: ask everybody, and let catch-up know of a gap."""
        state = self._state
        gap = self._gap()
        question = state.say(Ask(state.nonce(now), state.decided + 1))
        return [*self._orders_again(), question, *behind(state.decided + gap if gap > 0 else 0)]

    # --- answers ------------------------------------------------------------------------------------------------

    def on_ask(self, now: Now, event: Received, question: Ask) -> list[Effect]:
        """Rationed a member. Orders from that height on that we hold, as the sequencer signed them."""
        state = self._state
        if event.sender == state.me or event.epoch != state.epoch.number:
            return []
        fault = shape_fault(question)
        if fault is not None:
            return state.rejected(fault, event)
        held = [state.orders.get(question.height + step) for step in range(ANSWERS_AT_ONCE)]
        known = [(order.signed, order.batch) for order in held if order is not None and order.signed is not None]
        if not (known or state.last) or state.head < question.height or not self._answers_left.spend(now, event.sender):
            return []
        effects: list[Effect] = []
        size = 0
        for signed, batch in known:
            size += len(batch)
            if size > ANSWER_BYTES_MAX and effects:
                break
            effects.append(state.answer(event, Ordered(event.sender, question.nonce, signed), batch))
        if not effects and state.last is not None:
            effects.append(state.answer(event, Ordered(event.sender, question.nonce, state.last)))
        return effects

    def on_recall(self, now: Now, event: Received, request: Recall) -> list[Effect]:
        """Rationed with the other answers. The highest order that we hold."""
        state = self._state
        is_asked = event.sender != state.me and shape_fault(request) is None
        if not is_asked or not self._answers_left.spend(now, event.sender):
            return []
        return [state.answer(event, Recalled(event.sender, request.nonce, state.last))]
