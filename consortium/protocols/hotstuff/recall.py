"""The boot rule: votes must survive. After every boot we ask what the others remember of us before we vote again.

A disk may be lost or rolled back. A node votes again once quorum−1 other members showed no statement of it that its
own log lacks; one newer makes it an observer, until it gets a new voting key in a new epoch. A ballot goes to one
member only, who may be silent: so where the others are in a later view than the last that our log knows, we abstain
until the view after theirs is over. (In an honest run nobody can be further ahead of us: to vote in a view takes a
quorum that was in the one before, and of those we asked enough.)
"""

from __future__ import annotations

from collections import deque

from consortium.core.codec import Malformed
from consortium.core.machine import CancelTimer, Effect, Note, Now, Received, SetTimer
from consortium.core.membership import Epoch, NodeId
from consortium.core.messages import Certificate, Message, Signed, open_statement
from consortium.protocols.common.rate_limit import RateLimit
from consortium.protocols.hotstuff.chain import Chain
from consortium.protocols.hotstuff.messages import Ballot, Proposal, Recall, Recalled, Timeout
from consortium.protocols.hotstuff.pacemaker import Pacemaker
from consortium.protocols.hotstuff.replica_state import Past, ReplicaState
from consortium.protocols.hotstuff.tree import ROOT_VIEW

RECALL_TIMER = ("hotstuff", "recall")
NONCES_MAX = 1_024
CERTIFICATES_KEPT = 8
_KINDS: tuple[type[Message], ...] = (Proposal, Ballot, Timeout)


class VotesOfOthers:
    """The newest statement of each kind that we hold of each member, and the last certificates."""

    def __init__(self) -> None:
        self._latest: dict[NodeId, dict[type[Message], tuple[tuple[int, int], Signed]]] = {}
        self._certificates: deque[Certificate] = deque(maxlen=CERTIFICATES_KEPT)

    def note(self, signed: Signed, message: Proposal | Ballot | Timeout, epoch: int) -> None:
        """Those of an older epoch are kept until newer ones come: a disk may be rolled back across epochs."""
        rank = (epoch, message.view)
        held = self._latest.setdefault(signed.sender, {})
        known = held.get(type(message))
        if known is None or known[0] < rank:
            held[type(message)] = (rank, signed)

    def note_certificate(self, certificate: Certificate) -> None:
        if not self._certificates or self._certificates[-1] is not certificate:
            self._certificates.append(certificate)

    def of(self, member: NodeId) -> tuple[Signed, ...]:
        held = self._latest.get(member, {})
        found = [held[kind][1] for kind in _KINDS if kind in held]
        for certificate in reversed(self._certificates):
            signature = dict(certificate.signatures).get(member)
            if signature is not None:
                return (*found, Signed(member, certificate.body, signature))
        return tuple(found)


