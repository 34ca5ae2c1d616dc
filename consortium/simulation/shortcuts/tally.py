"""SIMULATION ONLY. Members that said one and the same thing: a place for each, and their signatures as they came.

Small, for a simulation of hundreds of members keeps hundreds of thousands of votes: a byte and a reference each.
"""

from __future__ import annotations

from collections.abc import Iterable

from consortium.core.membership import NodeId
from consortium.core.messages import Certificate, Signed

NEVER = 1 << 30


class Box:
    """Votes with the same bytes that were sent to all, kept once for all that they reach. Grows."""

    def __init__(self) -> None:
        self.votes: list[Signed] = []
        self._certificates: dict[int, Certificate] = {}

    def certificate(self, size: int) -> Certificate | None:
        """The first `size` that were sent: one certificate for all; None while there are fewer."""
        found = self._certificates.get(size)
        if found is None and len(self.votes) >= size:
            pairs = sorted(signed.pair for signed in self.votes[:size])
            found = self._certificates[size] = Certificate(self.votes[0].body, tuple(pairs))
            found.__dict__["is_shared"] = True
        return found


def is_shared(votes: Certificate) -> bool:
    """Whether this value came out of a box, so that many replicas hold it."""
    return "is_shared" in votes.__dict__


class Tally:
    """`seen`: by the member's place, whether its vote is here. `votes_until_step`: the next vote that must be stepped
    is the one with this number among those to come, counted from 1; NEVER where none needs to be. Who keeps the tally
    sets it. `unnamed`: how many votes count here that lie in a `Box` and whose senders the tally does not know yet."""

    __slots__ = ("_box", "seen", "unnamed", "voters", "votes_until_step")

    def __init__(self, places: int) -> None:
        self.seen = bytearray(places)
        self.voters: list[Signed] = []
        self.votes_until_step = 0
        self.unnamed = 0
        self._box: Box | None = None

    def __len__(self) -> int:
        return len(self.voters) + self.unnamed

    def __bool__(self) -> bool:
        return True  # also an empty one: there it is

    def add(self, place: int, signed: Signed) -> int:
        """The first vote of a place counts; how many there are now."""
        if not self.seen[place]:
            self.seen[place] = 1
            self.voters.append(signed)
            self.votes_until_step -= 1
        return len(self.voters) + self.unnamed

    def add_unnamed(self, box: Box, count: int) -> None:
        """So many more votes have come, all of them in this box."""
        self._box = box
        self.unnamed += count
        self.votes_until_step -= count

    def name_votes(self, votes: Iterable[tuple[int, Signed]]) -> None:
        """All votes that came so far, by place: none is unnamed any more."""
        unknown, self.unnamed = self.unnamed, 0
        for place, signed in votes:
            if not self.seen[place]:
                self.seen[place] = 1
                self.voters.append(signed)
                unknown -= 1
        self.votes_until_step += unknown

    def complete(self, seen: bytearray, voters: list[Signed]) -> None:
        """Everybody has voted, here as elsewhere: these may be shared, for nothing is ever added to them."""
        self.seen, self.voters, self.unnamed = seen, voters, 0

    def remove(self, place: int, sender: NodeId) -> None:
        self.seen = bytearray(self.seen)  # it may be shared
        self.seen[place] = self.votes_until_step = 0
        self.voters = [signed for signed in self.voters if signed.sender != sender]

    def signed(self, sender: NodeId) -> Signed | None:
        return next((signed for signed in self.voters if signed.sender == sender), None)

    def certificate(self, size: int) -> Certificate:
        """The first `size` voters by name; there must be so many. Where votes are unnamed, the box says which."""
        if self.unnamed and self._box is not None:
            shared = self._box.certificate(size)
            if shared is not None:
                return shared
        boxed = self._box.votes if self.unnamed and self._box is not None else ()
        pairs = sorted({signed.pair for signed in (*self.voters, *boxed)})[:size]
        assert len(pairs) == size
        return Certificate(self.voters[0].body, tuple(pairs))
