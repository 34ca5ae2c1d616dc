"""Keeps its votes to itself, or from some members: those live with one vote fewer."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind, Drawing, Occasion, Surroundings
from consortium.core.draws import chance
from consortium.core.machine import Broadcast, Effect, Now, Rebroadcast, Send
from consortium.core.membership import NodeId


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`messages`: class names, none named: votes of ordering. `to`: from whom; none named: all others."""

    messages: tuple[str, ...] = ()
    to: tuple[str, ...] = ()


class WithheldVotes(Behaviour):
    def __init__(self, around: Surroundings, options: Any) -> None:
        super().__init__(around, options)
        self._messages = frozenset(options.messages or self.forge.votes)
        self._victims: frozenset[NodeId] = frozenset(options.to or self.others)

    def bend(self, now: Now, effect: Effect) -> list[Effect]:
        if not isinstance(effect, Send | Broadcast | Rebroadcast) or self.kind(effect) not in self._messages:
            return [effect]
        if isinstance(effect, Broadcast):
            told = [name for name in self.others if name not in self._victims]
            return [self.to_self(effect), *self.to_each(effect, told)]
        if isinstance(effect, Rebroadcast) and effect.to is None:
            return [effect._replace(to=name) for name in self.others if name not in self._victims]
        return [] if effect.to in self._victims else [effect]


def _draw(occasion: Occasion) -> dict[str, Any]:
    return {"to": occasion.victims} if chance(occasion.stream, 60) else {}


def _draw_of_view_changes(occasion: Occasion) -> dict[str, Any]:
    return {"messages": ("ViewChange", "NewView"), "to": occasion.victims}


BEHAVIOUR = BehaviourKind(
    Options,
    WithheldVotes,
    "keeps its votes to itself",
    drawings=(
        Drawing(_draw, 60),
        Drawing(_draw_of_view_changes, 70),
    ),
)
