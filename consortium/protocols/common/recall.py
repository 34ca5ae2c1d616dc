"""The boot rule: votes must survive. After every boot we ask what the others remember of us before we vote again.

*Our log is there and sound*: a node votes again once quorum−1 other members showed no vote of it that its own log
lacks. A disk that was rolled back looks sound, and counts as one of the f faults. Where only the ledger was lost, the
node votes once it has caught up to its own log.

*Our log is missing, damaged, or known to lack votes*: nobody's silence helps, for a member of the lost vote's quorum
need not hold that vote. The node votes again when nothing it may have signed can bind it any more (`LostLog`): when
what is decided without it has come far enough beyond, or an epoch has begun in which it cannot have signed anything.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Protocol

from consortium.core.codec import Malformed
from consortium.core.machine import CancelTimer, Effect, Note, Now, Received, SetTimer
from consortium.core.membership import Epoch, NodeId
from consortium.core.messages import Message, Signed
from consortium.protocols.common.lost_log import Bound, LostLog
from consortium.protocols.common.rate_limit import RateLimit
from consortium.protocols.common.replica_state import CommonState

NONCES_MAX = 1_024
LOST = "the log of our votes is missing or was damaged"


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

    @property
    def signed_height(self) -> int:
        """The highest height that our log, or our ledger, shows us to have signed for."""
        ...

    def question(self, nonce: bytes) -> Message: ...

    def answer(self, event: Received, nonce: bytes, signed_height: int | None) -> Message:
        """What we remember of the sender of this request, and how high we signed ourselves."""
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

    def view_bound(self, answer: Any) -> int:
        """No view above this one has a vote of ours, as far as this answer, which was learnt, can tell."""
        ...

    def is_outlived(self, bound: Bound) -> bool:
        """Whether what was decided without us, and sealed, lies so far beyond that nothing we signed can bind us."""
        ...

    def outlive(self) -> None:
        """It does: hold ourselves to what is known instead."""
        ...


class Recaller:
    """Asks after a boot, and answers those who ask. `name` is that of its timer."""

    def __init__(self, state: CommonState, name: tuple[str, ...], own: OwnVotes, lost: LostLog) -> None:
        self._state = state
        self._name = name
        self._own = own
        self._lost = lost
        self._nonces: list[bytes] = []
        self._answers: dict[NodeId, None] = {}
        self._delay_us = max(1, state.parameters.timer_base_us // 8)
        self._asks_back = RateLimit(1, self._delay_us)
        self._answers_left = RateLimit(4, self._delay_us)  # an honest node asks once in this time
        self.logged_epoch = -1  # the newest that our log has votes of, if our ledger has yet to come to it

    @property
    def is_observing(self) -> bool:
        """Votes of ours are lost that may bind us."""
        return self._lost.is_lost

    @property
    def _is_asking(self) -> bool:
        """Whether an answer is of use."""
        state, lost = self._state, self._lost
        if not self._nonces:
            return False
        if lost.is_lost:
            return lost.bound is None
        return not state.is_recalled and state.epoch.is_validator(state.me)

    # --- asking -------------------------------------------------------------------------------------------------

    def begin(self, now: Now) -> list[Effect]:
        """Right after the log was read back: `state` is what our own log says."""
        state = self._state
        if self._lost.is_lost:
            return self._begin_lost(now, is_told=False)
        if not state.epoch.is_validator(state.me):
            return []
        if (state.epoch.quorum == 1 or state.context.is_recalled) and state.epoch.number >= self.logged_epoch:
            state.is_recalled = True
            return []
        return self._ask(now)

    def on_epoch(self, now: Now, before: Epoch) -> list[Effect]:
        """The epoch of `state` was entered from `before`. A member that becomes a validator, or has a new voting key,
        asks before it votes. A member that was recalled before goes on; one whose log was lost asks the new members."""
        state = self._state
        me = state.me
        was_validator = before.is_validator(me)
        if self._lost.is_lost:
            return self._begin_lost(now, is_told=was_validator)
        if not state.epoch.is_validator(me):
            state.is_recalled = False
            return [CancelTimer(self._name)] if was_validator else []
        is_new_key = state.epoch.key(me, "vote") != before.key(me, "vote")
        if was_validator and not is_new_key and state.is_recalled:
            return []
        return self._ask_anew(now)

    def _ask_anew(self, now: Now) -> list[Effect]:
        state = self._state
        state.is_recalled = False
        self._answers.clear()
        if state.epoch.quorum == 1:
            state.is_recalled = True
            return []
        return self._ask(now)

    def _begin_lost(self, now: Now, *, is_told: bool) -> list[Effect]:
        """A boot, or a new epoch, without our votes; the sooner we ask, the lower is the bound, also where we have no
        vote yet. `is_told`: the trace has it that we observe."""
        state, lost = self._state, self._lost
        is_validator = state.epoch.is_validator(state.me)
        if lost.is_outlived_by_epoch:
            asked = self._ask_anew(now) if is_validator else []
            return [lost.regain(), _again(state.epoch.first_height), *asked]
        effects = self._observe(LOST, state.me) if is_validator and not is_told else []
        if lost.bound is not None and lost.bound.epoch == state.epoch.number:
            return effects
        lost.forget_named()
        return [*effects, *self._ask(now)]

    def _ask(self, now: Now) -> list[Effect]:
        return [self._state.say(self._own.question(self._new_nonce(now))), SetTimer(self._name, self._delay_us)]

    def _new_nonce(self, now: Now) -> bytes:
        nonce = self._state.nonce(now)
        self._nonces = [*self._nonces, nonce][-NONCES_MAX:]
        return nonce

    def on_timer(self, now: Now) -> list[Effect]:
        """Answers are missing: ask again, with back-off up to 2 T."""
        if not self._is_asking:
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
        effects: list[Effect] = [state.answer(event, self._own.answer(event, request.nonce, self._signed_height()))]
        is_wanted = self._lost.is_lost or event.sender not in self._answers
        if self._is_asking and is_wanted and self._asks_back.spend(now, event.sender):
            effects.append(state.answer(event, self._own.question(self._new_nonce(now))))
        return effects

    def _signed_height(self) -> int | None:
        """How high we signed; None where our log does not tell, or our ledger has yet to come back near to it: who asks
        would not believe it."""
        state = self._state
        if self._lost.is_lost or state.epoch.number < self.logged_epoch:
            return None
        height = self._own.signed_height
        return height if height <= state.stable + state.span else None

    def on_recalled(self, now: Now, event: Received, answer: Any) -> list[Effect]:
        """Counted once a validator, only for a nonce of this boot. Sets `is_recalled` with the last answer needed."""
        state = self._state
        if not state.epoch.is_validator(event.sender):
            return []  # an observer answers too: it does not count
        if not self._is_asking or event.sender == state.me:
            return []
        if answer.receiver != state.me or answer.nonce not in self._nonces:
            return []
        if self._lost.is_lost:
            return self._learn_bound(now, event, answer)
        if state.epoch.number < self.logged_epoch:
            return []  # a ledger lost: what our log says of later epochs can be compared when it has come to them
        if any(self._own.is_newer(vote) for vote in answer.votes[: self._own.votes_max]):
            effects = self._observe("others hold votes of ours that our log lacks", event.sender)
            return [self._lost.lose(), *effects, *self._ask(now)]
        try:
            effects = self._own.learn(now, event, answer)
        except Malformed as error:
            return state.rejected(error, event)
        self._note_sealed(answer)
        self._answers[event.sender] = None
        if len(self._answers) < state.epoch.quorum - 1 or not self._own.is_caught_up:
            return effects  # a ledger lost: first it must come back to where our votes were forgotten
        state.is_recalled = True
        self._own.begin()
        return [*effects, self._stop()]

    def _note_sealed(self, answer: Any) -> None:
        """What is sealed elsewhere is forgotten there: nobody tells us any more what we voted at those heights."""
        state = self._state
        with suppress(Malformed):  # of an epoch that we do not know yet, perhaps
            sealed = 0 if answer.seal is None else state.context.check_seal(answer.seal)
            state.sealed_elsewhere = max(state.sealed_elsewhere, sealed)

    # --- a log that is lost ---------------------------------------------------------------------------------------

    def _learn_bound(self, now: Now, event: Received, answer: Any) -> list[Effect]:
        state, lost = self._state, self._lost
        if event.epoch != state.epoch.number:
            return []  # the members of today are asked
        try:
            effects = self._own.learn(now, event, answer)
            found = lost.note(event.sender, answer, self._own.view_bound(answer), self._own.signed_height)
        except Malformed as error:
            return state.rejected(error, event)
        if not found or lost.bound is None:
            return effects
        fields = {"height": lost.bound.height, "view": lost.bound.view}
        return [*effects, *found, Note("bound", fields), self._stop()]

    def on_stable(self) -> list[Effect]:
        """A height was sealed, and nothing of it is forgotten here yet. Sets `is_recalled` if that was what a lost log
        waited for."""
        state, lost = self._state, self._lost
        if not lost.is_lost or lost.bound is None or not state.epoch.is_validator(state.me):
            return []
        if not self._own.is_outlived(lost.bound):
            return []
        state.is_recalled = True
        self._own.outlive()
        return [lost.regain(), _again(state.stable), self._stop()]

    def _observe(self, why: str, shown_by: NodeId) -> list[Effect]:
        self._state.is_recalled = False
        why = f"{why}; this node only observes until nothing that it may have signed can bind it any more"
        return [Note("observing", {"why": why, "shown_by": shown_by})]

    def _stop(self) -> Effect:
        return CancelTimer(self._name)


def _again(height: int) -> Effect:
    return Note("votes_again", {"height": height})
