"""What we hold of the others' votes, and what our own log says of ours: PBFT's side of the boot rule."""

from __future__ import annotations

from consortium.core.codec import Malformed
from consortium.core.machine import Effect, Now, Received
from consortium.core.membership import NodeId
from consortium.core.messages import Message, Signed, open_statement
from consortium.protocols.common.latest_votes import LatestVotes
from consortium.protocols.common.lost_log import Bound
from consortium.protocols.pbft.messages import Commit, Prepare, PrePrepare, Recall, Recalled, ViewChange
from consortium.protocols.pbft.replica_state import ReplicaState

RECALL_TIMER = ("pbft", "recall")

_PHASES: dict[type[Message], int] = {PrePrepare: 0, Prepare: 0, Commit: 1, ViewChange: 2}


class VotesOfOthers:
    """The latest vote of each phase that we hold of each member: three a member. And after a boot, by height, those on
    which we had acted, and which were durable therefore."""

    def __init__(self) -> None:
        self._latest = LatestVotes()
        self._acted_on: dict[int, list[Signed]] = {}

    def note(self, signed: Signed, message: PrePrepare | Prepare | Commit | ViewChange, epoch: int) -> None:
        """A vote that we heard."""
        rank = (epoch, message.view, 0 if isinstance(message, ViewChange) else message.height)
        self._latest.keep(signed, _PHASES[type(message)], rank)

    def read_back(self, signed: Signed, message: PrePrepare | Prepare | ViewChange, epoch: int) -> None:
        """A vote in a certificate of our own log."""
        self.note(signed, message, epoch)
        if not isinstance(message, ViewChange):
            self._acted_on.setdefault(message.height, []).append(signed)

    def acted_on(self, member: NodeId, above: int) -> list[Signed]:
        """Those at heights above this one; the others are forgotten."""
        self._acted_on = {height: held for height, held in self._acted_on.items() if height > above}
        return [signed for held in self._acted_on.values() for signed in held if signed.sender == member]

    def of(self, member: NodeId) -> tuple[Signed, ...]:
        """By phase."""
        latest = self._latest.of(member)
        return tuple(latest[phase][1] for phase in sorted(latest))


class OwnVotes:
    """What our own log says of our votes, and what we hold of the others': PBFT's side of the boot rule."""

    def __init__(self, state: ReplicaState, votes_of_others: VotesOfOthers) -> None:
        self._state = state
        self._votes_of_others = votes_of_others
        self._logged: tuple[int, int] = (0, 0)  # epoch, and the highest view that our own log knows

    def read_back(self) -> None:
        """The log was read, as far as it is of the epoch of `state`."""
        self._logged = (self._state.epoch.number, self._state.wanted)

    @property
    def votes_max(self) -> int:
        return len(_PHASES) * (1 + self._state.span + self._state.parameters.window)

    @property
    def is_caught_up(self) -> bool:
        """Whether our ledger is back where our votes were forgotten."""
        return self._state.stable >= self._state.forgotten

    @property
    def signed_height(self) -> int:
        state = self._state
        voted = [slot.height for slot in state.log.above(state.stable) if max(slot.prepare_view, slot.commit_view) >= 0]
        return max([state.stable, state.forgotten, *voted])

    def question(self, nonce: bytes) -> Message:
        return Recall(nonce)

    def answer(self, event: Received, nonce: bytes, signed_height: int | None) -> Message:
        return Recalled(event.sender, nonce, self._remembered_of(event.sender), self._state.seal, signed_height)

    def _remembered_of(self, member: NodeId) -> tuple[Signed, ...]:
        """The latest of each phase, and all that we hold at open heights: votes need not be given in the order of their
        heights, so a log may hold the latest and lack one below it."""
        memory = self._votes_of_others
        found = dict.fromkeys([*memory.of(member), *memory.acted_on(member, self._state.floor)])
        for slot in self._state.log.above(self._state.floor):
            order = slot.pre_prepare
            found.update(dict.fromkeys([order] if order is not None and order.sender == member else []))
            votes = (slot.prepares.signed(member), slot.commits.signed(member))
            found.update(dict.fromkeys(vote for vote in votes if vote is not None))
        return tuple(found)

    def learn(self, now: Now, event: Received, answer: Recalled) -> list[Effect]:
        """Nothing: the NEW-VIEW that we missed is asked for afterwards."""
        return []

    def begin(self) -> None:
        """Our votes go on where our log ends."""

    def view_bound(self, answer: Recalled) -> int:
        """Heights bind here, not views."""
        return 0

    def is_outlived(self, bound: Bound) -> bool:
        """Whether a height more than `span` above all that was sealed to us is decided in our view or an earlier one,
        and sealed. Our votes reach a window above what was sealed to us; an old VIEW-CHANGE of ours stands in no
        NEW-VIEW that knows of that height (`certificates.span_fault`)."""
        state = self._state
        decided = [slot for slot in state.log.above(bound.height + state.span) if slot.certificate is not None]
        return any(slot.height <= state.stable and slot.certificate_view <= state.view for slot in decided)

    def outlive(self) -> None:
        """The view that we are in binds us, which is durable already."""

    def is_newer(self, signed: Signed) -> bool:
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
