"""Lost messages: a stalled replica says its latest votes again and asks; whoever knows more answers.

An idle consortium is quiet: nothing is sent while nothing is open here. Who has left a view calls the others all the
same, more and more rarely: they are to follow. Answers carry a fresh nonce, so that no
filter of repeats swallows them; what they prove they prove by signatures, not by who sent them.
"""

from __future__ import annotations

from contextlib import suppress

from consortium.core.codec import Malformed
from consortium.core.machine import Effect, Now, Rebroadcast, Received
from consortium.core.membership import NodeId
from consortium.core.messages import Signed
from consortium.core.transaction import NULL_DIGEST
from consortium.core.verifier import Foreign
from consortium.protocols.common.lag import Lag, behind
from consortium.protocols.common.rate_limit import RateLimit
from consortium.protocols.common.retransmit_timer import RetransmitTimer
from consortium.protocols.pbft.bodies import Bodies
from consortium.protocols.pbft.messages import (
    STATEMENTS_MAX,
    Ask,
    Commit,
    Decision,
    NewView,
    Prepare,
    PrePrepare,
    Suspect,
    Told,
    ViewChange,
)
from consortium.protocols.pbft.replica_state import ReplicaState
from consortium.protocols.pbft.slot import Slot
from consortium.protocols.pbft.suspicion import Suspicions
from consortium.protocols.pbft.view_change import ViewChanges

RETRANSMIT_TIMER = ("pbft", "retransmit")
ANSWER_BYTES_MAX = 4_000_000
CALLS_MAX = 8  # of one who has left a view, one after another; then one while others go on, or each CALL_US
CALL_US = 10_000_000


