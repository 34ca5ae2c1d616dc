"""Sends far more than anybody needs: questions, requests, votes for nothing, submissions of nothing, noise."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Literal

import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind, Drawing, Occasion, Surroundings
from consortium.core.codec import encode
from consortium.core.draws import choose
from consortium.core.machine import Effect, Event, Now, Received, Send, Utter
from consortium.ledger.messages import FetchBlocks, Status
from consortium.node.submission import Submission

Kind = Literal["asks", "votes", "submissions", "requests", "noise"]
TICK_US = 20_000


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`rate`: messages a second, in all; each goes to one member, in turn. `kinds`: of what, in turn."""

    rate: int = 1_000
    kinds: tuple[Kind, ...] = ("asks", "votes", "submissions", "requests", "noise")


class Flooding(Behaviour):
    every_us = TICK_US

    def __init__(self, around: Surroundings, options: Any) -> None:
        super().__init__(around, options)
        self._options: Options = options
        self._sent = self._owed = 0  # messages; millionths of one
        self._height = 1
        self._epoch = 0

    def reacts(self, now: Now, event: Event) -> list[Effect]:
        place = self.place(event, self.forge.shows)
        if place is not None and isinstance(event, Received):
            self._height = max(self._height, place.height)
            self._epoch = event.epoch
        return []

    def acts(self, now: Now) -> list[Effect]:
        effects: list[Effect] = []
        others, kinds = self.others, self._options.kinds
        self._owed += self._options.rate * TICK_US
        count, self._owed = divmod(self._owed, 1_000_000)
        for _ in range(count):
            self._sent += 1
            to, kind = others[self._sent % len(others)], kinds[self._sent // len(others) % len(kinds)]
            effects.append(self._message(now, to, kind))
        return effects

    def _message(self, now: Now, to: str, kind: Kind) -> Effect:
        nonce = self.random_bytes(16)
        height = self._height + self.around.draw(64)
        turn = self.around.draw(2)
        match kind:
            case "asks":
                return Send(to, self.forge.questions(height, nonce)[turn], b"", self._epoch)
            case "votes":
                votes = self.forge.empty_votes(self.around.draw(4), height, self.random_bytes(32))
                return Send(to, votes[(1 - turn) % len(votes)], b"", self._epoch)
            case "submissions":
                attachment = encode(tuple(self.random_bytes(200) for _ in range(1 + self.around.draw(20))))
                return Send(to, Submission(sha256(attachment).digest()), attachment)
            case "requests":
                if turn:
                    return Send(to, FetchBlocks(to, nonce, 1, 1 << 40))
                fetch = self.forge.request(to, height, self.random_bytes(32), nonce)
                if fetch is None or height % 2 == 0:
                    return Send(to, Status(height, 0, self._sent))
                return Send(to, fetch, b"", self._epoch)
            case "noise":
                return Utter(self.random_bytes(1 + self.around.draw(2_000)), to)


def _draw(occasion: Occasion) -> dict[str, Any]:
    return {"rate": choose(occasion.stream, (20, 60))}


BEHAVIOUR = BehaviourKind(Options, Flooding, "sends far more than anybody needs", drawings=(Drawing(_draw, 170),))
