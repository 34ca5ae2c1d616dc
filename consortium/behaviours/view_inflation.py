"""Asks for views far ahead, ever higher, and votes in them: it wants the others to run after it, or to overflow."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind, Surroundings
from consortium.core.machine import Effect, Event, Now, Received, Send
from consortium.protocols.pbft.messages import INTEGER_MAX, Ask, Commit, Prepare, ViewChange


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    every_us: int = 100_000


class ViewInflation(Behaviour):
    def __init__(self, around: Surroundings, options: Any) -> None:
        super().__init__(around, options)
        self.every_us = options.every_us
        self._view = 1
        self._height = 1
        self._epoch = 0

    def reacts(self, now: Now, event: Event) -> list[Effect]:
        if isinstance(event, Received) and isinstance(event.message, Prepare | Commit):
            self._height = max(self._height, min(event.message.height, 1 << 40))
            self._epoch = event.epoch
        return []

    def acts(self, now: Now) -> list[Effect]:
        self._view = min(self._view * 3 + 1, INTEGER_MAX - 1)
        if self.around.draw(8) == 0:
            self._view = 1 + self.around.draw(16)
        digest = self.random_bytes(32)
        said = (
            ViewChange(self._view, 0, None, ()),
            Prepare(self._view, self._height + 1, digest),
            Commit(self._view, self._height + 1, digest),
            Prepare(self._view, INTEGER_MAX - 1, digest),
            Ask(self.random_bytes(16), self._view, INTEGER_MAX - 1, INTEGER_MAX - 1),
            ViewChange(INTEGER_MAX, INTEGER_MAX, None, ()),
        )
        return [Send(name, message, b"", self._epoch) for message in said for name in self.others]


BEHAVIOUR = BehaviourKind(Options, ViewInflation, "asks for views far ahead")
