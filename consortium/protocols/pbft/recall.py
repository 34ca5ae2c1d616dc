"""The boot rule: votes must survive. After every boot we ask what the others remember of us before we vote again.

A disk may be lost or rolled back. A node votes again once quorum−1 other members showed no vote of it that its own log
lacks; one newer vote makes it an observer, until it gets a new voting key in a new epoch. Where the log itself was
damaged nobody's answer helps. Where only the ledger was lost, it votes once it has caught up to what it had sealed.
"""

from __future__ import annotations

from collections.abc import Sequence

from consortium.core.codec import Malformed
from consortium.core.machine import CancelTimer, Effect, Note, Now, Received, SetTimer
from consortium.core.membership import Epoch, NodeId
from consortium.core.messages import Message, Signed, open_statement
from consortium.core.tally import Tally
from consortium.protocols.common.rate_limit import RateLimit
from consortium.protocols.pbft.messages import Commit, Prepare, PrePrepare, Recall, Recalled, ViewChange
from consortium.protocols.pbft.replica_state import ReplicaState

RECALL_TIMER = ("pbft", "recall")
NONCES_MAX = 1_024
HELD_MIN, HELD_MAX = 2, 16  # tallies a phase

_PHASES: dict[type[Message], int] = {PrePrepare: 0, Prepare: 0, Commit: 1, ViewChange: 2}


Rank = tuple[int, int, int]  # epoch, view, height


class VotesOfOthers:
    """The latest vote of each phase that we hold of each member: three a member. Those that were only counted stand in
    the tallies that they were counted into."""

    def __init__(self) -> None:
        self._latest: dict[NodeId, dict[int, tuple[Rank, Signed]]] = {}
        self._held: dict[int, list[tuple[Rank, Tally]]] = {}  # by phase, ascending

    def note(self, signed: Signed, message: PrePrepare | Prepare | Commit | ViewChange, epoch: int) -> None:
        """Votes of an older epoch are kept until newer ones come: a disk may be rolled back across epochs."""
        rank = (epoch, message.view, 0 if isinstance(message, ViewChange) else message.height)
        self._keep(signed, _PHASES[type(message)], rank)

    def _keep(self, signed: Signed, phase: int, rank: Rank) -> None:
        held = self._latest.setdefault(signed.sender, {})
        known = held.get(phase)
        if known is None or known[0] < rank:
            held[phase] = (rank, signed)

    def hold(self, message: Prepare | Commit, epoch: int, tally: Tally) -> None:
        """Votes of this kind, view and height are counted into this tally from now on. One whose members have all voted
        later is let go; what is counted into it after that is held again."""
        phase = _PHASES[type(message)]
        held = self._held.setdefault(phase, [])
        for _, known in reversed(held):  # mostly one of the newest
            if known is tally:
                return
        held.append(((epoch, message.view, message.height), tally))
        held.sort(key=lambda each: each[0])
        while len(held) > HELD_MIN and not held[0][1].lent:
            is_outdated = _is_outdated(held)
            if not is_outdated and len(held) <= HELD_MAX:
                return
            rank, oldest = held.pop(0)
            oldest.left = 0  # whoever still votes there is stepped
            for signed in () if is_outdated else oldest.voters:
                self._keep(signed, phase, rank)

    def of(self, member: NodeId) -> tuple[Signed, ...]:
        best = dict(self._latest.get(member, {}))
        for phase, held in self._held.items():
            for rank, tally in held:
                signed = tally.signed(member)
                if signed is not None and (phase not in best or best[phase][0] < rank):
                    best[phase] = (rank, signed)
        return tuple(best[phase][1] for phase in sorted(best))


def _is_outdated(held: Sequence[tuple[Rank, Tally]]) -> bool:
    """Whether all members whose votes the oldest tally holds have voted in the next one, in the same epoch."""
    (rank, oldest), (next_rank, after) = held[0], held[1]
    if rank[0] != next_rank[0]:
        return False
    if oldest.seen == after.seen:
        return True
    return not _mask(oldest) & ~_mask(after)


def _mask(tally: Tally) -> int:
    return int.from_bytes(tally.seen.replace(b"\x02", b"\x00"), "big")


