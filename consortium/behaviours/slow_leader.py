"""As the leader it proposes, but as late as it can without losing its place: service goes on, and crawls."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind, Drawing, Later, Surroundings
from consortium.core.machine import Broadcast, Effect, Now


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`delay_us` of each proposal; 0: three quarters of the genesis' timer."""

    delay_us: int = 0


class SlowLeader(Behaviour):
    def __init__(self, around: Surroundings, options: Any) -> None:
        super().__init__(around, options)
        self._delay_us: int = options.delay_us or around.parameters.timer_base_us * 3 // 4

    def bend(self, now: Now, effect: Effect) -> list[Any]:
        if isinstance(effect, Broadcast) and self.kind(effect) in self.forge.proposals:
            return [Later(self._delay_us, (effect,))]
        return [effect]


BEHAVIOUR = BehaviourKind(Options, SlowLeader, "delays its proposals", drawings=(Drawing(lambda _: {}, 20),))
