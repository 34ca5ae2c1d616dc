"""Lost messages: a stalled replica says its latest statements again and asks; whoever knows more answers.

An idle consortium is quiet: nothing is sent while nothing is open here. Answers carry a fresh nonce, so that no
filter of repeats swallows them; what they prove they prove by signatures, not by who sent them.
"""

from __future__ import annotations

from contextlib import suppress

from consortium.core.codec import Malformed, encode
from consortium.core.machine import Behind, Effect, Now, Received, SetTimer
from consortium.core.membership import NodeId
from consortium.core.messages import Certificate, Signed
from consortium.protocols.common.rate_limit import RateLimit
from consortium.protocols.hotstuff.chain import Chain
from consortium.protocols.hotstuff.fetching import Fetching, opened
from consortium.protocols.hotstuff.messages import Ask, Carried, Proposal, Told, block_digest
from consortium.protocols.hotstuff.pacemaker import Pacemaker
from consortium.protocols.hotstuff.replica_state import ReplicaState
from consortium.protocols.hotstuff.voting import Voting

RETRANSMIT_TIMER = ("hotstuff", "retransmit")
TRIES_AT_ONCE = 6


class Retransmission:
    """Every T/8 while nothing moves, with back-off up to 4 T after TRIES_AT_ONCE; from the start again when something
    did."""

    def __init__(
        self, standing: ReplicaState, chain: Chain, fetching: Fetching, pacemaker: Pacemaker, voting: Voting
    ) -> None:
        self._standing = standing
        self._chain = chain
        self._fetching = fetching
        self._pacemaker = pacemaker
        self._voting = voting
        self._delay_us = self._first_us
        self._tries = 0  # since something moved
        self._mark: tuple[int, ...] = ()
        self.is_armed = False
        self._answers = RateLimit(2, self._first_us)
        self._heads: dict[NodeId, int] = {}  # highest executed height that each member told us
        self._sealed = 0  # highest height that a seal proved to us

    @property
    def _first_us(self) -> int:
        return max(1, self._standing.parameters.timer_base_us // 8)

    @property
    def _last_us(self) -> int:
        return 4 * self._standing.parameters.timer_base_us

    # --- the timer ----------------------------------------------------------------------------------------------

    def arm(self) -> list[Effect]:
        if self.is_armed:
            return []
        self.is_armed = True
        self._delay_us, self._tries = self._first_us, 0
        self._mark = self._position()
        return [SetTimer(RETRANSMIT_TIMER, self._delay_us)]

    def on_timer(self, now: Now) -> list[Effect]:
        self.is_armed = False
        if not self.has_open_work():
            return []
        effects: list[Effect] = []
        position = self._position()
        if position == self._mark:
            effects = self._say_again(now)
            self._tries += 1
            if self._tries >= TRIES_AT_ONCE:
                self._delay_us = min(2 * self._delay_us, self._last_us)
        else:
            self._delay_us, self._tries = self._first_us, 0
        self._mark = position
        self.is_armed = True
        return [*effects, SetTimer(RETRANSMIT_TIMER, self._delay_us)]

    def _position(self) -> tuple[int, ...]:
        standing = self._standing
        return (standing.epoch.number, standing.view, standing.timed, standing.high_view, standing.decided)

    def has_open_work(self) -> bool:
        """Whether anything is undecided here that somebody works on, or that we wait for."""
        standing = self._standing
        if standing.pool.unexecuted > 0 or standing.is_filling or self._behind():
            return True
        return standing.top > standing.decided or not standing.is_open or self._lacks_high()

    def _lacks_high(self) -> bool:
        standing = self._standing
        return standing.high is not None and bool(standing.decisions)

    def _behind(self) -> int:
        """The highest height that f+1 validators or a certificate show to be decided elsewhere; 0 if none is above
        ours. Observers, and those that were removed, may all be liars."""
        standing = self._standing
        weak = standing.epoch.weak
        shown = [self._sealed, *standing.decisions]
        is_validator = standing.epoch.is_validator
        heads = sorted((head for name, head in self._heads.items() if is_validator(name)), reverse=True)
        if len(heads) >= weak:
            shown.append(heads[weak - 1])
        high = standing.high
        if high is not None and high.commits:
            shown.append(high.height + len(high.commits) - 1)
        best = max(shown)
        return best if best > standing.decided else 0

    def _say_again(self, now: Now) -> list[Effect]:
        """Our proposal, ballot and TIMEOUT; a question to all; missing blocks; lag."""
        standing = self._standing
        self._fetching.again()
        standing.refly()
        effects: list[Effect] = []
        if standing.may_vote:
            effects += [*self._voting.proposal_again(), *self._voting.ballot_again(), *self._pacemaker.say_again()]
        has_proposal = standing.pending is not None
        question = Ask(standing.nonce(now), standing.view, standing.high_view + 1, standing.decided + 1, has_proposal)
        effects.append(standing.say(question))
        behind = self._behind()
        if behind:
            effects.append(Behind(behind))
        return effects

    # --- questions and answers ----------------------------------------------------------------------------------

    def on_ask(self, now: Now, event: Received, question: Ask) -> list[Effect]:
        """Rationed a member. Answered with the QC, the TIMEOUTs and the proposal that the asker lacks, the seal where
        it is below it, and our head; nothing if we know no more than it does."""
        standing = self._standing
        if event.sender == standing.me:
            return []
        is_ours = event.epoch == standing.epoch.number
        quorum: Certificate | None = None
        timeouts: Certificate | None = None
        proposal: Signed | None = None
        if is_ours:
            high = standing.high
            quorum = high.certificate if high is not None and question.wanted <= high.view else None
            timeouts = standing.timeouts if question.view < standing.view else None
            is_old = question.view < standing.view or not question.has_proposal
            proposal = standing.pending_signed if is_old else None
        seal = standing.seal if question.height <= standing.stable else None
        knows_more = quorum or timeouts or proposal or seal or standing.head >= question.height
        if not knows_more or not self._answers.spend(now, event.sender):
            return []
        return [self._told(event, question.nonce, seal, quorum, timeouts, proposal)]

    def help_forward(self, now: Now, event: Received) -> list[Effect]:
        """A TIMEOUT of a view that is over here: its sender missed what ended it."""
        standing = self._standing
        if event.sender == standing.me or not self._answers.spend(now, event.sender):
            return []
        quorum = None if standing.high is None else standing.high.certificate
        return [self._told(event, standing.nonce(now), None, quorum, standing.timeouts, standing.pending_signed)]

    def _told(
        self,
        event: Received,
        nonce: bytes,
        seal: Certificate | None,
        quorum: Certificate | None,
        timeouts: Certificate | None,
        proposal: Signed | None,
    ) -> Effect:
        standing = self._standing
        attachment = b""
        if proposal is not None and standing.pending is not None and standing.pending.header is not None:
            attachment = encode(Carried(standing.pending.header, None, standing.timeouts))
        told = Told(event.sender, nonce, standing.head, seal, quorum, timeouts, proposal)
        return standing.answer(event, told, attachment)

    def on_told(self, now: Now, event: Received, answer: Told) -> tuple[list[Effect], Received | None]:
        """What an answer proves; and the proposal in it, verified, as if it had come by itself. A seal and f+1 members'
        word on their heads show whether we lag."""
        standing = self._standing
        if answer.receiver != standing.me:
            return [], None
        if answer.height > self._heads.get(event.sender, 0):
            self._heads[event.sender] = answer.height
        effects: list[Effect] = []
        inner: Received | None = None
        if answer.seal is not None:
            with suppress(Malformed):  # of an epoch that we do not know yet, perhaps
                self._sealed = max(self._sealed, standing.setting.check_seal(answer.seal))
        if event.epoch != standing.epoch.number:
            return effects, None
        try:
            if answer.quorum is not None:
                effects += self._chain.learn(standing.opened(answer.quorum))
                effects += self._pacemaker.follow_high(now)
            if answer.timeouts is not None:
                effects += self._pacemaker.learn_certificate(now, answer.timeouts)
            if answer.proposal is not None and answer.proposal.sender != standing.me:
                epoch, message = standing.verifier.open(answer.proposal, standing.epochs)
                carried = opened(event.attachment)
                if not isinstance(message, Proposal) or carried is None:
                    raise Malformed("an answer without the block that it names")
                if block_digest(carried.header) != message.digest:
                    raise Malformed("an answer with another block than it names")
                inner = Received(answer.proposal.sender, message, answer.proposal, epoch, event.attachment)
        except Malformed as error:
            effects += standing.rejected(error, event)  # what came before stands on its own
        return effects, inner
