"""Sends statements in the name of others: their real ones with other contents, and inventions. It has no key but its
own, so that none of them is validly signed; and it orders batches in views that it does not lead."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind, Drawing, Surroundings
from consortium.core.machine import Effect, Event, Now, Received, Send, Utter
from consortium.core.messages import Frame, Signed, encode_frame

KEPT_MAX = 64


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`every_us`: how often it sends one forgery of each kind, to all."""

    every_us: int = 20_000


class ForgedMessages(Behaviour):
    def __init__(self, around: Surroundings, options: Any) -> None:
        super().__init__(around, options)
        self.every_us = options.every_us
        self._heard: list[Received] = []

    def reacts(self, now: Now, event: Event) -> list[Effect]:
        if isinstance(event, Received) and event.sender != self.me:
            self._heard = [*self._heard[-KEPT_MAX:], event]
        return []

    def acts(self, now: Now) -> list[Effect]:
        if not self._heard:
            return []
        heard = self._heard[self.around.draw(len(self._heard))]
        return [*self._bent(heard), *self._invented(heard), *self._usurped(heard)]

    def _bent(self, heard: Received) -> list[Effect]:
        """Another's statement with one byte changed under the old signature."""
        body = bytearray(heard.signed.body)
        body[-1 - self.around.draw(min(len(body), 24))] ^= 1 + self.around.draw(255)
        forged = Signed(heard.sender, bytes(body), heard.signed.signature)
        return [Utter(encode_frame(Frame(forged, heard.attachment)))]

    def _invented(self, heard: Received) -> list[Effect]:
        """A vote that another never gave, under random bytes; and our own statement's place taken by another's name."""
        message: Any = heard.message
        votes = self.forge.empty_votes(
            getattr(message, "view", 0), getattr(message, "height", 1), self.random_bytes(32)
        )
        vote = votes[-1]
        body = self.around.codec.statement(heard.epoch, vote)
        return [Utter(encode_frame(Frame(Signed(heard.sender, body, self.random_bytes(64)))))]

    def _usurped(self, heard: Received) -> list[Effect]:
        """Validly signed by us: an order in a view that another leads."""
        place = self.place(heard, (*self.forge.votes, *self.forge.shows))
        if place is None or self.leader(place.view) == self.me:
            return []
        order = self.forge.empty_proposal(place.view, place.height + 1, self.random_bytes(32))
        if order is None:
            return []
        return [Send(name, order, b"", heard.epoch) for name in self.others]


BEHAVIOUR = BehaviourKind(
    Options,
    ForgedMessages,
    "sends statements in the name of others",
    drawings=(Drawing(lambda _: {"every_us": 200_000}, 90),),
)
