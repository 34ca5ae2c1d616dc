"""Frames leave it broken: bits flipped, ends cut off, or bytes that never were a frame."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind, Drawing, Surroundings
from consortium.core.machine import Broadcast, Effect, Mangled, Now, Rebroadcast, Send, Utter

TICK_US = 50_000


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`ppm`: how many of its frames are broken, in parts per million. `garbage`: pieces of noise a second."""

    ppm: int = 300_000
    garbage: int = 20


class CorruptBytes(Behaviour):
    every_us = TICK_US

    def __init__(self, around: Surroundings, options: Any) -> None:
        super().__init__(around, options)
        self._options: Options = options

    def bend(self, now: Now, effect: Effect) -> list[Effect]:
        if isinstance(effect, Send | Broadcast | Rebroadcast) and self.around.draw(1_000_000) < self._options.ppm:
            return [Mangled(effect, self._broken)]
        return [effect]

    def acts(self, now: Now) -> list[Effect]:
        noise = [self.random_bytes(1 + self.around.draw(500)) for _ in range(self._options.garbage * TICK_US // 10**6)]
        return [Utter(self._nested() if self.around.draw(4) == 0 else data) for data in noise]

    def _broken(self, payload: bytes) -> bytes:
        place = self.around.draw(len(payload))
        if self.around.draw(4) == 0:
            return payload[:place]
        return payload[:place] + bytes([payload[place] ^ 1 << self.around.draw(8)]) + payload[place + 1 :]

    def _nested(self) -> bytes:
        """An array in an array in an array …"""
        return b"\x91" * (1_000 + self.around.draw(5_000))


BEHAVIOUR = BehaviourKind(
    Options, CorruptBytes, "its frames leave it broken", drawings=(Drawing(lambda _: {"garbage": 5}, 180),)
)
