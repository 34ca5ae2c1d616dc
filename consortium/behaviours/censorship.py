"""As the leader it never orders the bundles of one member: it does not hear them."""

from __future__ import annotations

from typing import Any

import msgspec

from consortium.behaviours.behaviour import Behaviour, BehaviourKind, Drawing, Occasion, Surroundings
from consortium.core.codec import Decoder, Malformed
from consortium.core.draws import choose
from consortium.core.machine import Event, Received
from consortium.core.messages import ATTACHMENT_BYTES_MAX
from consortium.core.transaction import BUNDLE_BYTES_MAX, Bundle
from consortium.node.submission import Submission

_BUNDLES: Decoder[tuple[bytes, ...]] = Decoder(tuple[bytes, ...], ATTACHMENT_BYTES_MAX)
_BUNDLE: Decoder[Bundle] = Decoder(Bundle, BUNDLE_BYTES_MAX)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`client`: whose bundles; "" for the last of the other members."""

    client: str = ""


class Censorship(Behaviour):
    def __init__(self, around: Surroundings, options: Any) -> None:
        super().__init__(around, options)
        self.client: str = options.client or self.others[-1]

    def hears(self, event: Event) -> bool:
        if not isinstance(event, Received) or not isinstance(event.message, Submission) or event.sender == self.me:
            return True
        try:
            members = [_BUNDLE.decode(raw).member for raw in _BUNDLES.decode(event.attachment)]
        except Malformed:
            return True
        return self.client not in members


def _draw(occasion: Occasion) -> dict[str, Any]:
    return {"client": choose(occasion.stream, occasion.honest)}


BEHAVIOUR = BehaviourKind(Options, Censorship, "does not order one member's bundles", drawings=(Drawing(_draw, 150),))