class Recaller:
    """Asks after a boot, and answers those who ask."""

    def __init__(self, state: ReplicaState, memory: VotesOfOthers) -> None:
        self._state = state
        self._memory = memory
        self._nonces: list[bytes] = []
        self._answers: dict[NodeId, None] = {}
        self._delay_us = max(1, state.parameters.timer_base_us // 8)
        self._asks_back = RateLimit(1, self._delay_us)
        self._answers_left = RateLimit(4, self._delay_us)  # an honest node asks once in this time
        self._logged: tuple[int, int] = (0, 0)  # epoch, and the highest view that our own log knows
        self.logged_epoch = -1  # the newest that our log has votes of, if our ledger has yet to come to it
        self.is_observing = False

    def read_back(self) -> None:
        """The log was read, as far as it is of the epoch of `state`."""
        self._logged = (self._state.epoch.number, self._state.wanted)

    def begin(self, now: Now, lost_key: bytes = b"") -> list[Effect]:
        """Right after the log was read back: `state` is what our own log says, without votes of `lost_key`."""
        state = self._state
        self.read_back()
        if not state.epoch.is_validator(state.me):
            return []
        if lost_key and state.epoch.key(state.me, "vote") == lost_key:
            self.is_observing = True
            why = "the log of our votes was damaged; this node only observes until it has a new voting key"
            return [Note("observing", {"why": why, "shown_by": state.me})]
        if (state.epoch.quorum == 1 or state.context.is_recalled) and state.epoch.number >= self.logged_epoch:
            state.is_recalled = True
            return []
        return self._ask(now)

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
        if state.epoch.quorum == 1:
            state.is_recalled = True
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
        votes = self._votes_of(event.sender)
        effects: list[Effect] = [state.answer(event, Recalled(event.sender, request.nonce, votes))]
        is_waiting = bool(self._nonces) and not state.is_recalled and not self.is_observing
        if is_waiting and event.sender not in self._answers and self._asks_back.spend(now, event.sender):
            effects.append(state.answer(event, Recall(self._new_nonce(now))))
        return effects

    def _votes_of(self, member: NodeId) -> tuple[Signed, ...]:
        """The latest of each phase, and all that we hold at open heights: votes need not be given in the order of their
        heights, so a log may hold the latest and lack one below it."""
        found = dict.fromkeys(self._memory.of(member))
        for slot in self._state.log.above(self._state.floor):
            order = slot.pre_prepare
            found.update(dict.fromkeys([order] if order is not None and order.sender == member else []))
            votes = (slot.prepares.signed(member), slot.commits.signed(member))
            found.update(dict.fromkeys(vote for vote in votes if vote is not None))
        return tuple(found)

    def on_recalled(self, event: Received, answer: Recalled) -> list[Effect]:
        """Counted once a validator, only for a nonce of this boot. Returns nothing while answers are missing; sets
        `is_recalled` with the last one needed."""
        state = self._state
        if state.is_recalled or self.is_observing or event.sender == state.me:
            return []
        if answer.receiver != state.me or answer.nonce not in self._nonces:
            return []
        if state.epoch.number < self.logged_epoch:
            return []  # a ledger lost: what our log says of later epochs can be compared when it has come to them
        votes_max = len(_PHASES) * (1 + state.span + state.parameters.window)
        if any(self._is_newer(vote) for vote in answer.votes[:votes_max]):
            self.is_observing = True
            why = "others hold votes of ours that our log lacks; this node only observes until it has a new voting key"
            return [Note("observing", {"why": why, "shown_by": event.sender}), CancelTimer(RECALL_TIMER)]
        self._answers[event.sender] = None
        if len(self._answers) < state.epoch.quorum - 1 or state.stable < state.forgotten:
            return []  # a ledger lost: first it must come back to where our votes were forgotten
        state.is_recalled = True
        return [CancelTimer(RECALL_TIMER)]

    def _is_newer(self, signed: Signed) -> bool:
        """Whether this is a vote of ours that the log read at boot does not cover. Those of an epoch that is over bind
        no more; one of an epoch that we do not know shows that our disk is older than our votes."""
        state = self._state
        if signed.sender != state.me:
            return False
        try:
            epoch, message = state.verifier.open(signed, state.epochs)
        except Malformed:
            return self._is_of_later_epoch(signed)
        logged_epoch, logged_view = self._logged
        if not isinstance(message, PrePrepare | Prepare | Commit | ViewChange):
            return False
        if epoch < max(logged_epoch, state.epoch.number):
            return False
        if epoch > logged_epoch or message.view > logged_view:
            return True
        sealed = max(state.stable, state.forgotten)
        if isinstance(message, ViewChange) or message.view < logged_view or message.height <= sealed:
            return False
        slot = state.log.get(message.height)
        if slot is None:
            return True
        if isinstance(message, Commit):
            return slot.commit_view < message.view
        return slot.prepare_view < message.view

    def _is_of_later_epoch(self, signed: Signed) -> bool:
        """Whether we signed this, with the key that we have, in an epoch that our ledger has not come to."""
        state = self._state
        key = state.epochs.newest.key(state.me, "vote")
        try:
            opening = open_statement(signed.body)
        except Malformed:
            return False
        codec = state.verifier.codec
        if (opening.chain, opening.suite) != (codec.chain, codec.suite) or key is None:
            return False
        is_later = opening.epoch > state.epochs.newest.number
        return is_later and state.verifier.is_signed(key, signed.body, signed.signature)
