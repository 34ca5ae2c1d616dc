"""What was signed in a run, in the order in which it left its signer. What a crash took before it left binds nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec

from consortium.core.codec import Decoder, Malformed
from consortium.core.discovery import offered_by_name
from consortium.core.membership import Epochs, NodeId
from consortium.core.messages import ATTACHMENT_BYTES_MAX, Message, MessageCodec, Signed, decode_frame
from consortium.core.transaction import bundle_digest
from consortium.core.verifier import Verifier
from consortium.lab.checks.claims import Kind

_BUNDLES: Decoder[tuple[bytes, ...]] = Decoder(tuple[bytes, ...], ATTACHMENT_BYTES_MAX)


class Statement(NamedTuple):
    """A signed message as its signer sent it, its signature verified."""

    epoch: int
    message: Message
    signed: Signed


class Said(NamedTuple):
    """All that was signed in a run: each statement once, where it first left its signer. `honest`: whose statements
    the rules bind."""

    statements: Sequence[Statement]
    honest: frozenset[NodeId]
    codec: MessageCodec
    epochs: Epochs


class SaidClaim(NamedTuple):
    """A claim about what was said, which only a run can be judged by whose bus was watched: exploration does so. Its
    check answers with sentences of what is wrong."""

    name: str
    kind: Kind
    sentence: str
    check: Callable[[Said], list[str]]


def said_claims() -> tuple[SaidClaim, ...]:
    """Every claim about what was said, by name: the value `CHECK` of a module of this folder or of a plug-in. Raises
    NameTaken where two have one name."""
    return tuple(offered_by_name(__package__, "CHECK", SaidClaim).values())


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
