"""The boot rule: votes must survive. After every boot we ask what the others remember of us before we vote again.

A disk may be lost or rolled back. A node votes again once quorum−1 other members showed no vote of it that its own log
lacks; one newer vote makes it an observer, until it gets a new voting key in a new epoch. Where the log itself was
damaged nobody's answer helps. Where only the ledger was lost, the node votes once it has caught up to its own log.
"""

from __future__ import annotations

from typing import Any, Protocol

from consortium.core.codec import Malformed
from consortium.core.machine import CancelTimer, Effect, Note, Now, Received, SetTimer
from consortium.core.membership import Epoch, NodeId
from consortium.core.messages import Message, Signed
from consortium.protocols.common.rate_limit import RateLimit
from consortium.protocols.common.replica_state import CommonState

NONCES_MAX = 1_024


class OwnVotes(Protocol):
    """What only the protocol knows: how its questions look, and which votes its own log covers."""

    @property
    def votes_max(self) -> int:
        """How many votes an honest answer may hold."""
        ...

    @property
    def is_caught_up(self) -> bool:
        """Whether our ledger has come to where our log begins."""
        ...

    def question(self, nonce: bytes) -> Message: ...

    def answer(self, event: Received, nonce: bytes) -> Message:
        """What we remember of the sender of this request."""
        ...

    def is_newer(self, signed: Signed) -> bool:
        """Whether this is a vote of ours that the log read at boot does not cover."""
        ...

    def learn(self, now: Now, event: Received, answer: Any) -> list[Effect]:
        """What else an answer proves. Raises Malformed where it proves nothing: the answer then does not count."""
        ...

    def begin(self) -> None:
        """The last answer that was needed is here: from now on we vote."""
        ...


class Recaller:
    """Asks after a boot, and answers those who ask. `name` is that of its timer."""

    def __init__(self, state: CommonState, name: tuple[str, ...], own: OwnVotes) -> None:
        self._state = state
        self._name = name
        self._own = own
        self._nonces: list[bytes] = []
        self._answers: dict[NodeId, None] = {}
        self._delay_us = max(1, state.parameters.timer_base_us // 8)
        self._asks_back = RateLimit(1, self._delay_us)
        self._answers_left = RateLimit(4, self._delay_us)  # an honest node asks once in this time
        self.logged_epoch = -1  # the newest that our log has votes of, if our ledger has yet to come to it
        self.is_observing = False

    # --- asking -------------------------------------------------------------------------------------------------

    def begin(self, now: Now, lost_key: bytes = b"") -> list[Effect]:
        """Right after the log was read back: `state` is what our own log says, without votes of `lost_key`."""
        state = self._state
        if not state.epoch.is_validator(state.me):
            return []
        if lost_key and state.epoch.key(state.me, "vote") == lost_key:
            return self._observe("the log of our votes was damaged", state.me)
        if (state.epoch.quorum == 1 or state.context.is_recalled) and state.epoch.number >= self.logged_epoch:
            state.is_recalled = True
            return []
        return self._ask(now)

    def on_epoch(self, now: Now, before: Epoch) -> list[Effect]:
        """The epoch of `state` was entered from `before`. A member that becomes a validator, or has a new voting key,
        asks before it votes; a new key ends observing, for nothing was ever signed with it. A member that was recalled
        before goes on."""
        state = self._state
        me = state.me
        is_new_key = state.epoch.key(me, "vote") != before.key(me, "vote")
        if not state.epoch.is_validator(me):
            state.is_recalled = False
            return [CancelTimer(self._name)] if before.is_validator(me) else []
        if before.is_validator(me) and not is_new_key and (state.is_recalled or self.is_observing):
            return []
        state.is_recalled = self.is_observing = False
        self._answers.clear()
        if state.epoch.quorum == 1:
            state.is_recalled = True
            return []
        return self._ask(now)

    def _ask(self, now: Now) -> list[Effect]:
        return [self._state.say(self._own.question(self._new_nonce(now))), SetTimer(self._name, self._delay_us)]

    def _new_nonce(self, now: Now) -> bytes:
        nonce = self._state.nonce(now)
        self._nonces = [*self._nonces, nonce][-NONCES_MAX:]
        return nonce

    def on_timer(self, now: Now) -> list[Effect]:
        """Answers are missing: ask again, with back-off up to 2 T."""
        if self._state.is_recalled or self.is_observing:
            return []
        self._delay_us = min(2 * self._delay_us, 2 * self._state.parameters.timer_base_us)
        return self._ask(now)

    # --- messages -----------------------------------------------------------------------------------------------

    def on_recall(self, now: Now, event: Received, request: Any) -> list[Effect]:
        """Every validator answers, also while it recalls itself: else a consortium that stopped would never start. A
        node that still waits for answers asks back, for the asker has only just come up."""
        state = self._state
        asked_in = state.epochs.number(event.epoch)
        if event.sender == state.me or asked_in is None or not asked_in.is_validator(state.me):
            return []
        if not self._answers_left.spend(now, event.sender):
            return []
        effects: list[Effect] = [state.answer(event, self._own.answer(event, request.nonce))]
        is_waiting = bool(self._nonces) and not state.is_recalled and not self.is_observing
        if is_waiting and event.sender not in self._answers and self._asks_back.spend(now, event.sender):
            effects.append(state.answer(event, self._own.question(self._new_nonce(now))))
        return effects

    def on_recalled(self, now: Now, event: Received, answer: Any) -> list[Effect]:
        """Counted once a validator, only for a nonce of this boot. Sets `is_recalled` with the last answer needed."""
        state = self._state
        if not state.epoch.is_validator(event.sender):
            return []  # an observer answers too: it does not count
        if state.is_recalled or self.is_observing or event.sender == state.me:
            return []
        if answer.receiver != state.me or answer.nonce not in self._nonces:
            return []
        if state.epoch.number < self.logged_epoch:
            return []  # a ledger lost: what our log says of later epochs can be compared when it has come to them
        if any(self._own.is_newer(vote) for vote in answer.votes[: self._own.votes_max]):
            return [*self._observe("others hold votes of ours that our log lacks", event.sender), self._stop()]
        try:
            effects = self._own.learn(now, event, answer)
        except Malformed as error:
            return state.rejected(error, event)
        self._answers[event.sender] = None
        if len(self._answers) < state.epoch.quorum - 1 or not self._own.is_caught_up:
            return effects  # a ledger lost: first it must come back to where our votes were forgotten
        state.is_recalled = True
        self._own.begin()
        return [*effects, self._stop()]

    def _observe(self, why: str, shown_by: NodeId) -> list[Effect]:
        self.is_observing = True
        why = f"{why}; this node only observes until it has a new voting key"
        return [Note("observing", {"why": why, "shown_by": shown_by})]

    def _stop(self) -> Effect:
        return CancelTimer(self._name)
