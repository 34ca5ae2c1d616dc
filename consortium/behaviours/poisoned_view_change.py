"""Its VIEW-CHANGE lies: certificates with contents that nobody signed, a stable height that no seal proves, or nothing
of what it had prepared."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind, Surroundings
from consortium.core.machine import Broadcast, Effect, Event, Now, Rebroadcast, Received, Send
from consortium.core.messages import Certificate, Signed
from consortium.protocols.pbft.messages import Claim, Commit, Prepare, PrePrepare, ViewChange


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
        self._order: Signed | None = None  # the last PRE-PREPARE heard, and what it says
        self._ordered: PrePrepare | None = None
        self._epoch = 0

    def reacts(self, now: Now, event: Event) -> list[Effect]:
        if isinstance(event, Received) and isinstance(event.message, PrePrepare | Prepare | Commit):
            self._view = max(self._view, min(event.message.view, 1 << 20))
            self._epoch = event.epoch
            if isinstance(event.message, PrePrepare):
                self._order, self._ordered = event.signed, event.message
        return []

    def bend(self, now: Now, effect: Effect) -> list[Effect]:
        if isinstance(effect, Rebroadcast) and self.kind(effect) == "ViewChange":
            return []
        if isinstance(effect, Broadcast) and isinstance(effect.message, ViewChange):
            lie = effect._replace(message=self._lie(effect.message))
            return [self.to_self(effect), *self.to_each(lie, self.others)]
        return [effect]

    def acts(self, now: Now) -> list[Effect]:
        wish = self._lie(ViewChange(self._view + 1, 0, None, ()))
        return [Send(name, wish, b"", self._epoch) for name in self.others]

    def _lie(self, message: ViewChange) -> ViewChange:
        replace = msgspec.structs.replace
        match self._options.lie:
            case "seal":
                return replace(message, stable_height=message.stable_height + 1_000)
            case "omit":
                return replace(message, claims=())
            case "repeat":
                return replace(message, claims=tuple(claim for claim in message.claims for _ in range(2)))
            case _:
                bent = tuple(replace(claim, votes=self._bent(claim.votes)) for claim in message.claims)
                return replace(message, claims=(*bent, *self._invented(message)))

    def _bent(self, votes: Certificate) -> Certificate:
        """The signatures of a certificate under another digest (the last bytes of a vote's body)."""
        return Certificate(votes.body[:-32] + self.random_bytes(32), votes.signatures)

    def _invented(self, message: ViewChange) -> tuple[Claim, ...]:
        """That a real order was prepared by everybody, under signatures of nobody."""
        if self._order is None or self._ordered is None or self._ordered.height <= message.stable_height:
            return ()
        order = self._ordered
        body = self.around.codec.statement(self._epoch, Prepare(order.view, order.height, order.digest))
        names = [name for name in self.around.epochs.newest.validators if name != self._order.sender]
        signatures = tuple((name, self.random_bytes(len(self._order.signature))) for name in names)
        return (Claim(self._order, Certificate(body, signatures[: self.around.epochs.newest.quorum - 1])),)


BEHAVIOUR = BehaviourKind(Options, PoisonedViewChange, "lies in its VIEW-CHANGE")
