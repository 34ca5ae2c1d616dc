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
from consortium.protocols.hotstuff.certificates import TERM_VIEWS, next_term, open_quorum, open_timeouts
from consortium.protocols.hotstuff.chain import Chain
from consortium.protocols.hotstuff.messages import CERTIFICATE, Timeout
from consortium.protocols.hotstuff.records import FORMAT, TimeoutRecord, persist
from consortium.protocols.hotstuff.replica_state import ReplicaState


class Pacemaker:
    """One TIMEOUT a member is kept: its newest."""

    def __init__(self, state: ReplicaState, chain: Chain) -> None:
        self._state = state
        self._chain = chain
        self._timeouts: dict[NodeId, tuple[int, Signed]] = {}
        self._eased_term = -1  # in which T was shortened last
        self._eased_decided = state.decided

    def clear(self) -> None:
        self._timeouts.clear()

    # --- leaving a view -----------------------------------------------------------------------------------------

    def leave(self, view: int, why: str) -> list[Effect]:
        """Durable before it is said: no ballot in this view or an earlier one any more."""
        state = self._state
        if view <= state.timed or not state.may_vote:
            return []
        state.timed = view
        high = None if state.high is None else state.high.certificate
        record = TimeoutRecord(FORMAT, state.epoch.number, view, high)
        kept = state.decided + 2 * state.parameters.window
        note = Note("view_change", {"view": next_term(view), "why": why})
        return [persist(record, kept), *self.say_again(), note]

    def say_again(self) -> list[Effect]:
        """Our TIMEOUT, with the newest QC of today; signed anew, byte for byte the same."""
        state = self._state
        if state.timed < state.view:
            return []
        attachment = b"" if state.high is None else encode(state.high.certificate)
        return [state.say(Timeout(state.timed), attachment)]

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
        state.attempts += 1
        effects = self._enter(view)
        state.timeouts = certificate
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
        effects = self._enter(view, "term")
        state.timeouts = None
        return effects

    def _enter(self, view: int, kind: str = "new_view") -> list[Effect]:
        """`kind` of the note where another leads now: a `term` that came in its turn, a `new_view` after TIMEOUTs."""
        state = self._state
        before, state.view = state.view, view
        state.pending = state.pending_signed = None
        if before // TERM_VIEWS == view // TERM_VIEWS:
            return []
        return [Note(kind, {"view": view, "leader": state.leader})]

    def ease(self) -> None:
        """Something was decided: T comes back to its base by halves, a half a term. A term that only just works keeps
        the longer timer; one dead leader in each round does not make it grow for ever."""
        state = self._state
        term = state.view // TERM_VIEWS
        if state.decided > self._eased_decided and term != self._eased_term:
            self._eased_term = term
            state.attempts = max(0, state.attempts - 1)
        self._eased_decided = state.decided
