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

    def __init__(self, standing: ReplicaState, chain: Chain) -> None:
        self._standing = standing
        self._chain = chain
        self._timeouts: dict[NodeId, tuple[int, Signed]] = {}
        self._eased_term = -1  # in which T was shortened last
        self._eased_decided = standing.decided

    def clear(self) -> None:
        self._timeouts.clear()

    # --- leaving a view -----------------------------------------------------------------------------------------

    def leave(self, view: int, why: str) -> list[Effect]:
        """Durable before it is said: no ballot in this view or an earlier one any more."""
        standing = self._standing
        if view <= standing.timed or not standing.may_vote:
            return []
        standing.timed = view
        high = None if standing.high is None else standing.high.certificate
        record = TimeoutRecord(FORMAT, standing.epoch.number, view, high)
        kept = standing.decided + 2 * standing.parameters.window
        note = Note("view_change", {"view": next_term(view), "why": why})
        return [persist(record, kept), *self.say_again(), note]

    def say_again(self) -> list[Effect]:
        """Our TIMEOUT, with the newest QC of today; signed anew, byte for byte the same."""
        standing = self._standing
        if standing.timed < standing.view:
            return []
        attachment = b"" if standing.high is None else encode(standing.high.certificate)
        return [standing.say(Timeout(standing.timed), attachment)]

    def on_timeout(self, now: Now, event: Received, message: Timeout) -> list[Effect]:
        """Counted once a validator, in its newest view, if the QC that came with it is sound."""
        standing = self._standing
        effects: list[Effect] = []
        if event.attachment:
            try:
                certificate = CERTIFICATE.decode(event.attachment)
                if standing.high is None or certificate != standing.high.certificate:
                    effects = self._chain.learn(open_quorum(certificate, standing.epoch, standing.verifier))
            except Malformed as error:
                return standing.rejected(error, event)
        held = self._timeouts.get(event.sender)
        if held is None or held[0] < message.view:
            self._timeouts[event.sender] = (message.view, event.signed)
        effects.extend(self.follow_high(now))
        effects.extend(self._try_end(now, message.view))
        return [*effects, *self.try_join()]

    def _try_end(self, now: Now, view: int) -> list[Effect]:
        """A quorum left this view: its term is over."""
        standing = self._standing
        if view < standing.view:
            return []
        those = sorted((name, signed) for name, (left, signed) in self._timeouts.items() if left == view)
        if len(those) < standing.epoch.quorum:
            return []
        signatures = tuple((name, signed.signature) for name, signed in those)
        return self.learn_timeouts(now, view, Certificate(those[0][1].body, signatures))

    def try_join(self) -> list[Effect]:
        """f+1 members left our view or later ones: one of them is honest; leave the lowest of those."""
        standing = self._standing
        left = sorted((view for view, _ in self._timeouts.values() if view >= standing.view), reverse=True)
        weak = standing.epoch.weak
        if len(left) < weak:
            return []
        return self.leave(left[weak - 1], "others want it")

    # --- entering one -------------------------------------------------------------------------------------------

    def learn_timeouts(self, now: Now, left: int, certificate: Certificate) -> list[Effect]:
        """A sound certificate of TIMEOUTs: into the next term."""
        standing = self._standing
        view = next_term(left)
        if view <= standing.view:
            return []
        standing.attempts += 1
        effects = self._enter(view)
        standing.timeouts = certificate
        standing.refly()
        return effects

    def learn_certificate(self, now: Now, certificate: Certificate) -> list[Effect]:
        """TIMEOUTs of others, from whoever passes them on. Raises Malformed."""
        standing = self._standing
        return self.learn_timeouts(now, open_timeouts(certificate, standing.epoch, standing.verifier), certificate)

    def follow_high(self, now: Now) -> list[Effect]:
        """The view after the newest QC's, if we are not beyond it."""
        standing = self._standing
        view = standing.high_view + 1
        if view <= standing.view:
            return []
        effects = self._enter(view, "term")
        standing.timeouts = None
        return effects

    def _enter(self, view: int, kind: str = "new_view") -> list[Effect]:
        """`kind` of the note where another leads now: a `term` that came in its turn, a `new_view` after TIMEOUTs."""
        standing = self._standing
        before, standing.view = standing.view, view
        standing.pending = standing.pending_signed = None
        if before // TERM_VIEWS == view // TERM_VIEWS:
            return []
        return [Note(kind, {"view": view, "leader": standing.leader})]

    def ease(self) -> None:
        """Something was decided: T comes back to its base by halves, a half a term. A term that only just works keeps
        the longer timer; one dead leader in each round does not make it grow for ever."""
        standing = self._standing
        term = standing.view // TERM_VIEWS
        if standing.decided > self._eased_decided and term != self._eased_term:
            self._eased_term = term
            standing.attempts = max(0, standing.attempts - 1)
        self._eased_decided = standing.decided
