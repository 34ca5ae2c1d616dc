"""Votes twice at one view and height: for what was proposed, and for something else."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind, Drawing, Occasion, Surroundings
from consortium.core.draws import chance
from consortium.core.machine import Broadcast, Effect, Event, Now, Rebroadcast, Received, Send


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`accomplice`: it tells every member what that member wants to hear: votes for whatever batch it stands behind.
    With enough accomplices of an equivocating leader (more than f) that forks a ledger; otherwise the second vote is
    for a digest of its own making, and goes to everybody."""

    accomplice: bool = False


class DoubleVotes(Behaviour):
    def __init__(self, around: Surroundings, options: Any) -> None:
        super().__init__(around, options)
        self._is_accomplice: bool = options.accomplice
        self._given: dict[tuple[str, int, int, bytes], None] = {}

    def bend(self, now: Now, effect: Effect) -> list[Effect]:
        if not isinstance(effect, Send | Broadcast | Rebroadcast) or self.kind(effect) not in self.forge.votes:
            return [effect]
        if self._is_accomplice:
            return [self.to_self(effect)] if isinstance(effect, Broadcast) else []
        if isinstance(effect, Rebroadcast):
            return [effect]
        other = effect._replace(message=self.forge.other_vote(effect.message))
        if isinstance(other, Send):
            return [effect] if other.to == self.me else [effect, other]
        return [effect, *self.to_each(other, self.others)]

    def reacts(self, now: Now, event: Event) -> list[Effect]:
        """The accomplice's answer to a vote of another: the same vote."""
        if not self._is_accomplice or not isinstance(event, Received) or event.sender == self.me:
            return []
        place = self.place(event, (*self.forge.proposals, *self.forge.votes))
        if place is None:
            return []
        message: Any = event.message
        key = (event.sender, *place, message.digest)
        if key in self._given:
            return []
        self._given[key] = None
        votes = self.forge.echo(message, leads=self.leader(place.view) == self.me)
        return [Send(event.sender, vote, b"", event.epoch) for vote in votes]


def _draw(occasion: Occasion) -> dict[str, Any]:
    return {"accomplice": chance(occasion.stream, 50)}


BEHAVIOUR = BehaviourKind(Options, DoubleVotes, "votes twice at one height", drawings=(Drawing(_draw, 80),))
