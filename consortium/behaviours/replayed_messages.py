"""Sends what others signed again and again, to everybody, whoever it was for: each is valid, and old."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind, Drawing, Surroundings
from consortium.core.machine import Effect, Event, Now, Rebroadcast, Received


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`count` statements every `every_us`, out of the last `kept` heard (and the first ones of all). `kind`: only
    messages of this type, as Submission, whose bundles may have been executed or refused long ago; empty: of all."""

    every_us: int = 120_000
    count: int = 8
    kept: int = 256
    kind: str = ""


class ReplayedMessages(Behaviour):
    def __init__(self, around: Surroundings, options: Any) -> None:
        super().__init__(around, options)
        self._options: Options = options
        self.every_us = self._options.every_us
        self._heard: list[Received] = []
        self._next = 0

    def reacts(self, now: Now, event: Event) -> list[Effect]:
        if isinstance(event, Received) and event.sender != self.me and self._is_meant(event):
            if len(self._heard) < self._options.kept:
                self._heard.append(event)
            else:  # the first half stays: old statements are the worst
                half = self._options.kept // 2
                self._heard[half + self._next % (self._options.kept - half)] = event
                self._next += 1
        return []

    def _is_meant(self, event: Received) -> bool:
        return self._options.kind in ("", type(event.message).__name__)

    def acts(self, now: Now) -> list[Effect]:
        if not self._heard:
            return []
        chosen = [self._heard[self.around.draw(len(self._heard))] for _ in range(self._options.count)]
        return [Rebroadcast(event.signed, event.attachment) for event in chosen]


BEHAVIOUR = BehaviourKind(
    Options,
    ReplayedMessages,
    "repeats what others signed",
    drawings=(Drawing(lambda _: {"every_us": 500_000, "count": 4}, 100),),
)
