"""Says nothing to anybody, though it is up: the mildest traitor, and one that no one can prove."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind, Drawing, Occasion, Surroundings
from consortium.core.draws import chance
from consortium.core.machine import Broadcast, Effect, Event, Now, Received, Send


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`deaf`: it hears nothing either."""

    deaf: bool = False


class Silent(Behaviour):
    def __init__(self, around: Surroundings, options: Any) -> None:
        super().__init__(around, options)
        self._is_deaf: bool = options.deaf

    def hears(self, event: Event) -> bool:
        return not (self._is_deaf and isinstance(event, Received) and event.sender != self.me)

    def bend(self, now: Now, effect: Effect) -> list[Effect]:
        if isinstance(effect, Broadcast):
            return [self.to_self(effect)]
        return [effect] if isinstance(effect, Send) and effect.to == self.me else []


def _draw(occasion: Occasion) -> dict[str, Any]:
    return {"deaf": chance(occasion.stream, 30)}


BEHAVIOUR = BehaviourKind(Options, Silent, "says nothing to anybody", drawings=(Drawing(_draw, 10),))
