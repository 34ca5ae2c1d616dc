"""Members that said one and the same thing: a place for each, and their signatures as they came.

Small, for a simulation of hundreds of members keeps hundreds of thousands of votes: a byte and a reference each.
"""

from __future__ import annotations

from collections.abc import Iterable

from consortium.core.membership import NodeId
from consortium.core.messages import Certificate, Signed

NEVER = 1 << 30


class Box:
    """SIMULATION ONLY: votes with the same bytes that were sent to all, kept once for all that they reach. Grows."""

    def __init__(self) -> None:
        self.votes: list[Signed] = []
        self._certificates: dict[int, Certificate] = {}

    def certificate(self, size: int) -> Certificate | None:
        """The first `size` that were sent: one certificate for all; None while there are fewer."""
        found = self._certificates.get(size)
        if found is None and len(self.votes) >= size:
            pairs = sorted(signed.pair for signed in self.votes[:size])
            found = self._certificates[size] = Certificate(self.votes[0].body, tuple(pairs))
            found.__dict__["is_shared"] = True  # what is made of it may be kept with it, for the others
        return found


class Tally:
    """`seen`: by the member's place, whether its vote is here. `left`: how many more votes may come before one of them
    must be stepped (that one included); NEVER where none needs to be. Who keeps the tally sets it. `lent`: votes that
    count here and lie in a `Box`, nobody has said whose."""

    __slots__ = ("_box", "left", "lent", "seen", "voters")

    def __init__(self, places: int) -> None:
        self.seen = bytearray(places)
        self.voters: list[Signed] = []
        self.left = 0
        self.lent = 0
        self._box: Box | None = None

    def __len__(self) -> int:
        return len(self.voters) + self.lent

    def __bool__(self) -> bool:
        return True  # also an empty one: there it is

    def add(self, place: int, signed: Signed) -> int:
        """The first vote of a place counts; how many there are now."""
        if not self.seen[place]:
            self.seen[place] = 1
            self.voters.append(signed)
            self.left -= 1
        return len(self.voters) + self.lent

    def lend(self, box: Box, count: int) -> None:
        """So many more have come, all of them in this box."""
        self._box = box
        self.lent += count
        self.left -= count

    def settle(self, votes: Iterable[tuple[int, Signed]]) -> None:
        """All that came so far, by place: nothing is lent any more."""
        owed, self.lent = self.lent, 0
        for place, signed in votes:
            if not self.seen[place]:
                self.seen[place] = 1
                self.voters.append(signed)
                owed -= 1
        self.left += owed

    def complete(self, seen: bytearray, voters: list[Signed]) -> None:
        """Everybody has voted, here as elsewhere: these may be shared, for nothing is ever added to them."""
        self.seen, self.voters, self.lent = seen, voters, 0

    def remove(self, place: int, sender: NodeId) -> None:
        self.seen = bytearray(self.seen)  # it may be shared
        self.seen[place] = self.left = 0
        self.voters = [signed for signed in self.voters if signed.sender != sender]

    def signed(self, sender: NodeId) -> Signed | None:
        return next((signed for signed in self.voters if signed.sender == sender), None)

    def certificate(self, size: int) -> Certificate:
        """The first `size` voters by name; there must be so many. Where votes are lent, the box says which."""
        if self.lent and self._box is not None:
            shared = self._box.certificate(size)
            if shared is not None:
                return shared
        lent = self._box.votes if self.lent and self._box is not None else ()
        pairs = sorted({signed.pair for signed in (*self.voters, *lent)})[:size]
        assert len(pairs) == size
        return Certificate(self.voters[0].body, tuple(pairs))
