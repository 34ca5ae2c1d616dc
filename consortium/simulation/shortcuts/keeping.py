"""How the replicas of a simulation keep votes: counted in bytes, and what follows from a certificate made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from consortium.core.machine import Persist
from consortium.core.membership import NodeId
from consortium.core.messages import Certificate
from consortium.core.votes import VoteKeeping, Votes
from consortium.ledger.sealer import Sealer
from consortium.protocols.pbft.replica import Replica
from consortium.simulation.shortcuts.counted_replica import CountedReplica
from consortium.simulation.shortcuts.counted_sealer import CountedSealer
from consortium.simulation.shortcuts.counted_votes import CountedVotes
from consortium.simulation.shortcuts.tally import is_shared

M = TypeVar("M")
T = TypeVar("T")


class CountedKeeping(VoteKeeping):
    """The same answers as the plain keeping of `core/votes.py`, for many replicas in one process."""

    def votes(self, places: Mapping[NodeId, int]) -> Votes:
        return CountedVotes(places)

    def around(self, machine: M) -> M:
        """The machine with a short way for votes; only a PBFT replica and a sealer have one."""
        counted: Any = machine
        if isinstance(machine, Replica):
            counted = CountedReplica(machine)
        elif isinstance(machine, Sealer):
            counted = CountedSealer(machine)
        return counted  # type: ignore[no-any-return]

    def made_of(self, votes: Certificate, what: tuple[object, ...], make: Callable[[], T]) -> T:
        """Where many replicas hold this very certificate, the first of them makes it for all; it is kept with the
        certificate."""
        if not is_shared(votes):
            return make()
        made: dict[tuple[object, ...], Any] = votes.__dict__.setdefault("made", {})
        if what not in made:
            value = make()
            made[what] = value._replace(made={}) if isinstance(value, Persist) else value
        found: T = made[what]
        return found
