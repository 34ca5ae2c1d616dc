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

    def __init__(self, state: ReplicaState, memory: VotesOfOthers, chain: Chain, pacemaker: Pacemaker) -> None:
        self._state = state
        self._chain = chain
        self._pacemaker = pacemaker
        self._memory = memory
        self._nonces: list[bytes] = []
        self._answers: dict[NodeId, None] = {}
        self._delay_us = max(1, state.parameters.timer_base_us // 8)
        self._asks_back = RateLimit(1, self._delay_us)
        self._answers_left = RateLimit(4, self._delay_us)  # an honest node asks once in this time
        self.is_observing = False

    def begin(self, now: Now, lost_key: bytes = b"") -> list[Effect]:
        """Right after the log was read back: `state` is what our own log says, without votes of `lost_key`."""
        state = self._state
        if not state.epoch.is_validator(state.me):
            return []
        if lost_key and state.epoch.key(state.me, "vote") == lost_key:
            self.is_observing = True
            why = "the log of our votes was damaged; this node only observes until it has a new voting key"
            return [Note("observing", {"why": why, "shown_by": state.me})]
        return self._begin(now)

    def on_epoch(self, now: Now, before: Epoch) -> list[Effect]:
        """The epoch of `state` was entered from `before`. Who becomes a validator, or has a new voting key, asks
        before it votes; a new key ends observing, for nothing was ever signed with it. Who was recalled goes on."""
        state = self._state
        me = state.me
        is_new_key = state.epoch.key(me, "vote") != before.key(me, "vote")
        if not state.epoch.is_validator(me):
            state.is_recalled = False
            return [CancelTimer(RECALL_TIMER)] if before.is_validator(me) else []
        if before.is_validator(me) and not is_new_key and (state.is_recalled or self.is_observing):
            return []
        state.is_recalled = self.is_observing = False
        self._answers.clear()
        return self._begin(now)

    def _begin(self, now: Now) -> list[Effect]:
        if self._state.epoch.quorum == 1:
            self._state.is_recalled = True
            return []
        return self._ask(now)

    def _ask(self, now: Now) -> list[Effect]:
        return [self._state.say(Recall(self._new_nonce(now))), SetTimer(RECALL_TIMER, self._delay_us)]

    def _new_nonce(self, now: Now) -> bytes:
        nonce = self._state.nonce(now)
        self._nonces = [*self._nonces, nonce][-NONCES_MAX:]
        return nonce

    def on_timer(self, now: Now) -> list[Effect]:
        if self._state.is_recalled or self.is_observing:
            return []
        self._delay_us = min(2 * self._delay_us, 2 * self._state.parameters.timer_base_us)
        return self._ask(now)

    def on_recall(self, now: Now, event: Received, request: Recall) -> list[Effect]:
        """Every validator answers, also while it recalls itself: else a consortium that stopped would never start. Who
        still waits for answers asks back, for the asker has only just come up."""
        state = self._state
        asked_in = state.epochs.number(event.epoch)
        if event.sender == state.me or asked_in is None or not asked_in.is_validator(state.me):
            return []
        if not self._answers_left.spend(now, event.sender):
            return []
        is_ours = event.epoch == state.epoch.number
        quorum = state.high.certificate if is_ours and state.high is not None else None
        timeouts = state.timeouts if is_ours else None
        answer = Recalled(event.sender, request.nonce, quorum, timeouts, self._memory.of(event.sender))
        effects: list[Effect] = [state.answer(event, answer)]
        is_waiting = bool(self._nonces) and not state.is_recalled and not self.is_observing
        if is_waiting and event.sender not in self._answers and self._asks_back.spend(now, event.sender):
            effects.append(state.answer(event, Recall(self._new_nonce(now))))
        return effects

    def on_recalled(self, now: Now, event: Received, answer: Recalled) -> list[Effect]:
        """Counted once a validator, only for a nonce of this boot, if what proves its view is sound; sets `is_recalled`
        with the last one needed."""
        state = self._state
        if state.is_recalled or self.is_observing or event.sender == state.me:
            return []
        if answer.receiver != state.me or answer.nonce not in self._nonces:
            return []
        if any(self._is_newer(vote) for vote in answer.votes[: len(_KINDS) + 1]):
            self.is_observing = True
            why = "others hold votes of ours that our log lacks; this node only observes until it has a new voting key"
            return [Note("observing", {"why": why, "shown_by": event.sender}), CancelTimer(RECALL_TIMER)]
        effects: list[Effect] = []
        if event.epoch == state.epoch.number:
            try:
                effects += self._learn(now, answer)
            except Malformed as error:
                return state.rejected(error, event)
        self._answers[event.sender] = None
        if len(self._answers) < state.epoch.quorum - 1:
            return effects
        state.is_recalled = True
        if state.view > max(state.voted, state.timed, 0):
            state.abstained = state.view + 1
        return [*effects, CancelTimer(RECALL_TIMER)]

    def _learn(self, now: Now, answer: Recalled) -> list[Effect]:
        """Into the view that an answer proves. Raises Malformed."""
        state = self._state
        effects: list[Effect] = []
        if answer.quorum is not None:
            effects += self._chain.learn(state.opened(answer.quorum))
            effects += self._pacemaker.follow_high(now)
        if answer.timeouts is not None:
            effects += self._pacemaker.learn_certificate(now, answer.timeouts)
        return effects

    def _is_newer(self, signed: Signed) -> bool:
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
                return view > max(past.proposed, state.proposed if epoch == state.epoch.number else ROOT_VIEW)
            case Ballot(view=view):
                return view > max(past.voted, state.voted if epoch == state.epoch.number else ROOT_VIEW)
            case Timeout(view=view):
                return view > max(past.timed, state.timed if epoch == state.epoch.number else ROOT_VIEW)
            case _:
                return False
