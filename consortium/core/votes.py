"""Votes that a member has heard: one a sender, however often it says the same.

A driver of many replicas in one process may hand in another `VoteKeeping`, which spares work and gives the same
answers (docs/decisions/052). A node that is a process of its own keeps votes as they are written down here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from consortium.core.membership import NodeId
from consortium.core.messages import Certificate, Signed

Choice = tuple[int, bytes]  # view, digest
M = TypeVar("M")
T = TypeVar("T")


class Votes:
    """The votes of one phase at one height. A member holds one place: one that votes again in a later view moves its
    vote, and nothing else that it says changes anything. `places`: the validators of the epoch, numbered; the caller
    adds votes of nobody else."""

    __slots__ = ("_choices", "_voters")

    def __init__(self, places: Mapping[NodeId, int]) -> None:
        self._choices: dict[NodeId, Choice] = {}
        self._voters: dict[Choice, dict[NodeId, Signed]] = {}

    def __len__(self) -> int:
        """How many members voted."""
        return len(self._choices)

    def add(self, signed: Signed, view: int, digest: bytes) -> int:
        """Count a vote. Returns how many members now stand behind its choice, 0 if it changed nothing."""
        sender, choice = signed.sender, (view, digest)
        before = self._choices.get(sender)
        if before is not None:
            if before[0] >= view:
                return 0
            del self._voters[before][sender]
        self._choices[sender] = choice
        voters = self._voters.setdefault(choice, {})
        voters[sender] = signed
        return len(voters)

    def conflict(self, sender: NodeId, view: int, digest: bytes) -> Signed | None:
        """The sender's other vote of the same view: with the new one, evidence of equivocation."""
        before = self._choices.get(sender)
        if before is None or before[0] != view or before[1] == digest:
            return None
        return self._voters[before][sender]

    def signed(self, sender: NodeId) -> Signed | None:
        """The vote of this member."""
        choice = self._choices.get(sender)
        return None if choice is None else self._voters[choice][sender]

    def voters(self, view: int, digest: bytes) -> Sequence[NodeId]:
        """Who stands behind a choice, by name."""
        return sorted(self._voters.get((view, digest), ()))

    def count(self, view: int, digest: bytes) -> int:
        """How many members stand behind a choice."""
        return len(self._voters.get((view, digest), ()))

    def counts(self) -> dict[Choice, int]:
        """How many members stand behind each choice that anybody stands behind."""
        return {choice: len(voters) for choice, voters in self._voters.items() if voters}

    def certificate(self, view: int, digest: bytes, size: int) -> Certificate:
        """The votes of the first `size` voters by name; there must be so many."""
        voters = self._voters[view, digest]
        assert len(voters) >= size
        first = [voters[name] for name in sorted(voters)[:size]]
        return Certificate(first[0].body, tuple(signed.pair for signed in first))


class VoteKeeping:
    """How a member keeps votes, and what it makes of them."""

    def votes(self, places: Mapping[NodeId, int]) -> Votes:
        """An empty keeper for one phase at one height."""
        return Votes(places)

    def around(self, machine: M) -> M:
        """The machine (a replica, a sealer) that a node is built with in place of this one: the same machine."""
        return machine

    def made_of(self, votes: Certificate, what: tuple[object, ...], make: Callable[[], T]) -> T:
        """What follows from a certificate and from `what` alone: `make` makes it."""
        return make()


PLAIN = VoteKeeping()  # as a process of its own keeps votes
