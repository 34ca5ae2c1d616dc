"""As the next leader it says a NEW-VIEW that does not follow from the VIEW-CHANGEs in it, and leads on as if it did."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind, Surroundings
from consortium.core.machine import Broadcast, Effect, Now, Rebroadcast, Send
from consortium.core.messages import Signed
from consortium.protocols.pbft.messages import NewView, Told


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`lie`: `orders` (other batches, or one where nothing was prepared), `drop` (nothing is ordered of what was
    prepared), `few` (too few VIEW-CHANGEs), `forged` (one of them under a wrong signature)."""

    lie: Literal["orders", "drop", "few", "forged"] = "orders"


class BadNewView(Behaviour):
    def __init__(self, around: Surroundings, options: Any) -> None:
        super().__init__(around, options)
        self._lie: str = options.lie

    def bend(self, now: Now, effect: Effect) -> list[Effect]:
        if isinstance(effect, Rebroadcast) and self.kind(effect) == "NewView":
            return []
        if isinstance(effect, Broadcast) and isinstance(effect.message, NewView):
            lie = effect._replace(message=self._bent(effect.message))
            return [self.to_self(effect), *self.to_each(lie, self.others)]
        if isinstance(effect, Send) and isinstance(effect.message, Told):  # the true one lies in its own log
            statements = tuple(signed for signed in effect.message.statements if not self._is_mine(signed))
            return [effect._replace(message=msgspec.structs.replace(effect.message, statements=statements))]
        return [effect]

    def _is_mine(self, signed: Signed) -> bool:
        return signed.sender == self.me and isinstance(self.open(signed), NewView)

    def _bent(self, message: NewView) -> NewView:
        replace = msgspec.structs.replace
        changes = message.changes
        match self._lie:
            case "few":
                return replace(message, changes=changes[:-1])
            case "forged":
                last = changes[-1]
                bad = Signed(last.sender, last.body, self.random_bytes(len(last.signature)))
                return replace(message, changes=(*changes[:-1], bad))
            case "drop" if message.orders:
                return replace(message, orders=())
            case _:
                first = message.orders[0][0] if message.orders else 1
                last_height = message.orders[-1][0] if message.orders else first
                heights = range(first, last_height + 1)
                return replace(message, orders=tuple((height, self.random_bytes(32)) for height in heights))


BEHAVIOUR = BehaviourKind(Options, BadNewView, "says a NEW-VIEW that does not follow")
