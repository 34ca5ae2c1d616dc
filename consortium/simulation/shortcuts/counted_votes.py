"""The votes of one phase at one height in a simulation: tallied in bytes, for hundreds of members keep them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from consortium.core.membership import NodeId
from consortium.core.messages import Certificate, Signed
from consortium.core.votes import Choice, Votes
from consortium.simulation.shortcuts.tally import Tally


class CountedVotes(Votes):
    """The same answers as the plain `Votes`. A tally may also be filled from outside, a vote at a time or as a number:
    see `Tally`."""

    __slots__ = ("_places", "_tallies")

    def __init__(self, places: Mapping[NodeId, int]) -> None:
        self._places = places
        self._tallies: dict[Choice, Tally] = {}

    def __len__(self) -> int:
        return sum(len(tally) for tally in self._tallies.values())

    def only(self, view: int, digest: bytes) -> Tally | None:
        """The tally of this choice, made if nobody voted yet; None where somebody chose otherwise."""
        return self.agreed(view, digest) if self._tallies else self._open((view, digest))

    def agreed(self, view: int, digest: bytes) -> Tally | None:
        """The tally of this choice; None where nobody voted, or somebody chose otherwise."""
        return self._tallies.get((view, digest)) if len(self._tallies) == 1 else None

    def _open(self, choice: Choice) -> Tally:
        for other in self._tallies.values():
            other.votes_until_step = 0  # not all say the same any more: whoever votes is stepped
        tally = self._tallies[choice] = Tally(len(self._places))
        return tally

    def add(self, signed: Signed, view: int, digest: bytes) -> int:
        place, choice = self._places[signed.sender], (view, digest)
        before = self._choice_at(place)
        if before is not None:
            if before[0] >= view:
                return 0
            older = self._tallies[before]
            older.remove(place, signed.sender)
            if not len(older):
                del self._tallies[before]
        tally = self._tallies.get(choice)
        return (self._open(choice) if tally is None else tally).add(place, signed)

    def conflict(self, sender: NodeId, view: int, digest: bytes) -> Signed | None:
        before = self._choice_at(self._places[sender])
        if before is None or before[0] != view or before[1] == digest:
            return None
        return self._tallies[before].signed(sender)

    def signed(self, sender: NodeId) -> Signed | None:
        place = self._places.get(sender)
        before = None if place is None else self._choice_at(place)
        return None if before is None else self._tallies[before].signed(sender)

    def voters(self, view: int, digest: bytes) -> Sequence[NodeId]:
        tally = self._tallies.get((view, digest))
        return [] if tally is None else sorted(signed.sender for signed in tally.voters)

    def count(self, view: int, digest: bytes) -> int:
        tally = self._tallies.get((view, digest))
        return 0 if tally is None else len(tally)

    def counts(self) -> dict[Choice, int]:
        return {choice: len(tally) for choice, tally in self._tallies.items()}

    def certificate(self, view: int, digest: bytes, size: int) -> Certificate:
        return self._tallies[view, digest].certificate(size)

    def _choice_at(self, place: int) -> Choice | None:
        for choice, tally in self._tallies.items():
            if tally.seen[place]:
                return choice
        return None
