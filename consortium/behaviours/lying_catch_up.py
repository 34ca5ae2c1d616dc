"""Lies to those that catch up: about heights, batches, certificates and snapshots."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Literal

import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind, Drawing, Surroundings
from consortium.core.codec import Decoder, encode
from consortium.core.machine import Broadcast, Effect, Now, Send
from consortium.core.messages import ATTACHMENT_BYTES_MAX, Message
from consortium.ledger.messages import Blocks, Snapshot, Status

Lie = Literal["heights", "bodies", "certificates", "snapshots"]
_BLOCKS: Decoder[list[tuple[bytes | None, bytes, bytes | None]]] = Decoder(
    list[tuple[bytes | None, bytes, bytes | None]], ATTACHMENT_BYTES_MAX
)
_PART: Decoder[list[tuple[bytes, bytes]]] = Decoder(list[tuple[bytes, bytes]], ATTACHMENT_BYTES_MAX)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`about`: which lies; `ahead`: by how much it overstates heights. Every `every_us` it boasts to everybody."""

    about: tuple[Lie, ...] = ("heights", "bodies", "certificates", "snapshots")
    ahead: int = 50_000
    every_us: int = 500_000


class LyingCatchUp(Behaviour):
    def __init__(self, around: Surroundings, options: Any) -> None:
        super().__init__(around, options)
        self._options: Options = options
        self._about = frozenset(self._options.about)
        self.every_us = self._options.every_us if "heights" in self._about else 0

    def acts(self, now: Now) -> list[Effect]:
        boast = Status(self._options.ahead, 0, now.monotonic_us)
        return [Send(name, boast) for name in self.others]

    def bend(self, now: Now, effect: Effect) -> list[Effect]:
        if not isinstance(effect, Send | Broadcast):
            return [effect]
        message, attachment = self._lie(effect.message, effect.attachment)
        if message is effect.message and attachment is effect.attachment:
            return [effect]
        if isinstance(effect, Send):
            return [effect._replace(message=message, attachment=attachment)]
        return [self.to_self(effect), *self.to_each(Broadcast(message, attachment, effect.epoch), self.others)]

    def _lie(self, message: Message, attachment: bytes) -> tuple[Message, bytes]:
        replace = msgspec.structs.replace
        match message:
            case Status() if "heights" in self._about:
                return replace(message, height=message.height + self._options.ahead), attachment
            case Blocks() if self._about & {"bodies", "certificates"}:
                bent = encode([self._block(*entry) for entry in _BLOCKS.decode(attachment)])
                return replace(message, digest=sha256(bent).digest()), bent
            case Snapshot() if "snapshots" in self._about:
                rows = [(key, self._bent(value)) for key, value in _PART.decode(attachment)]
                return replace(message, digest=sha256(encode(rows)).digest()), encode(rows)
            case _ if "bodies" in self._about and attachment and self.forge.has_body(message):
                return message, self._bent(attachment)
            case _ if "heights" in self._about:
                return self.forge.overstated(message, self._options.ahead), attachment
            case _:
                return message, attachment

    def _block(
        self, batch: bytes | None, certificate: bytes, seal: bytes | None
    ) -> tuple[bytes | None, bytes, bytes | None]:
        if "bodies" in self._about:
            batch = None if batch is None else self._bent(batch)
        if "certificates" in self._about:
            certificate = certificate[:-1] + bytes([certificate[-1] ^ 1])
            seal = None if seal is None else seal[:-1] + bytes([seal[-1] ^ 1])
        return batch, certificate, seal

    def _bent(self, data: bytes) -> bytes:
        """Another byte at a random place."""
        if not data:
            return b"\x00"
        place = self.around.draw(len(data))
        return data[:place] + bytes([data[place] ^ 0x20]) + data[place + 1 :]


BEHAVIOUR = BehaviourKind(
    Options, LyingCatchUp, "lies to those that catch up", drawings=(Drawing(lambda _: {"every_us": 1_000_000}, 160),)
)