class Recaller:
    """Asks after a boot, and answers those who ask."""

    def __init__(self, standing: ReplicaState, memory: VotesOfOthers, chain: Chain, pacemaker: Pacemaker) -> None:
        self._standing = standing
        self._chain = chain
        self._pacemaker = pacemaker
        self._memory = memory
        self._nonces: list[bytes] = []
        self._answers: dict[NodeId, None] = {}
        self._delay_us = max(1, standing.parameters.timer_base_us // 8)
        self._asks_back = RateLimit(1, self._delay_us)
        self._answers_left = RateLimit(4, self._delay_us)  # an honest node asks once in this time
        self.is_observing = False

    def begin(self, now: Now, lost_key: bytes = b"") -> list[Effect]:
        """Right after the log was read back: `standing` is what our own log says, without votes of `lost_key`."""
        standing = self._standing
        if not standing.epoch.is_validator(standing.me):
            return []
        if lost_key and standing.epoch.key(standing.me, "vote") == lost_key:
            self.is_observing = True
            why = "the log of our votes was damaged; this node only observes until it has a new voting key"
            return [Note("observing", {"why": why, "shown_by": standing.me})]
        return self._begin(now)

    def on_epoch(self, now: Now, before: Epoch) -> list[Effect]:
        """The epoch of `standing` was entered from `before`. Who becomes a validator, or has a new voting key, asks
        before it votes; a new key ends observing, for nothing was ever signed with it. Who was recalled goes on."""
        standing = self._standing
        me = standing.me
        is_new_key = standing.epoch.key(me, "vote") != before.key(me, "vote")
        if not standing.epoch.is_validator(me):
            standing.is_recalled = False
            return [CancelTimer(RECALL_TIMER)] if before.is_validator(me) else []
        if before.is_validator(me) and not is_new_key and (standing.is_recalled or self.is_observing):
            return []
        standing.is_recalled = self.is_observing = False
        self._answers.clear()
        return self._begin(now)

    def _begin(self, now: Now) -> list[Effect]:
        if self._standing.epoch.quorum == 1:
            self._standing.is_recalled = True
            return []
        return self._ask(now)

    def _ask(self, now: Now) -> list[Effect]:
        return [self._standing.say(Recall(self._new_nonce(now))), SetTimer(RECALL_TIMER, self._delay_us)]

    def _new_nonce(self, now: Now) -> bytes:
        nonce = self._standing.nonce(now)
        self._nonces = [*self._nonces, nonce][-NONCES_MAX:]
        return nonce

    def on_timer(self, now: Now) -> list[Effect]:
        if self._standing.is_recalled or self.is_observing:
            return []
        self._delay_us = min(2 * self._delay_us, 2 * self._standing.parameters.timer_base_us)
        return self._ask(now)

    def on_recall(self, now: Now, event: Received, request: Recall) -> list[Effect]:
        """Every validator answers, also while it recalls itself: else a consortium that stopped would never start. Who
        still waits for answers asks back, for the asker has only just come up."""
        standing = self._standing
        asked_in = standing.epochs.number(event.epoch)
        if event.sender == standing.me or asked_in is None or not asked_in.is_validator(standing.me):
            return []
        if not self._answers_left.spend(now, event.sender):
            return []
        is_ours = event.epoch == standing.epoch.number
        quorum = standing.high.certificate if is_ours and standing.high is not None else None
        timeouts = standing.timeouts if is_ours else None
        answer = Recalled(event.sender, request.nonce, quorum, timeouts, self._memory.of(event.sender))
        effects: list[Effect] = [standing.answer(event, answer)]
        is_waiting = bool(self._nonces) and not standing.is_recalled and not self.is_observing
        if is_waiting and event.sender not in self._answers and self._asks_back.spend(now, event.sender):
            effects.append(standing.answer(event, Recall(self._new_nonce(now))))
        return effects

    def on_recalled(self, now: Now, event: Received, answer: Recalled) -> list[Effect]:
        """Counted once a validator, only for a nonce of this boot, if what proves its view is sound; sets `is_recalled`
        with the last one needed."""
        standing = self._standing
        if standing.is_recalled or self.is_observing or event.sender == standing.me:
            return []
        if answer.receiver != standing.me or answer.nonce not in self._nonces:
            return []
        if any(self._is_newer(vote) for vote in answer.votes[: len(_KINDS) + 1]):
            self.is_observing = True
            why = "others hold votes of ours that our log lacks; this node only observes until it has a new voting key"
            return [Note("observing", {"why": why, "shown_by": event.sender}), CancelTimer(RECALL_TIMER)]
        effects: list[Effect] = []
        if event.epoch == standing.epoch.number:
            try:
                effects += self._learn(now, answer)
            except Malformed as error:
                return standing.rejected(error, event)
        self._answers[event.sender] = None
        if len(self._answers) < standing.epoch.quorum - 1:
            return effects
        standing.is_recalled = True
        if standing.view > max(standing.voted, standing.timed, 0):
            standing.abstained = standing.view + 1
        return [*effects, CancelTimer(RECALL_TIMER)]

    def _learn(self, now: Now, answer: Recalled) -> list[Effect]:
        """Into the view that an answer proves. Raises Malformed."""
        standing = self._standing
        effects: list[Effect] = []
        if answer.quorum is not None:
            effects += self._chain.learn(standing.opened(answer.quorum))
            effects += self._pacemaker.follow_high(now)
        if answer.timeouts is not None:
            effects += self._pacemaker.learn_certificate(now, answer.timeouts)
        return effects

    def _is_newer(self, signed: Signed) -> bool:
        """Whether this is a statement of ours, signed with the key that we have, which the log read at boot does not
        cover. Those of an epoch that is over bind no more."""
        standing = self._standing
        key = standing.epochs.newest.key(standing.me, "vote")
        try:
            epoch = open_statement(signed.body).epoch
            message = standing.verifier.codec.decode(signed.body, epoch)
        except Malformed:
            return False
        if signed.sender != standing.me or key is None or epoch < standing.epoch.number:
            return False
        known = standing.epochs.number(epoch)
        signing_key = key if known is None else known.key(standing.me, "vote") or key
        if not standing.verifier.is_signed(signing_key, signed.body, signed.signature):
            return False
        past = standing.past.get(epoch, Past())
        match message:
            case Proposal(view=view):
                return view > max(past.proposed, standing.proposed if epoch == standing.epoch.number else ROOT_VIEW)
            case Ballot(view=view):
                return view > max(past.voted, standing.voted if epoch == standing.epoch.number else ROOT_VIEW)
            case Timeout(view=view):
                return view > max(past.timed, standing.timed if epoch == standing.epoch.number else ROOT_VIEW)
            case _:
                return False
