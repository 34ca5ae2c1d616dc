"""Its VIEW-CHANGE lies: certificates with contents that nobody signed, a stable height that no seal proves, or nothing
of what it had prepared."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind, Drawing, Occasion, Surroundings
from consortium.core.draws import choose
from consortium.core.machine import Broadcast, Effect, Event, Now, Rebroadcast, Received, Send
from consortium.core.message_forge import Overheard, Said
from consortium.core.messages import Message


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`lie`: `claims` (each about another batch, and one invented), `seal` (a stable height far ahead), `omit` (no
    claims at all: well formed), `repeat` (each claim twice). `provoke_us` > 0: so often it asks for a new view."""

    lie: Literal["claims", "seal", "omit", "repeat"] = "claims"
    provoke_us: int = 0


class PoisonedViewChange(Behaviour):
    def __init__(self, around: Surroundings, options: Any) -> None:
        super().__init__(around, options)
        self._options: Options = options
        self.every_us = self._options.provoke_us
        self._view = 0
        self._heard: Overheard | None = None
        self._epoch = 0

    def reacts(self, now: Now, event: Event) -> list[Effect]:
        place = self.place(event, (*self.forge.proposals, *self.forge.votes))
        if place is not None and isinstance(event, Received):
            self._view = max(self._view, min(place.view, 1 << 20))
            self._epoch = event.epoch
            if type(event.message).__name__ in self.forge.proposals:
                self._heard = Overheard(event.signed, event.message, self.around.epochs.newest, self._statement)
        return []

    def _statement(self, message: Message) -> bytes:
        return self.around.codec.statement(self._epoch, message)

    def bend(self, now: Now, effect: Effect) -> list[Effect]:
        if isinstance(effect, Rebroadcast) and self.kind(effect) in self.forge.wishes:
            return []
        if isinstance(effect, Broadcast) and self.kind(effect) in self.forge.wishes:
            message, attachment = self._lie((effect.message, effect.attachment))
            lie = effect._replace(message=message, attachment=attachment)
            return [self.to_self(effect), *self.to_each(lie, self.others)]
        return [effect]

    def acts(self, now: Now) -> list[Effect]:
        empty = self.forge.empty_wish(self._view + 1)
        if empty is None:
            return []
        wish, attachment = self._lie((empty, b""))
        return [Send(name, wish, attachment, self._epoch) for name in self.others]

    def _lie(self, said: Said) -> Said:
        return self.forge.bent_wish(said, self._options.lie, self.random_bytes, self._heard)


def _draw(occasion: Occasion) -> dict[str, Any]:
    lie = choose(occasion.stream, ("claims", "seal", "omit", "omit", "repeat"))
    timer_us = occasion.shape.timer_us
    return {"lie": lie, "provoke_us": choose(occasion.stream, (0, timer_us, 3 * timer_us))}


BEHAVIOUR = BehaviourKind(
    Options,
    PoisonedViewChange,
    "lies in its VIEW-CHANGE",
    drawings=(
        Drawing(_draw, 110),
        Drawing(_draw, 120),
    ),
)
