"""The short way for a CHECKPOINT that changes nothing yet; see `counted_replica.py`."""

from __future__ import annotations

from collections.abc import Sequence

from consortium.core.machine import Effect, Event, Now, Received
from consortium.core.messages import Message
from consortium.core.seals import Checkpoint
from consortium.ledger.sealer import NO_VIEW, Sealer
from consortium.simulation.shortcuts.counted_votes import CountedVotes
from consortium.simulation.shortcuts.tally import NEVER, Tally


class CountedSealer:
    """Wraps a sealer that keeps `CountedVotes`. It counts CHECKPOINTs of a height that this member executed, where all
    say the same and no quorum does yet. See `TallyCounter`."""

    countable: tuple[type[Message], ...] = (Checkpoint,)

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._epochs = sealer.epochs
        self._stable_height = sealer.stable_height
        self._open_tallies: dict[bytes, Tally] = {}  # by the bytes of a CHECKPOINT that may be counted

    @property
    def stable_height(self) -> int:
        return self._sealer.stable_height

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        effects = self._sealer.step(now, event)
        if self._sealer.stable_height != self._stable_height:
            self._stable_height = self._sealer.stable_height
            self._open_tallies.clear()
        return effects

    def count(self, event: Received) -> bool:
        """Whether the CHECKPOINT was counted; if not, it must be stepped."""
        vote = event.message
        assert isinstance(vote, Checkpoint)
        place = self._epochs.at(vote.height).places.get(event.sender)
        if vote.height <= self._stable_height:
            return True  # whatever it says, it says nothing any more
        tally = self._open_tallies.get(event.signed.body)
        if tally is None:
            tally = self.tally(event)
        if tally is None or place is None or tally.votes_until_step <= 1 or tally.seen[place]:
            return False
        tally.seen[place] = 1
        tally.voters.append(event.signed)
        tally.votes_until_step -= 1
        return True

    def tally(self, event: Received) -> Tally | None:
        """Where CHECKPOINTs with these bytes are counted; None where they cannot be, or not now."""
        vote = event.message
        assert isinstance(vote, Checkpoint)
        height, votes = vote.height, self._sealer.votes.get(vote.height)
        if height <= self._stable_height:
            unheard = Tally(len(self._epochs.at(height).validators))
            unheard.votes_until_step = NEVER
            return unheard
        if votes is None or height > self._sealer.head_height:
            return None
        assert isinstance(votes, CountedVotes)
        epoch, tally = self._epochs.at(height), votes.agreed(NO_VIEW, vote.header_digest)
        if tally is None or event.epoch != epoch.number:
            return None
        tally.votes_until_step = epoch.quorum - len(tally)
        self._open_tallies[event.signed.body] = tally
        return tally

    def wants_names(self, event: Received) -> bool:
        """No step of a CHECKPOINT asks who said it."""
        return False
