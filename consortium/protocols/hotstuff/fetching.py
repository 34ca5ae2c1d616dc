"""Blocks and batches that we know by digest only: fetched from those whose signatures say that they hold them."""

from __future__ import annotations

from collections.abc import Sequence

from consortium.core.codec import Malformed, encode
from consortium.core.machine import Effect, Now, Received
from consortium.core.membership import NodeId
from consortium.core.transaction import batch_digest
from consortium.protocols.common.holders import Holders
from consortium.protocols.common.rate_limit import RateLimit
from consortium.protocols.hotstuff.messages import (
    CARRIED,
    BlockFound,
    Carried,
    FetchBlock,
    block_digest,
    header_fault,
)
from consortium.protocols.hotstuff.replica_state import ReplicaState
from consortium.protocols.hotstuff.tree import Block

WANTED_MAX = 256


class Fetching:
    """Nothing is kept that was not asked for, and nothing that does not match its digest."""

    def __init__(self, state: ReplicaState) -> None:
        self._state = state
        self._holders: Holders[bytes] = Holders()  # by digest
        self._asked: dict[tuple[bytes, bool], None] = {}  # since the last round
        parameters = state.parameters
        self._answers_left = RateLimit(4 * parameters.window, parameters.timer_base_us)

    def clear(self) -> None:
        self._holders.clear()
        self._asked.clear()

    def again(self) -> None:
        """What is still missing may be asked for once more, from the next holders."""
        self._asked.clear()
        if len(self._holders) > WANTED_MAX:
            self._holders.clear()

    def need(self, now: Now, digest: bytes, holders: Sequence[NodeId], *, with_body: bool) -> list[Effect]:
        """Ask the next two holders, once a round."""
        state = self._state
        names = [name for name in holders if name != state.me]
        if not names or (digest, with_body) in self._asked or len(self._asked) >= WANTED_MAX:
            return []
        self._asked[digest, with_body] = None
        chosen = self._holders.next(digest, names)
        return [state.tell(name, FetchBlock(name, state.nonce(now), digest, with_body)) for name in chosen]

    def confront(self, now: Now) -> list[Effect]:
        """Ask those who voted for another block than the one that we heard what their leader told them."""
        state = self._state
        effects: list[Effect] = []
        for doubt in state.heard.questions(state.view):
            if state.leads(doubt.view) in state.evidence:
                continue
            self._asked.pop((doubt.digest, False), None)
            effects += self.need(now, doubt.digest, doubt.voters, with_body=False)
        return effects

    def need_body(self, now: Now, block: Block) -> list[Effect]:
        """Of a block in our tree: from those who voted for it if we know them, else from its leader and the others."""
        state = self._state
        high = state.high
        voted = high.signers if high is not None and high.digest == block.digest else ()
        others = [name for name in state.epoch.validators if name not in voted]
        first = state.leads(block.view)
        others.sort(key=lambda name: name != first)
        return self.need(now, block.digest, [*voted, *others], with_body=True)

    def on_fetch(self, now: Now, event: Received, request: FetchBlock) -> list[Effect]:
        """Answered if we hold the block and the asker still has answers left in this period."""
        state = self._state
        if request.receiver != state.me or event.sender == state.me or event.epoch != state.epoch.number:
            return []
        block = state.tree.get(request.digest)
        if block is None or block.header is None or (request.with_body and block.lacks_body):
            return []
        if not self._answers_left.spend(now, event.sender):
            return []
        carried = Carried(block.header, block.body if request.with_body else None, None)
        found = BlockFound(event.sender, request.nonce, request.digest, block.signed)
        return [state.answer(event, found, encode(carried))]

    def on_found(self, event: Received, answer: BlockFound) -> Block | None:
        """The block that we asked for; None if it is none. Content decides, not who sent it. (The proposal beside it is
        for others to hear.)"""
        state = self._state
        if answer.receiver != state.me or answer.digest not in self._holders:
            return None
        carried = opened(event.attachment)
        if carried is None or block_digest(carried.header) != answer.digest:
            return None
        block = state.tree.add(answer.digest, carried.header)
        take_body(block, carried.body)
        return block


def opened(attachment: bytes) -> Carried | None:
    """The block in an attachment; None where it is none."""
    try:
        carried = CARRIED.decode(attachment)
    except Malformed:
        return None
    return None if header_fault(carried.header) is not None else carried


def take_body(block: Block, body: bytes | None) -> bool:
    """Keep a batch if it is that of the block; False if it is another."""
    if body is None or not block.lacks_body:
        return True
    if batch_digest(body) != block.batch:
        return False
    block.body = body
    return True
