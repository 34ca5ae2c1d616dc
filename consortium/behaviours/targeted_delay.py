"""Whatever it says to some members comes late; the others are served at once. The chosen seem slow to everybody."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind, Drawing, Later, Occasion, Surroundings
from consortium.core.draws import between
from consortium.core.machine import Broadcast, Effect, Now, Rebroadcast, Send
from consortium.core.membership import NodeId


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`to`: whom it delays (none named: the first of the others). `messages`: class names; none named: all."""

    to: tuple[str, ...] = ()
    delay_us: int = 300_000
    messages: tuple[str, ...] = ()


class TargetedDelay(Behaviour):
    def __init__(self, around: Surroundings, options: Any) -> None:
        super().__init__(around, options)
        self._options: Options = options
        self._victims: tuple[NodeId, ...] = options.to or tuple(self.others[:1])

    def bend(self, now: Now, effect: Effect) -> list[Any]:
        if not isinstance(effect, Send | Broadcast | Rebroadcast):
            return [effect]
        if self._options.messages and self.kind(effect) not in self._options.messages:
            return [effect]
        delay_us = self._options.delay_us
        if isinstance(effect, Send):
            return [Later(delay_us, (effect,))] if effect.to in self._victims else [effect]
        if isinstance(effect, Broadcast):
            late = tuple(self.to_each(effect, [name for name in self.others if name in self._victims]))
            swift = self.to_each(effect, [name for name in self.others if name not in self._victims])
            return [self.to_self(effect), *swift, Later(delay_us, late)]
        if effect.to is not None:
            return [Later(delay_us, (effect,))] if effect.to in self._victims else [effect]
        swift = [effect._replace(to=name) for name in self.others if name not in self._victims]
        late = tuple(effect._replace(to=name) for name in self.others if name in self._victims)
        return [*swift, Later(delay_us, late)]


def _draw(occasion: Occasion) -> dict[str, Any]:
    delay_us = occasion.shape.timer_us * between(occasion.stream, 1, 30) // 10
    return {"to": occasion.victims, "delay_us": delay_us}


BEHAVIOUR = BehaviourKind(Options, TargetedDelay, "speaks late to some members", drawings=(Drawing(_draw, 30),))
