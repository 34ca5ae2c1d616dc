"""What was signed in a run, in the order in which it left its signer. What a crash took before it left binds nobody."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

import msgspec

from consortium.core.codec import Decoder, Malformed
from consortium.core.membership import Epochs, NodeId
from consortium.core.messages import ATTACHMENT_BYTES_MAX, Message, Signed, decode_frame
from consortium.core.transaction import bundle_digest
from consortium.core.verifier import Verifier

_BUNDLES: Decoder[tuple[bytes, ...]] = Decoder(tuple[bytes, ...], ATTACHMENT_BYTES_MAX)


class Statement(NamedTuple):
    """A signed message as its signer sent it, its signature verified."""

    epoch: int
    message: Message
    signed: Signed


class Watcher:
    """Hears every frame that leaves a node; keeps each statement once, however often it is said again."""

    def __init__(self) -> None:
        self._seen: dict[bytes, None] = {}
        self._frames: list[Signed] = []
        self.bundles: dict[str, None] = {}  # digests, as traces have them, of the bundles that left

    def hear(self, identity: NodeId, payload: bytes) -> None:
        """`identity` is whose host sent it: what it says in another's name is not that other's."""
        if payload in self._seen:
            return
        self._seen[payload] = None
        try:
            signed, attachment = msgspec.structs.astuple(decode_frame(payload))
        except Malformed:
            return
        if signed.sender == identity:
            self._frames.append(signed)
        if b"Submission" in signed.body:
            with suppress(Malformed):
                self.bundles.update(dict.fromkeys(bundle_digest(raw).hex()[:16] for raw in _BUNDLES.decode(attachment)))

    def statements(self, verifier: Verifier, epochs: Epochs) -> list[Statement]:
        """What is soundly signed, in order, each body of each sender once."""
        known: dict[tuple[NodeId, bytes], None] = {}
        found: list[Statement] = []
        for signed in self._frames:
            if (signed.sender, signed.body) in known:
                continue
            known[signed.sender, signed.body] = None
            try:
                opened = verifier.open(signed, epochs)
            except Malformed:
                continue
            found.append(Statement(opened.epoch, opened.message, signed))
        return found
