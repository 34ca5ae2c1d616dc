"""The boot rule: votes must survive. After every boot we ask what the others remember of us before we vote again.

A disk may be lost or rolled back. A node votes again once quorum−1 other members showed no vote of it that its own log
lacks; one newer vote makes it an observer, until it gets a new voting key in a new epoch.
"""

from __future__ import annotations

from consortium.core.codec import Malformed
from consortium.core.machine import CancelTimer, Effect, Note, Now, Received, SetTimer
from consortium.core.membership import NodeId
from consortium.core.messages import Message, Signed
from consortium.protocols.pbft.allowance import Allowance
from consortium.protocols.pbft.messages import Commit, Prepare, PrePrepare, Recall, Recalled, ViewChange
from consortium.protocols.pbft.standing import Standing

RECALL_TIMER = ("pbft", "recall")
NONCES_MAX = 1_024

_PHASES: dict[type[Message], int] = {PrePrepare: 0, Prepare: 0, Commit: 1, ViewChange: 2}


class Memory:
    """The latest vote of each phase that we hold of each member: three a member."""

    def __init__(self) -> None:
        self._latest: dict[NodeId, dict[int, tuple[tuple[int, int], Signed]]] = {}

    def clear(self) -> None:
        self._latest.clear()

    def note(self, signed: Signed, message: PrePrepare | Prepare | Commit | ViewChange) -> None:
        rank = (message.view, 0 if isinstance(message, ViewChange) else message.height)
        phase = _PHASES[type(message)]
        held = self._latest.setdefault(signed.sender, {})
        known = held.get(phase)
        if known is None or known[0] < rank:
            held[phase] = (rank, signed)

    def of(self, member: NodeId) -> tuple[Signed, ...]:
        held = self._latest.get(member, {})
        return tuple(held[phase][1] for phase in sorted(held))


class Recaller:
    """Asks after a boot, and answers those who ask."""

    def __init__(self, standing: Standing, memory: Memory) -> None:
        self._standing = standing
        self._memory = memory
        self._nonces: list[bytes] = []
        self._answers: dict[NodeId, None] = {}
        self._delay_us = max(1, standing.parameters.timer_base_us // 8)
        self._asks_back = Allowance(1, self._delay_us)
        self._logged: tuple[int, int] = (0, 0)  # epoch, and the highest view that our own log knows
        self.is_observing = False

    def begin(self, now: Now) -> list[Effect]:
        """Right after the log was read back: `standing` is what our own log says."""
        standing = self._standing
        self._logged = (standing.epoch.number, standing.wanted)
        if not standing.epoch.is_validator(standing.me):
            return []
        if standing.epoch.quorum == 1:
            standing.is_recalled = True
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
        """Whoever is asked answers, also while it recalls itself: else a consortium that stopped would never start. Who
        still waits for answers asks back, for the asker has only just come up."""
        standing = self._standing
        if event.sender == standing.me:
            return []
        votes = self._memory.of(event.sender)
        effects: list[Effect] = [standing.answer(event, Recalled(event.sender, request.nonce, votes))]
        is_waiting = bool(self._nonces) and not standing.is_recalled and not self.is_observing
        if is_waiting and event.sender not in self._answers and self._asks_back.spend(now, event.sender):
            effects.append(standing.answer(event, Recall(self._new_nonce(now))))
        return effects

    def on_recalled(self, event: Received, answer: Recalled) -> list[Effect]:
        """Counted once a validator, only for a nonce of this boot. Returns nothing while answers are missing; sets
        `is_recalled` with the last one needed."""
        standing = self._standing
        if standing.is_recalled or self.is_observing or event.sender == standing.me:
            return []
        if answer.receiver != standing.me or answer.nonce not in self._nonces:
            return []
        if any(self._is_newer(vote) for vote in answer.votes[:3]):
            self.is_observing = True
            why = "others hold votes of ours that our log lacks; this node only observes until it has a new voting key"
            return [Note("observing", {"why": why, "shown_by": event.sender}), CancelTimer(RECALL_TIMER)]
        self._answers[event.sender] = None
        if len(self._answers) < standing.epoch.quorum - 1:
            return []
        standing.is_recalled = True
        return [CancelTimer(RECALL_TIMER)]

    def _is_newer(self, signed: Signed) -> bool:
        """Whether this is a vote of ours that the log read at boot does not cover."""
        standing = self._standing
        if signed.sender != standing.me:
            return False
        try:
            epoch, message = standing.verifier.open(signed, standing.epochs)
        except Malformed:
            return False
        logged_epoch, logged_view = self._logged
        if not isinstance(message, PrePrepare | Prepare | Commit | ViewChange) or epoch < logged_epoch:
            return False
        if epoch > logged_epoch or message.view > logged_view:
            return True
        if isinstance(message, ViewChange) or message.view < logged_view or message.height <= standing.stable:
            return False
        slot = standing.log.get(message.height)
        if slot is None:
            return True
        if isinstance(message, Commit):
            return slot.commit_view < message.view
        return slot.prepare_view < message.view
