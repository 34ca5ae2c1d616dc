"""Lost messages: a stalled replica says its latest statements again and asks; whoever knows more answers.

An idle consortium is quiet: nothing is sent while nothing is open here. Answers carry a fresh nonce, so that no
filter of repeats swallows them; what they prove they prove by signatures, not by who sent them.
"""

from __future__ import annotations

from contextlib import suppress

from consortium.core.codec import Malformed, encode
from consortium.core.machine import Effect, Now, Received
from consortium.core.membership import NodeId
from consortium.core.messages import Certificate, Signed
from consortium.protocols.common.lag import Lag, behind
from consortium.protocols.common.rate_limit import RateLimit
from consortium.protocols.common.retransmit_timer import RetransmitTimer
from consortium.protocols.hotstuff.chain import Chain
from consortium.protocols.hotstuff.fetching import Fetching, opened
from consortium.protocols.hotstuff.messages import Ask, Carried, Proposal, Told, block_digest
from consortium.protocols.hotstuff.pacemaker import Pacemaker
from consortium.protocols.hotstuff.replica_state import ReplicaState
from consortium.protocols.hotstuff.voting import Voting

RETRANSMIT_TIMER = ("hotstuff", "retransmit")


class Retransmission:
    """What our timer says again, what others may ask, and what their answers show."""

    def __init__(
        self, state: ReplicaState, chain: Chain, fetching: Fetching, pacemaker: Pacemaker, voting: Voting
    ) -> None:
        self._state = state
        self._chain = chain
        self._fetching = fetching
        self._pacemaker = pacemaker
        self._voting = voting
        self.timer = RetransmitTimer(state, RETRANSMIT_TIMER, self._position, self.has_open_work, self._say_again)
        self._lag = Lag(state)
        self._shown: dict[NodeId, int] = {}  # the view in which each member was last shown a second proposal
        self._answers_left = RateLimit(2, self.timer.first_us)
        self._told_left = RateLimit(4, self.timer.first_us)  # an honest member answers twice in this time

    # --- the timer ----------------------------------------------------------------------------------------------

    def _position(self) -> tuple[int, ...]:
        state = self._state
        return (state.epoch.number, state.view, state.own.timed, state.high_view, state.decided)

    def has_open_work(self) -> bool:
        """Whether anything is undecided here that somebody works on, or that we wait for. A view that we left is no
        such thing by itself: while nothing waits, nobody need hear of it."""
        state = self._state
        if state.pool.unexecuted > 0 or state.is_filling or self._behind():
            return True
        return state.top > state.decided or self._lacks_high()

    def _lacks_high(self) -> bool:
        state = self._state
        return state.high is not None and bool(state.decisions)

    def _behind(self) -> int:
        """The highest height that f+1 validators or a certificate show to be decided elsewhere; 0 if none is above
        ours."""
        high = self._state.high
        certified = high.height + len(high.commits) - 1 if high is not None and high.commits else 0
        return self._lag.shown(certified, *self._state.decisions)

    def _say_again(self, now: Now) -> list[Effect]:
        """Our proposal, ballot and TIMEOUT; a question to all; missing blocks; lag."""
        state = self._state
        self._fetching.again()
        state.refly()
        effects: list[Effect] = []
        if state.may_vote:
            effects += [*self._voting.proposal_again(), *self._voting.ballot_again(), *self._pacemaker.say_again()]
        heard = None if state.current.pending is None else state.current.pending.digest
        question = Ask(state.nonce(now), state.view, state.high_view + 1, state.decided + 1, heard)
        effects.append(state.say(question))
        return [*effects, *behind(self._behind())]

    # --- questions and answers ----------------------------------------------------------------------------------

    def on_ask(self, now: Now, event: Received, question: Ask) -> list[Effect]:
        """Rationed a member. Answered with the QC, the TIMEOUTs and the proposal that the asker lacks (or that is
        another than its own), the seal where it is below it, and our head; nothing if we know no more than it does."""
        state = self._state
        if event.sender == state.me:
            return []
        is_ours = event.epoch == state.epoch.number
        quorum: Certificate | None = None
        timeouts: Certificate | None = None
        proposal: Signed | None = None
        if is_ours:
            high = state.high
            quorum = high.certificate if high is not None and question.wanted <= high.view else None
            timeouts = state.current.timeouts if question.view < state.view else None
            is_lacking = question.view < state.view or question.proposal is None
            is_other = question.view == state.view and question.proposal != state.heard.digest_of(state.view)
            proposal = state.current.signed if is_lacking or (is_other and self._is_first(event.sender)) else None
        seal = state.seal if question.height <= state.stable else None
        knows_more = quorum or timeouts or proposal or seal or state.head >= question.height
        if not knows_more or not self._answers_left.spend(now, event.sender):
            return []
        return [self._told(event, question.nonce, seal, quorum, timeouts, proposal)]

    def _is_first(self, asker: NodeId) -> bool:
        """Whether this member was not shown yet that we heard another proposal in our view: once is enough to prove a
        lie, and others show it, too."""
        view = self._state.view
        shown, self._shown[asker] = self._shown.get(asker), view
        return shown != view

    def help_forward(self, now: Now, event: Received) -> list[Effect]:
        """A TIMEOUT of a view that is over here: its sender missed what ended it."""
        state = self._state
        if event.sender == state.me or not self._answers_left.spend(now, event.sender):
            return []
        quorum = None if state.high is None else state.high.certificate
        return [self._told(event, state.nonce(now), None, quorum, state.current.timeouts, state.current.signed)]

    def _told(
        self,
        event: Received,
        nonce: bytes,
        seal: Certificate | None,
        quorum: Certificate | None,
        timeouts: Certificate | None,
        proposal: Signed | None,
    ) -> Effect:
        state = self._state
        attachment = b""
        if proposal is not None and state.current.pending is not None and state.current.pending.header is not None:
            attachment = encode(Carried(state.current.pending.header, None, state.current.timeouts))
        told = Told(event.sender, nonce, state.head, seal, quorum, timeouts, proposal)
        return state.answer(event, told, attachment)

    def on_told(self, now: Now, event: Received, answer: Told) -> tuple[list[Effect], Received | None]:
        """What an answer proves; and the proposal in it, verified, as if it had come by itself. A seal and f+1 members'
        word on their heads show whether we lag. Rationed a member: each certificate costs signature checks, and nobody
        need have asked."""
        state = self._state
        if answer.receiver != state.me or not self._told_left.spend(now, event.sender):
            return [], None
        self._lag.note_head(event.sender, answer.height)
        effects: list[Effect] = []
        inner: Received | None = None
        with suppress(Malformed):  # of an epoch that we do not know yet, perhaps
            self._lag.note_seal(answer.seal)
        if event.epoch != state.epoch.number:
            return effects, None
        try:
            if answer.quorum is not None:
                effects += self._chain.learn(state.opened(answer.quorum))
                effects += self._pacemaker.follow_high(now)
            if answer.timeouts is not None:
                effects += self._pacemaker.learn_certificate(now, answer.timeouts)
            if answer.proposal is not None and answer.proposal.sender != state.me:
                epoch, message = state.verifier.open(answer.proposal, state.epochs)
                carried = opened(event.attachment)
                if not isinstance(message, Proposal) or carried is None:
                    raise Malformed("an answer without the block that it names")
                if block_digest(carried.header) != message.digest:
                    raise Malformed("an answer with another block than it names")
                inner = Received(answer.proposal.sender, message, answer.proposal, epoch, event.attachment)
        except Malformed as error:
            effects += state.rejected(error, event)  # what came before stands on its own
        return effects, inner
