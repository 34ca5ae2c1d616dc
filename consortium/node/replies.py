"""Replies: what a node says of blocks that hold requests of applications, and what it heard others say of them.

A block without such requests is nobody's business: nothing is sent, nothing kept. Replies are not sent again. One that
was lost is made up for by others, and at the latest by the seal over the block.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

from consortium.core.machine import Broadcast, Effect, Event, Executed, Note, Now, Receipted, Received
from consortium.core.membership import Epochs, NodeId
from consortium.core.messages import Message
from consortium.core.replies import Reply
from consortium.core.requests import REQUEST_MIN

KEPT_HEIGHTS = 256  # below the head
AHEAD_HEIGHTS = 256  # above it: who executes later than the others hears them first
OLD_US = 10_000_000  # a block so much older than this node's clock is caught up with: nobody waits for a word on it


class _Said:
    """Of one height. `own`: the digest of the header that was executed here; None: not yet."""

    __slots__ = ("body", "by", "is_told", "own")

    def __init__(self) -> None:
        self.own: bytes | None = None
        self.body = b""  # of our own statement, once it is said
        self.by: dict[NodeId, tuple[bytes, bytes]] = {}  # digest and signature, the first of each validator
        self.is_told = False

    def matching(self) -> dict[NodeId, bytes]:
        return {name: signature for name, (digest, signature) in self.by.items() if digest == self.own}


class Replies:
    """Hears Executed, Receipted, Reply; emits Broadcast(Reply), Note. A note `acknowledged` tells that f+1 validators
    have executed what was executed here."""

    messages: tuple[type[Message], ...] = (Reply,)

    def __init__(self, me: NodeId, epochs: Epochs, head_height: int) -> None:
        self._me = me
        self._epochs = epochs
        self._head_height = head_height
        self._digest = b""
        self._said: OrderedDict[int, _Said] = OrderedDict()
        self._needless: set[bytes] = set()  # bodies of our own statements on what is acknowledged

    def matching(self, height: int) -> Mapping[NodeId, bytes]:
        """The signatures of those that executed at this height what was executed here; empty where nothing is kept."""
        said = self._said.get(height)
        return {} if said is None else said.matching()

    def is_needless(self, body: bytes) -> bool:
        """Whether enough others have said already what this statement says. Nothing would come of it: its signature
        need not be looked at."""
        return body in self._needless

    def step(self, now: Now, event: Event) -> Sequence[Effect]:
        match event:
            case Executed(height, digest):
                self._head_height, self._digest = height, digest
                self._forget()
                return ()
            case Receipted():
                return self._on_receipted(now, event)
            case Received(message=Reply() as reply):
                return self._on_reply(event, reply)
            case _:
                return ()

    def _on_receipted(self, now: Now, event: Receipted) -> Sequence[Effect]:
        height = event.height
        if event.is_replay or height != self._head_height:
            return ()
        if not any(outcome.number >= REQUEST_MIN for outcome in event.outcomes):
            self._said.pop(height, None)
            return ()
        said = self._said.setdefault(height, _Said())
        said.own = self._digest
        epoch = self._epochs.at(height)
        if not epoch.is_validator(self._me) or now.wall_us - event.time_us > OLD_US:
            return self._try_acknowledged(height, said)
        return [Broadcast(Reply(height, self._digest), b"", epoch.number), *self._try_acknowledged(height, said)]

    def _on_reply(self, event: Received, reply: Reply) -> Sequence[Effect]:
        height = reply.height
        if not self._head_height - KEPT_HEIGHTS < height <= self._head_height + AHEAD_HEIGHTS:
            return ()
        epoch = self._epochs.at(height)
        if event.epoch != epoch.number or not epoch.is_validator(event.sender) or len(reply.header_digest) != 32:
            why = "not a validator's REPLY of the epoch of its height"
            return [Note("rejected", {"why": why, "sender": event.sender, "message": "Reply"})]
        if height <= self._head_height and height not in self._said:
            return ()  # of a block that holds no request
        said = self._said.setdefault(height, _Said())
        held = said.by.setdefault(event.sender, (reply.header_digest, event.signed.signature))
        if event.sender == self._me:
            said.body = event.signed.body
        if held[0] != reply.header_digest:
            fields = {"height": height, "by": event.sender, "header": reply.header_digest.hex()[:16]}
            return [Note("reply_differs", {**fields, "others": held[0].hex()[:16]})]
        return self._try_acknowledged(height, said)

    def _try_acknowledged(self, height: int, said: _Said) -> Sequence[Effect]:
        effects: list[Effect] = []
        matching = said.matching()
        if said.own is not None and not said.is_told and len(matching) >= self._epochs.at(height).weak:
            said.is_told = True
            effects.append(Note("acknowledged", {"height": height, "by": sorted(matching)}))
        if said.is_told and said.body:
            self._needless.add(said.body)
        return effects

    def _forget(self) -> None:
        """What lies far below the head. Heights come in about their order."""
        while self._said and (oldest := next(iter(self._said))) <= self._head_height - KEPT_HEIGHTS:
            self._needless.discard(self._said.pop(oldest).body)
