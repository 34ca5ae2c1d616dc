"""The pacemaker (paper 4.4, "liveness"): who leads when, and how all come to the same view.

A view ends with its QC, and the next begins; or it is left. After T without progress while there is work a node says
TIMEOUT, and votes no more in it. f+1 members that left a view make a node leave it too; a quorum of TIMEOUTs ends the
whole term, for its leader may be down, and the next leader begins, on the newest QC that came with them.
"""

from __future__ import annotations

from consortium.core.codec import Malformed, encode
from consortium.core.machine import Effect, Note, Now, Received
from consortium.core.membership import NodeId
from consortium.core.messages import Certificate, Signed
from consortium.protocols.common.leader_timer import LeaderTimer
from consortium.protocols.common.records import FORMAT, persist
from consortium.protocols.hotstuff.certificates import TERM_VIEWS, next_term, open_quorum, open_timeouts
from consortium.protocols.hotstuff.chain import Chain
from consortium.protocols.hotstuff.messages import CERTIFICATE, Timeout
from consortium.protocols.hotstuff.records import TimeoutRecord
from consortium.protocols.hotstuff.replica_state import CurrentView, ReplicaState

PROGRESS_TIMER = ("hotstuff", "progress")


class Pacemaker:
    """One TIMEOUT a member is kept: its newest."""

    def __init__(self, state: ReplicaState, chain: Chain, timer: LeaderTimer) -> None:
        self._state = state
        self._timer = timer
        self._chain = chain
        self._timeouts: dict[NodeId, tuple[int, Signed]] = {}
        self._term = -1  # at the last look
        self._decided = state.decided  # at the last look
        self._is_eased = False  # whether T has fallen in this term
        self._ordered_us = 0  # when the proposal came of the view that ended last

    def clear(self, now: Now) -> list[Effect]:
        """A new epoch: no leader of it has failed yet."""
        self._timeouts.clear()
        self._term = -1
        return self._timer.forgive(now)

    # --- leaving a view -----------------------------------------------------------------------------------------

    def leave(self, view: int, why: str) -> list[Effect]:
        """Durable before it is said: no ballot in this view or an earlier one any more."""
        state = self._state
        if view <= state.own.timed or not state.may_vote:
            return []
        state.own.timed = view
        high = None if state.high is None else state.high.certificate
        record = TimeoutRecord(FORMAT, state.epoch.number, view, high)
        kept = state.decided + 2 * state.parameters.window
        note = Note("view_change", {"view": next_term(view), "why": why})
        return [persist(record, kept), *self.say_again(), note]

    def say_again(self) -> list[Effect]:
        """Our TIMEOUT, with the newest QC of today; signed anew, byte for byte the same."""
        state = self._state
        if state.own.timed < state.view:
            return []
        attachment = b"" if state.high is None else encode(state.high.certificate)
        return [state.say(Timeout(state.own.timed), attachment)]

    def on_timeout(self, now: Now, event: Received, message: Timeout) -> list[Effect]:
        """Counted once a validator, in its newest view, if the QC that came with it is sound."""
        state = self._state
        effects: list[Effect] = []
        if event.attachment:
            try:
                certificate = CERTIFICATE.decode(event.attachment)
                if state.high is None or certificate != state.high.certificate:
                    effects = self._chain.learn(open_quorum(certificate, state.epoch, state.verifier))
            except Malformed as error:
                return state.rejected(error, event)
        held = self._timeouts.get(event.sender)
        if held is None or held[0] < message.view:
            self._timeouts[event.sender] = (message.view, event.signed)
        effects.extend(self.follow_high(now))
        effects.extend(self._try_end(now, message.view))
        return [*effects, *self.try_join()]

    def _try_end(self, now: Now, view: int) -> list[Effect]:
        """A quorum left this view: its term is over."""
        state = self._state
        if view < state.view:
            return []
        those = sorted((name, signed) for name, (left, signed) in self._timeouts.items() if left == view)
        if len(those) < state.epoch.quorum:
            return []
        signatures = tuple((name, signed.signature) for name, signed in those)
        return self.learn_timeouts(now, view, Certificate(those[0][1].body, signatures))

    def try_join(self) -> list[Effect]:
        """f+1 members left our view or later ones: one of them is honest; leave the lowest of those."""
        state = self._state
        left = sorted((view for view, _ in self._timeouts.values() if view >= state.view), reverse=True)
        weak = state.epoch.weak
        if len(left) < weak:
            return []
        return self.leave(left[weak - 1], "others want it")

    # --- entering one -------------------------------------------------------------------------------------------

    def learn_timeouts(self, now: Now, left: int, certificate: Certificate) -> list[Effect]:
        """A sound certificate of TIMEOUTs: into the next term."""
        state = self._state
        view = next_term(left)
        if view <= state.view:
            return []
        self._timer.grow()
        effects = self._enter(view, "new_view", certificate)
        state.refly()
        return effects

    def learn_certificate(self, now: Now, certificate: Certificate) -> list[Effect]:
        """TIMEOUTs of others, from whoever passes them on. Raises Malformed."""
        state = self._state
        return self.learn_timeouts(now, open_timeouts(certificate, state.epoch, state.verifier), certificate)

    def follow_high(self, now: Now) -> list[Effect]:
        """The view after the newest QC's, if we are not beyond it."""
        state = self._state
        view = state.high_view + 1
        if view <= state.view:
            return []
        return self._enter(view, "term", None)

    def _enter(self, view: int, kind: str, timeouts: Certificate | None) -> list[Effect]:
        """`kind` of the note where another leads now: a `term` that came in its turn, a `new_view` after TIMEOUTs."""
        state = self._state
        before = state.view
        self._ordered_us = state.current.proposed_us
        state.current = CurrentView(view, timeouts)
        if before // TERM_VIEWS == view // TERM_VIEWS:
            return []
        return [Note(kind, {"view": view, "leader": state.leader})]

    # --- the leader's timer -------------------------------------------------------------------------------------

    def restart(self, now: Now) -> None:
        """The leader could do nothing until now."""
        self._timer.restart(now)

    @property
    def is_watching(self) -> bool:
        return self._timer.is_armed

    def has_moved(self, now: Now) -> bool:
        """Whether the view or the decided height is another than at the last look."""
        state = self._state
        return self._timer.has_moved(now, (state.epoch.number, state.view, state.decided))

    def slowness(self, now: Now) -> list[Effect]:
        """A note where the leader whose view a QC has just ended was slow with it."""
        state = self._state
        if state.high_view + 1 != state.view or state.high_view < 0:
            return []
        return self._timer.slowness(now, state.leads(state.high_view), state.high_view)

    def on_move(self, now: Now) -> list[Effect]:
        """T falls with the first block decided in a term, as far as the slowest view of the term allows."""
        state = self._state
        before, self._decided = self._decided, state.decided
        term = state.view // TERM_VIEWS
        if term != self._term:  # what is decided in this very step, the leader before has done
            if state.current.timeouts is None and self._is_eased:
                self._timer.prove()
            self._term, self._is_eased = term, False
            self._timer.begin()
            return []
        if self._timer.is_settled or self._is_eased:
            return []
        self._timer.measure(now, self._ordered_us)
        self._is_eased = state.decided > before
        return self._timer.ease(now) if self._is_eased else []

    def has_work(self) -> bool:
        """Bundles wait, heights are to be filled, or blocks of this branch are undecided."""
        state = self._state
        return state.pool.unexecuted > 0 or state.is_filling or state.top > state.decided

    def try_watch(self, now: Now) -> list[Effect]:
        """The timer runs while there is work that the leader owes us."""
        state = self._state
        if self._timer.is_armed or not state.may_vote or not state.is_open:
            return []
        return self._timer.watch(now)

    def on_timer(self, now: Now) -> list[Effect]:
        """Leave the view if it has not ended for T while there is work."""
        state = self._state
        if self._timer.run_out(now):
            return self.try_watch(now)
        left_us = self._timer.left_us(now) if state.may_vote and state.is_open else None
        if left_us is None:
            return []
        return self.leave(state.view, "no progress") if left_us <= 0 else self._timer.watch(now)


def owed_since(state: ReplicaState) -> int | None:
    """When the oldest work reached us that the leader of our view owes us: a bundle that waits, or the proposal of this
    view that is undecided. Heights to be filled, and what came with a QC, are owed since our view began (0)."""
    found: list[int] = []
    oldest_us = state.pool.oldest_us()
    if oldest_us is not None:
        found.append(oldest_us)
    if state.top > state.decided:
        high = state.tree.get(state.high_digest)
        is_certified = high is not None and high.height > state.decided
        found.append(0 if is_certified else state.current.proposed_us)
    if state.is_filling:
        found.append(0)
    return min(found, default=None)
