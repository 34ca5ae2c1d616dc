"""The short way for a vote that changes nothing yet: it is counted into its slot, without a step.

Between two steps nothing of the replica changes, so whether a PREPARE or COMMIT may be counted is found out once for
all votes with the same bytes, and forgotten when the replica's state moves. `Replica.step` stays the meaning: a vote
that is counted here would have answered with no effect, and left the same votes behind (a test compares whole runs).
"""

from __future__ import annotations

from collections.abc import Sequence

from consortium.core.machine import Effect, Event, Now, Received
from consortium.core.membership import NodeId
from consortium.core.messages import Message
from consortium.protocols.pbft.messages import Commit, Prepare, Recall
from consortium.protocols.pbft.replica import Replica
from consortium.protocols.pbft.slot import Slot
from consortium.simulation.shortcuts.counted_votes import CountedVotes
from consortium.simulation.shortcuts.held_votes import HeldVotes
from consortium.simulation.shortcuts.tally import NEVER, Tally

_COUNTED = (Prepare, Commit)
LEADER = 2  # in the place of a vote, where none of this member counts


class CountedReplica:
    """Wraps a PBFT replica that keeps `CountedVotes`. It counts votes of the replica's view and epoch, at heights
    between the watermarks where a slot is open and all say the same. See `TallyCounter`."""

    countable: tuple[type[Message], ...] = _COUNTED

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self.state = replica.state
        self.held = HeldVotes(replica.votes_of_others)
        self._open_tallies: dict[bytes, Tally] = {}  # by the bytes of the statement
        self._places = self.state.epoch.places
        self._mark: tuple[int, ...] = ()

    @property
    def view(self) -> int:
        return self._replica.view

    @property
    def leader(self) -> NodeId:
        return self._replica.leader

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        """The replica's step. What was found out about votes before it may not hold after it."""
        if isinstance(event, Received):
            if isinstance(event.message, _COUNTED):
                self._open_tallies.pop(event.signed.body, None)
            else:
                self._open_tallies.clear()
                if isinstance(event.message, Recall):
                    self.held.tell(event.sender)
        effects = self._replica.step(now, event)
        state = self.state
        mark = (state.epoch.number, state.view, state.stable, state.log.version)
        if mark != self._mark:
            self._mark = mark
            self._open_tallies.clear()
            self._places = state.epoch.places
        return effects

    def count(self, event: Received) -> bool:
        """Whether the vote was counted; if not, it must be stepped. The message is a PREPARE or a COMMIT."""
        tally = self._open_tallies.get(event.signed.body)
        if tally is None:
            tally = self.tally(event)
            if tally is None:
                return False
        place = self._places.get(event.sender)
        if place is None or tally.votes_until_step <= 1 or tally.seen[place]:
            return False
        tally.seen[place] = 1
        tally.voters.append(event.signed)
        tally.votes_until_step -= 1
        return True

    def tally(self, event: Received) -> Tally | None:
        """Where votes with these bytes are counted; None where they cannot be, or not now."""
        body = event.signed.body
        found = self._open_tallies.get(body)
        if found is None:
            found = self._find(event)
            if found is not None:
                self._open_tallies[body] = found
        return found

    def wants_names(self, event: Received) -> bool:
        """Whether the step of such a vote may look at who voted, not only at how many: to fetch a batch from them."""
        vote = event.message
        assert isinstance(vote, _COUNTED)
        slot = self.state.log.get(vote.height)
        return slot is None or slot.body(vote.digest) is None

    def _find(self, event: Received) -> Tally | None:
        state, vote = self.state, event.message
        assert isinstance(vote, _COUNTED)
        if event.epoch != state.epoch.number or vote.view != state.view:
            return None
        height = vote.height
        slot = state.log.get(height)
        if slot is None or not state.floor < height <= state.last_height:
            return None
        if state.epochs.at(height).number != event.epoch:
            return None
        votes = slot.prepares if isinstance(vote, Prepare) else slot.commits
        assert isinstance(votes, CountedVotes)
        tally = votes.only(vote.view, vote.digest)
        if tally is None:
            return None
        if isinstance(vote, Prepare):
            tally.seen[self._places[state.leader]] = LEADER
        tally.votes_until_step = self._votes_until_step(slot, type(vote), len(tally))
        self.held.hold(vote, event.epoch, tally)
        return tally

    def _votes_until_step(self, slot: Slot, kind: type[Message], count: int) -> int:
        """The vote that makes a quorum is stepped; and all after it, until the slot is prepared (committed)."""
        quorum = self.state.epoch.quorum
        if kind is Commit:
            return NEVER if slot.certificate is not None else quorum - count
        return NEVER if slot.prepared_view >= self.state.view else quorum - 1 - count
