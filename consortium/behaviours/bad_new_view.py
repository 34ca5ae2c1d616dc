"""As the next leader it says a NEW-VIEW that does not follow from the VIEW-CHANGEs in it, and leads on as if it did."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind, Drawing, Occasion, Surroundings
from consortium.core.draws import choose
from consortium.core.machine import Broadcast, Effect, Now, Rebroadcast, Send
from consortium.core.messages import Signed


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`lie`: `orders` (other batches, or one where nothing was prepared), `drop` (nothing is ordered of what was
    prepared), `few` (too few VIEW-CHANGEs), `forged` (one of them under a wrong signature)."""

    lie: Literal["orders", "drop", "few", "forged"] = "orders"


class BadNewView(Behaviour):
    def __init__(self, around: Surroundings, options: Any) -> None:
        super().__init__(around, options)
        self._lie: str = options.lie

    def bend(self, now: Now, effect: Effect) -> list[Effect]:
        if isinstance(effect, Rebroadcast) and self.kind(effect) in self.forge.openings:
            return []
        if isinstance(effect, Broadcast) and self.kind(effect) in self.forge.openings:
            bent = self.forge.bent_opening((effect.message, effect.attachment), self._lie, self.random_bytes)
            if bent is None:
                return [effect]
            lie = effect._replace(message=bent[0], attachment=bent[1])
            return [self.to_self(effect), *self.to_each(lie, self.others)]
        if isinstance(effect, Send):  # the true one lies in its own log
            return [effect._replace(message=self.forge.without(effect.message, self._is_mine))]
        return [effect]

    def _is_mine(self, signed: Signed) -> bool:
        return signed.sender == self.me and type(self.open(signed)).__name__ in self.forge.openings


def _draw(occasion: Occasion) -> dict[str, Any]:
    return {"lie": choose(occasion.stream, ("orders", "drop", "few", "forged"))}


BEHAVIOUR = BehaviourKind(Options, BadNewView, "says a NEW-VIEW that does not follow", drawings=(Drawing(_draw, 130),))
