"""As the leader it orders different batches at one height: one for each group of members."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind, Drawing, Occasion, Surroundings
from consortium.core.draws import chance, split
from consortium.core.machine import Broadcast, Effect, Now, Rebroadcast, Send
from consortium.core.membership import NodeId


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`groups`: each is told a version of its own, the first the leader's own; none given: two halves of the others.
    Members of no group are told nothing."""

    groups: tuple[tuple[str, ...], ...] = ()


class EquivocatingLeader(Behaviour):
    def __init__(self, around: Surroundings, options: Any) -> None:
        super().__init__(around, options)
        self._groups: tuple[tuple[NodeId, ...], ...] = options.groups or self.halves()

    def bend(self, now: Now, effect: Effect) -> list[Effect]:
        if isinstance(effect, Rebroadcast):
            return [] if self.kind(effect) in self.forge.proposals else [effect]  # it would give itself away
        if not isinstance(effect, Broadcast) or self.kind(effect) not in self.forge.proposals or not effect.attachment:
            return [effect]
        effects: list[Effect] = [self.to_self(effect)]
        for version, group in enumerate(self._groups):
            message, attachment = self.forge.version(effect.message, effect.attachment, version)
            effects += [Send(name, message, attachment, effect.epoch) for name in group if name != self.me]
        return effects


def _draw(occasion: Occasion) -> dict[str, Any]:
    return {"groups": split(occasion.stream, occasion.shape.names)} if chance(occasion.stream, 60) else {}


BEHAVIOUR = BehaviourKind(
    Options,
    EquivocatingLeader,
    "orders different batches at one height",
    drawings=(
        Drawing(_draw, 40),
        Drawing(lambda _: {}, 50),
    ),
)
