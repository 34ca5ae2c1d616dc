"""Votes twice at one view and height: for what was proposed, and for something else."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec

from consortium.behaviours.behaviour import PROPOSALS, VOTES, Behaviour, BehaviourKind, Surroundings
from consortium.core.machine import Broadcast, Effect, Event, Now, Rebroadcast, Received, Send
from consortium.protocols.pbft.messages import Commit, Prepare, PrePrepare


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
        if not isinstance(effect, Broadcast | Rebroadcast) or self.kind(effect) not in VOTES:
            return [effect]
        if self._is_accomplice:
            return [self.to_self(effect)] if isinstance(effect, Broadcast) else []
        if isinstance(effect, Rebroadcast):
            return [effect]
        message: Any = effect.message
        other = msgspec.structs.replace(message, digest=sha256(message.digest).digest())
        return [effect, *self.to_each(effect._replace(message=other), self.others)]

    def reacts(self, now: Now, event: Event) -> list[Effect]:
        """The accomplice's answer to a vote of another: the same vote."""
        if not self._is_accomplice or not isinstance(event, Received) or event.sender == self.me:
            return []
        message: Any = event.message
        if type(message).__name__ not in PROPOSALS | VOTES or not isinstance(message, PrePrepare | Prepare | Commit):
            return []
        key = (event.sender, message.view, message.height, message.digest)
        if key in self._given:
            return []
        self._given[key] = None
        vote = (message.view, message.height, message.digest)
        effects: list[Effect] = [Send(event.sender, Commit(*vote), b"", event.epoch)]
        if self.leader(message.view) != self.me:
            effects.insert(0, Send(event.sender, Prepare(*vote), b"", event.epoch))
        return effects


BEHAVIOUR = BehaviourKind(Options, DoubleVotes, "votes twice at one height")