class Retransmission:
    """What our timer says again, what others may ask, and what their answers and votes show."""

    def __init__(self, state: ReplicaState, bodies: Bodies, view_changes: ViewChanges, suspicions: Suspicions) -> None:
        self._state = state
        self._bodies = bodies
        self._view_changes = view_changes
        self._suspicions = suspicions
        # where we stood when we called last, how often we did there, what was decided then, and when that was
        self._called: tuple[tuple[int, ...], int, int, int] = ((), 0, 0, 0)
        self.timer = RetransmitTimer(state, RETRANSMIT_TIMER, self._position, self._must_run, self._say_again)
        self._lag = Lag(state)
        self._answers_left = RateLimit(2, self.timer.first_us)
        self._told_left = RateLimit(4, self.timer.first_us)  # an honest member answers twice in this time
        self._view_asks_left = RateLimit(1, self.timer.first_us)
        self._views: dict[NodeId, int] = {}  # newest view above ours that each member voted in
        self._heights: dict[NodeId, int] = {}  # highest height above our window that each member voted at

    @property
    def _slots_told(self) -> int:
        return 2 * self._state.parameters.batches_in_flight

    def clear(self) -> None:
        """A new epoch: views count from 0 again."""
        self._views.clear()

    # --- what votes show ----------------------------------------------------------------------------------------

    def note_view(self, now: Now, event: Received, view: int) -> list[Effect]:
        """Later-view traffic of f+1 members, or of that view's leader: ask for the NEW-VIEW that we missed, unless it
        is of a view that we left."""
        state = self._state
        if view > self._views.get(event.sender, 0):
            self._views[event.sender] = view
        if view < state.wanted:
            return []
        is_leader = event.sender == state.epoch.leader(view)
        if not is_leader and not self._is_view_missed():
            return []
        if event.sender == state.me or not self._view_asks_left.spend(now, event.sender):
            return []
        return [state.tell(event.sender, self._question(now))]

    def note_height(self, sender: NodeId, height: int) -> None:
        if height > self._heights.get(sender, 0):
            self._heights[sender] = height

    def _is_view_missed(self) -> bool:
        """Whether f+1 members voted in later views that we may still enter."""
        state = self._state
        lowest = max(state.view + 1, state.wanted)
        return sum(view >= lowest for view in self._views.values()) >= state.epoch.weak

    def _behind(self) -> int:
        """The highest height that f+1 validators or a certificate show to be decided elsewhere; 0 if none is above
        ours."""
        state = self._state
        certified = [slot.height for slot in state.log.above(state.decided + 1) if slot.certificate is not None]
        return self._lag.shown(self._voted, *certified)

    @property
    def _voted(self) -> int:
        """Sealed elsewhere, for f+1 validators voted a window above it."""
        return self._lag.shown_by_weak(self._heights) - self._state.parameters.window

    def lags(self) -> bool:
        """Whether f+1 validators or a seal show that others have executed what we lack. (A certificate above a height
        that nobody decided shows that of nobody.)"""
        return self._lag.shown(self._voted) > 0

    # --- the timer ----------------------------------------------------------------------------------------------

    def _position(self) -> tuple[int, ...]:
        """What is decided without us moves nobody who has left the view."""
        state = self._state
        moves = state.suspected if state.is_changing else state.decided
        return (state.epoch.number, state.view, state.wanted, moves)

    def _must_run(self) -> bool:
        return self._state.is_changing or self.has_open_work()

    def has_open_work(self) -> bool:
        """Whether anything is undecided here that somebody works on, or that we wait for."""
        state = self._state
        if state.pool.unexecuted > 0 or state.is_filling or self._is_view_missed() or self._behind():
            return True
        weak = state.epoch.weak
        return any(slot.has_support(weak) for slot in state.log.above(state.decided))

    def _say_again(self, now: Now) -> list[Effect]:
        """What we said of leaders; and where work is open our latest votes of undecided heights, a question to all,
        missing bodies, lag."""
        state = self._state
        effects = self._call(now) if state.is_changing else self._suspicions.say_again()
        effects.extend(self._suspicions.try_follow(now))  # where seals were missing for it, they may be here
        if not self.has_open_work():
            return effects
        for slot in self._open_slots(state.decided):
            effects.extend(Rebroadcast(signed) for signed in self._own(slot))
            effects.extend(self._bodies.fetch(now, slot))
        effects.append(state.say(self._question(now)))
        return [*effects, *behind(self._behind())]

    def _call(self, now: Now) -> list[Effect]:
        """We have left a view, and the others are to follow: a few times one after another, then while they go on
        without us or have work, then each CALL_US."""
        state = self._state
        place, own = self._position(), self._view_changes.signed()
        called_at, count, decided, called_us = self._called
        if called_at != place:
            count = 0
        is_quiet = decided == state.decided and not self.has_open_work() and now.monotonic_us - called_us < CALL_US
        if own is None or (count >= CALLS_MAX and is_quiet):
            return []
        self._called = (place, count + 1, state.decided, now.monotonic_us)
        return [Rebroadcast(own), *self._suspicions.say_again()]

    def _question(self, now: Now) -> Ask:
        state = self._state
        return Ask(state.nonce(now), state.view, state.wanted, state.decided + 1)

    def _open_slots(self, above: int) -> list[Slot]:
        """The next heights, as many as may be in flight at once."""
        slots = (self._state.log.get(height) for height in range(above + 1, above + 1 + self._slots_told))
        return [slot for slot in slots if slot is not None]

    def _own(self, slot: Slot) -> list[Signed]:
        """Our own votes; the batch is not sent again, who lacks it fetches it by digest."""
        me = self._state.me
        order = slot.pre_prepare
        found = [order if order is not None and order.sender == me else None]
        found += [slot.prepares.signed(me), slot.commits.signed(me)]
        return [signed for signed in found if signed is not None]

    # --- questions and answers ----------------------------------------------------------------------------------

    def on_ask(self, now: Now, event: Received, question: Ask) -> list[Effect]:
        """Rationed a member. Answered with decisions that the asker lacks, our NEW-VIEW if its view is older and it
        wants none above ours, and our statements on what is open; nothing if we know no more than it does."""
        state = self._state
        if event.sender == state.me:
            return []
        statements = self._statements(question)
        seal = state.seal if question.height <= state.stable else None
        knows_more = statements or seal is not None or state.head >= question.height
        if not knows_more or not self._answers_left.spend(now, event.sender):
            return []
        told = Told(event.sender, question.nonce, state.view, state.head, seal, statements)
        return [*self._decisions(event, question), state.answer(event, told)]

    def _statements(self, question: Ask) -> tuple[Signed, ...]:
        state = self._state
        found: list[Signed] = []
        if state.opening.signed is not None and question.view < state.view and question.wanted <= state.view:
            found.append(state.opening.signed)
        own = self._view_changes.signed() if state.is_changing else None
        suspicion = self._suspicions.signed if state.suspected >= question.wanted else None
        found.extend(signed for signed in (own, suspicion) if signed is not None)
        for slot in self._open_slots(question.height - 1):
            if slot.view == state.view and slot.pre_prepare is not None:
                found.append(slot.pre_prepare)
            found.extend(signed for signed in self._own(slot) if signed is not slot.pre_prepare)
        return tuple(found[:STATEMENTS_MAX])

    def _decisions(self, event: Received, question: Ask) -> list[Effect]:
        state = self._state
        effects: list[Effect] = []
        size = 0
        for slot in self._open_slots(question.height - 1):
            digest = slot.decided_digest
            body = None if digest is None else slot.body(digest)
            if slot.certificate is None or digest is None or body is None:
                continue
            size += len(body)
            if size > ANSWER_BYTES_MAX and effects:
                break
            batch = b"" if digest == NULL_DIGEST else body
            answer = Decision(event.sender, question.nonce, slot.height, digest, slot.certificate)
            effects.append(state.answer(event, answer, batch))
        return effects

    def help_into_view(self, now: Now, event: Received) -> list[Effect]:
        """A VIEW-CHANGE for a view that is over here: its sender missed our NEW-VIEW."""
        state = self._state
        if state.opening.signed is None or event.sender == state.me or not self._answers_left.spend(now, event.sender):
            return []
        told = Told(event.sender, state.nonce(now), state.view, state.head, None, (state.opening.signed,))
        return [state.answer(event, told)]

    def on_told(self, now: Now, event: Received, answer: Told) -> tuple[list[Effect], list[Received]]:
        """The statements of an answer, verified, as if they had come by themselves; a bad one is passed over, and the
        first of them noted. A seal and f+1 members' word on their heads show whether we lag; our own statements are
        ignored, for our log alone knows them. Rationed a member, and no more statements than an honest answer holds:
        each costs a signature check, and nobody need have asked."""
        state = self._state
        if answer.receiver != state.me or len(answer.statements) > STATEMENTS_MAX:
            return [], []
        if not self._told_left.spend(now, event.sender):
            return [], []
        self._lag.note_head(event.sender, answer.height)
        with suppress(Malformed):  # of an epoch that we do not know yet, perhaps
            self._lag.note_seal(answer.seal)
        effects: list[Effect] = []
        found: list[Received] = []
        for signed in answer.statements[: 3 + 3 * self._slots_told]:
            if signed.sender == state.me:
                continue
            try:
                epoch, message = state.verifier.open(signed, state.epochs)
            except Foreign:
                continue  # of one that its sender has entered and we have not, perhaps
            except Malformed as error:
                effects = effects or state.rejected(error, event)
                continue
            if isinstance(message, PrePrepare | Prepare | Commit | Suspect | ViewChange | NewView):
                found.append(Received(signed.sender, message, signed, epoch, b""))
        return effects, found
