"""What we hold of the others' statements, and what our own log says of ours: HotStuff's side of the boot rule.

A ballot goes to one member only, who may be silent: so where the others are in a later view than the last that our log
knows, we abstain until the view after theirs is over. (In an honest run nobody can be further ahead of us: to vote in a
view takes a quorum that was in the one before, and of those we asked enough.)
"""

from __future__ import annotations

from collections import deque

from consortium.core.codec import Malformed
from consortium.core.machine import Effect, Now, Received
from consortium.core.membership import NodeId
from consortium.core.messages import Certificate, Message, Signed, open_statement
from consortium.protocols.common.latest_votes import LatestVotes
from consortium.protocols.common.lost_log import Bound
from consortium.protocols.hotstuff.certificates import next_term, open_timeouts
from consortium.protocols.hotstuff.chain import Chain
from consortium.protocols.hotstuff.messages import Ballot, Proposal, Recall, Recalled, Timeout
from consortium.protocols.hotstuff.pacemaker import Pacemaker
from consortium.protocols.hotstuff.replica_state import Past, ReplicaState
from consortium.protocols.hotstuff.tree import ROOT_VIEW

CERTIFICATES_KEPT = 8
_KINDS: tuple[type[Message], ...] = (Proposal, Ballot, Timeout)


class VotesOfOthers:
    """The newest statement of each kind that we hold of each member, and the last certificates."""

    def __init__(self) -> None:
        self._latest = LatestVotes()
        self._certificates: deque[Certificate] = deque(maxlen=CERTIFICATES_KEPT)

    def note(self, signed: Signed, message: Proposal | Ballot | Timeout, epoch: int) -> None:
        self._latest.keep(signed, _KINDS.index(type(message)), (epoch, message.view, 0))

    def note_certificate(self, certificate: Certificate) -> None:
        if not self._certificates or self._certificates[-1] is not certificate:
            self._certificates.append(certificate)

    def of(self, member: NodeId) -> tuple[Signed, ...]:
        held = self._latest.of(member)
        found = [held[kind][1] for kind in sorted(held)]
        for certificate in reversed(self._certificates):
            signature = dict(certificate.signatures).get(member)
            if signature is not None:
                return (*found, Signed(member, certificate.body, signature))
        return tuple(found)


class OwnVotes:
    """What the log read at boot covers, and what an answer proves."""

    votes_max = len(_KINDS) + 1
    is_caught_up = True  # our log says for each epoch what was forgotten of it

    def __init__(self, state: ReplicaState, votes_of_others: VotesOfOthers, chain: Chain, pacemaker: Pacemaker) -> None:
        self._state = state
        self._chain = chain
        self._pacemaker = pacemaker
        self._votes_of_others = votes_of_others

    @property
    def logged_epoch(self) -> int:
        """The newest epoch that our log has votes of; -1 if there is none."""
        return max(self._state.past, default=-1)

    def question(self, nonce: bytes) -> Message:
        return Recall(nonce)

    @property
    def signed_height(self) -> int:
        return max(self._state.stable, self._state.own.height)

    def answer(self, event: Received, nonce: bytes, signed_height: int | None) -> Message:
        """How high we signed is told only where our certificates prove a view as high as any that we signed in."""
        state = self._state
        is_ours = event.epoch == state.epoch.number
        is_proven = is_ours and max(state.own.voted, state.own.timed) <= state.view
        quorum = state.high.certificate if is_ours and state.high is not None else None
        timeouts = state.current.timeouts if is_ours else None
        votes = self._votes_of_others.of(event.sender)
        height = signed_height if is_proven else None
        return Recalled(event.sender, nonce, quorum, timeouts, votes, state.seal, height)

    def learn(self, now: Now, event: Received, answer: Recalled) -> list[Effect]:
        """Into the view that an answer proves. Raises Malformed."""
        state = self._state
        effects: list[Effect] = []
        if event.epoch != state.epoch.number:
            return effects
        if answer.quorum is not None:
            effects += self._chain.learn(state.opened(answer.quorum))
            effects += self._pacemaker.follow_high(now)
        if answer.timeouts is not None:
            effects += self._pacemaker.learn_certificate(now, answer.timeouts)
        return effects

    def begin(self) -> None:
        """Abstain where the others are in a later view than the last that our log knows."""
        state = self._state
        if state.view > max(state.own.voted, state.own.timed, 0):
            state.own.abstained = state.view + 1

    def view_bound(self, answer: Recalled) -> int:
        """Whoever is in a view brought a quorum with it that voted in the one before, or left it; and an honest one of
        those whom we ask proves a view as high as that. So no view of ours was beyond the term after."""
        state = self._state
        proven = [0]
        if answer.quorum is not None:
            proven.append(state.opened(answer.quorum).view + 1)
        if answer.timeouts is not None:
            proven.append(next_term(open_timeouts(answer.timeouts, state.epoch, state.verifier)))
        return next_term(max(proven))

    def is_outlived(self, bound: Bound) -> bool:
        """Whether a QC of a view beyond all of ours decides something, and what was sealed to us is passed."""
        high = self._state.high
        if high is None or not high.commits:
            return False
        return high.view > bound.view and self._state.stable > bound.height

    def outlive(self) -> None:
        """That QC binds us as if we had voted for it: its three-chain holds all that our lost ballots decided. The
        replica writes it down with the seal."""
        state = self._state
        own, view = state.own, state.high_view
        own.proposed, own.voted, own.timed = max(own.proposed, view), max(own.voted, view), max(own.timed, view)
        own.locked = max(own.locked, view - 2)

    def is_newer(self, signed: Signed) -> bool:
        """Whether this is a statement of ours, signed with the key that we have, which the log read at boot does not
        cover. Those of an epoch that is over bind no more."""
        state = self._state
        key = state.epochs.newest.key(state.me, "vote")
        try:
            epoch = open_statement(signed.body).epoch
            message = state.verifier.codec.decode(signed.body, epoch)
        except Malformed:
            return False
        if signed.sender != state.me or key is None or epoch < state.epoch.number:
            return False
        known = state.epochs.number(epoch)
        signing_key = key if known is None else known.key(state.me, "vote") or key
        if not state.verifier.is_signed(signing_key, signed.body, signed.signature):
            return False
        past = state.past.get(epoch, Past())
        match message:
            case Proposal(view=view):
                return view > max(past.proposed, state.own.proposed if epoch == state.epoch.number else ROOT_VIEW)
            case Ballot(view=view):
                return view > max(past.voted, state.own.voted if epoch == state.epoch.number else ROOT_VIEW)
            case Timeout(view=view):
                return view > max(past.timed, state.own.timed if epoch == state.epoch.number else ROOT_VIEW)
            case _:
                return False
