"""Asks for views far ahead, ever higher, and votes in them: it wants the others to run after it, or to overflow. To f
members alone it says that it suspects the leader of today: they are to leave by themselves."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind, Drawing, Surroundings
from consortium.core.machine import Effect, Event, Now, Received, Send
from consortium.core.quorum import faults_max

VIEW_MAX = (1 << 53) - 1  # the last that protocols take for one


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    every_us: int = 100_000


class ViewInflation(Behaviour):
    def __init__(self, around: Surroundings, options: Any) -> None:
        super().__init__(around, options)
        self.every_us = options.every_us
        self._view = 1
        self._height = 1
        self._view_now = 0
        self._epoch = 0

    def reacts(self, now: Now, event: Event) -> list[Effect]:
        place = self.place(event, (*self.forge.votes, *self.forge.shows))
        if place is not None and isinstance(event, Received):
            self._height = max(self._height, min(place.height, 1 << 40))
            self._view_now = min(place.view, 1 << 40)
            self._epoch = event.epoch
        return []

    def acts(self, now: Now) -> list[Effect]:
        self._view = min(self._view * 3 + 1, VIEW_MAX)
        if self.around.draw(8) == 0:
            self._view = 1 + self.around.draw(16)
        digest = self.random_bytes(32)
        wish = self.forge.empty_wish(self._view)
        said = (
            *(() if wish is None else (wish,)),
            *self.forge.empty_votes(self._view, self._height + 1, digest),
            *self.forge.absurd(self._view, digest, self.random_bytes(16)),
        )
        doubt = self.forge.empty_doubt(self._view_now)
        few = self.others[: faults_max(len(self.others) + 1)]
        to_few = [] if doubt is None else [Send(name, doubt, b"", self._epoch) for name in few]
        return [*[Send(name, message, b"", self._epoch) for message in said for name in self.others], *to_few]


BEHAVIOUR = BehaviourKind(
    Options, ViewInflation, "asks for views far ahead", drawings=(Drawing(lambda _: {"every_us": 300_000}, 140),)
)
