"""As the leader it orders different batches at one height: one for each group of members."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.behaviours.behaviour import PROPOSALS, Behaviour, BehaviourKind, Surroundings
from consortium.core.codec import Malformed
from consortium.core.machine import Broadcast, Effect, Now, Rebroadcast, Send
from consortium.core.membership import NodeId
from consortium.core.transaction import batch_digest, decode_batch, encode_batch


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`groups`: each is told a version of its own, the first the leader's own; none given: two halves of the others.
    Members of no group are told nothing."""

    groups: tuple[tuple[str, ...], ...] = ()


class EquivocatingLeader(Behaviour):
    def __init__(self, around: Surroundings, options: Any) -> None:
        super().__init__(around, options)
        self._groups: tuple[tuple[NodeId, ...], ...] = options.groups or self.halves()

    def bend(self, now: Now, effect: Effect) -> list[Effect]:
        if isinstance(effect, Rebroadcast):
            return [] if self.kind(effect) in PROPOSALS else [effect]  # it would give itself away
        if not isinstance(effect, Broadcast) or self.kind(effect) not in PROPOSALS or not effect.attachment:
            return [effect]
        effects: list[Effect] = [self.to_self(effect)]
        for version, group in enumerate(self._groups):
            batch = _version(effect.attachment, version)
            message = msgspec.structs.replace(effect.message, digest=batch_digest(batch))
            effects += [Send(name, message, batch, effect.epoch) for name in group if name != self.me]
        return effects


def _version(batch: bytes, version: int) -> bytes:
    """The same bundles at another time: another digest, and as fit as the first."""
    if version == 0:
        return batch
    try:
        decoded = decode_batch(batch)
    except Malformed:
        return batch
    return encode_batch(decoded.time_us + version, decoded.bundles)


BEHAVIOUR = BehaviourKind(Options, EquivocatingLeader, "orders different batches at one height")
