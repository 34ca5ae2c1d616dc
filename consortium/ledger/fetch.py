"""The taking half of catch-up: requests under way to one peer, and what came back, checked as far as bytes go.

Two nouns: `BlockFetch` (consecutive heights, a few requests in flight) and `SnapshotFetch` (parts of one copy).
Neither sends nor decides; `CatchUp` does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from hashlib import sha256
from typing import Annotated, NamedTuple

from msgspec import Meta

from consortium.core.codec import Decoder, Malformed, array_length, tagged_hash
from consortium.core.header import Header
from consortium.core.machine import Effect, Now, Received, Send
from consortium.core.membership import Epochs, NodeId
from consortium.core.seals import CERTIFICATE_BYTES_MAX, LINKS_MAX, Linked, check_link, decode_certificate, decode_link
from consortium.core.transaction import BATCH_BYTES_MAX
from consortium.core.verifier import Verifier
from consortium.ledger.base import Base
from consortium.ledger.given_block import GivenBlock
from consortium.ledger.messages import Blocks, FetchBlocks, FetchSnapshot, Snapshot
from consortium.ledger.serve import ANSWER_BYTES, BLOCKS_MAX
from consortium.ledger.snapshot import PART_BYTES, PARTS_MAX, base_of, decode_part, prove_state

REQUESTS_MAX = 3
READY_MAX = 8 * BLOCKS_MAX  # heights asked for or held above the head
READY_BYTES_MAX = 16_000_000  # held above the head, or on their way: with so much nothing more is asked for
ANSWER_BYTES_MAX = ANSWER_BYTES + 64 * BLOCKS_MAX  # of several blocks, with what MessagePack adds
BLOCK_BYTES_MAX = BATCH_BYTES_MAX + 2 * CERTIFICATE_BYTES_MAX + 64  # of one
ANSWER_TIMEOUT_US = 3_000_000
SNAPSHOT_TIMEOUT_US = 10_000_000  # the giver may have to wait for a seal
ASK_AGAIN_US = 1_000_000
PART_BYTES_MAX = 2 * PART_BYTES  # a part ends with the row that fills it
SNAPSHOT_BYTES_MAX = 128_000_000  # of all parts and their rows: held until the last has come, and only then proven
ROW_BYTES = 200  # of a row besides its bytes, while its root is computed

_BLOCKS: Decoder[list[tuple[bytes | None, bytes, bytes | None]]] = Decoder(
    Annotated[list[tuple[bytes | None, bytes, bytes | None]], Meta(max_length=BLOCKS_MAX)], BLOCK_BYTES_MAX
)


class _Request(NamedTuple):
    first: int
    last: int
    sent_us: int


class Nonces:
    """Values that this node never used before: an answer to an older question is no answer."""

    def __init__(self, me: NodeId) -> None:
        self._me = me.encode()
        self._count = 0

    def fresh(self, now: Now) -> bytes:
        self._count += 1
        clock = now.monotonic_us.to_bytes(16, "big", signed=True) + now.wall_us.to_bytes(16, "big", signed=True)
        return tagged_hash(b"catch-up nonce", self._me, clock, self._count.to_bytes(8, "big"))[:16]


class BlockFetch:
    """Heights from `peer`, a few requests in flight; an answer that stops short is asked on. Bounded in bytes: what is
    held, and what the open requests may bring.

    `is_probe`: nothing but the peer's word says that there is more. It is asked for one height until one was proven."""

    def __init__(self, peer: NodeId, nonces: Nonces, head: int, *, is_probe: bool = False) -> None:
        self.peer = peer
        self.is_probe = is_probe
        self._ready: dict[int, GivenBlock] = {}
        self._bytes = 0  # of those
        self._nonces = nonces
        self._requests: dict[bytes, _Request] = {}
        self._rest: deque[tuple[int, int]] = deque()  # ranges to ask for again
        self._next = head + 1

    @property
    def is_waiting(self) -> bool:
        return bool(self._requests)

    def pump(self, now: Now, head: int, goal: int) -> list[Effect]:
        """Requests to send now."""
        effects: list[Effect] = []
        while len(self._requests) < REQUESTS_MAX and self._has_room(head):
            if self._rest:
                first, last = self._rest.popleft()
            else:
                first = self._next = max(self._next, head + 1)
                last = min(first + BLOCKS_MAX - 1, goal, head + (1 if self.is_probe else READY_MAX))
                if last < first:
                    break
                self._next = last + 1
            nonce = self._nonces.fresh(now)
            self._requests[nonce] = _Request(first, last, now.monotonic_us)
            effects.append(Send(self.peer, FetchBlocks(self.peer, nonce, first, last)))
        return effects

    def _has_room(self, head: int) -> bool:
        """Always for the very next height: what is held waits for it."""
        is_stuck = not self._requests and head + 1 not in self._ready
        return is_stuck or self._bytes + (len(self._requests) + 1) * ANSWER_BYTES_MAX <= READY_BYTES_MAX

    def is_ready(self, height: int) -> bool:
        return height in self._ready

    def pop(self, height: int) -> GivenBlock | None:
        """What came for this height, if anything; it is held no more."""
        found = self._ready.pop(height, None)
        if found is not None:
            self._bytes -= found.size
        return found

    def forget(self, height: int) -> None:
        """Executed up to here, whoever brought it."""
        for at in [at for at in self._ready if at <= height]:
            self.pop(at)

    def is_late(self, now: Now) -> bool:
        return any(now.monotonic_us - request.sent_us >= ANSWER_TIMEOUT_US for request in self._requests.values())

    def take(self, event: Received, answer: Blocks) -> int | None:
        """How many heights came; None: not an answer to a question of ours. Raises Malformed."""
        request = self._requests.get(answer.nonce)
        if request is None or event.sender != self.peer or answer.first_height != request.first:
            return None
        del self._requests[answer.nonce]
        count, size = array_length(event.attachment), len(event.attachment)
        if count > request.last - request.first + 1:
            raise Malformed("more blocks than asked for")
        bytes_max = ANSWER_BYTES_MAX if count > 1 else BLOCK_BYTES_MAX
        if size > bytes_max:
            raise Malformed(f"{count} blocks in {size} bytes, at most {bytes_max}")
        if sha256(event.attachment).digest() != answer.digest:
            raise Malformed("the attachment is not the one that was signed")
        entries = _BLOCKS.decode(event.attachment)
        for height, entry in enumerate(entries, request.first):
            self.pop(height)
            held = self._ready[height] = GivenBlock(*entry)
            self._bytes += held.size
        if entries and request.first + len(entries) <= request.last:
            self._rest.append((request.first + len(entries), request.last))
        return len(entries)


class SnapshotFetch:
    """A snapshot from `peer`, part by part; believed when all rows have the root of the sealed header."""

    def __init__(self, peer: NodeId, nonces: Nonces, head: int) -> None:
        self.peer = peer
        self.height = 0
        self.linked: Linked | None = None
        self._nonces = nonces
        self._head = head
        self._header: Header | None = None
        self._parts: dict[int, bytes] = {}  # as they came: decoded, small rows take many times their bytes
        self._count = 1
        self._bytes = 0  # of the parts held, ROW_BYTES a row included
        self._requests: dict[bytes, tuple[int, int]] = {}  # nonce -> part, sent_us
        self._said_us = 0  # when we last asked

    def pump(self, now: Now) -> list[Effect]:
        """Requests to send now: the first part alone, until it has said how many there are."""
        effects: list[Effect] = []
        asked = {part for part, _ in self._requests.values()}
        for part in range(self._count):
            if len(self._requests) >= REQUESTS_MAX:
                break
            if part in self._parts or part in asked:
                continue
            nonce = self._nonces.fresh(now)
            self._requests[nonce] = (part, now.monotonic_us)
            self._said_us = now.monotonic_us
            effects.append(Send(self.peer, FetchSnapshot(self.peer, nonce, self.height, part)))
        return effects

    def say_again(self, now: Now) -> list[Effect]:
        """Question or answer may be lost, long before the peer counts as late (it may wait for a seal): the open
        questions again, unchanged, ever less often."""
        first_us = min((sent_us for _, sent_us in self._requests.values()), default=now.monotonic_us)
        if now.monotonic_us - self._said_us < max(ASK_AGAIN_US, (now.monotonic_us - first_us) // 3):
            return []
        self._said_us = now.monotonic_us
        asked = sorted((part, nonce) for nonce, (part, _) in self._requests.items())
        return [Send(self.peer, FetchSnapshot(self.peer, nonce, self.height, part)) for part, nonce in asked]

    def is_late(self, now: Now) -> bool:
        return any(now.monotonic_us - sent_us >= SNAPSHOT_TIMEOUT_US for _, sent_us in self._requests.values())

    def take(self, event: Received, answer: Snapshot, epochs: Epochs, verifier: Verifier) -> Base | None:
        """The verified base when the last part has come. Raises Malformed."""
        request = self._requests.get(answer.nonce)
        if request is None or event.sender != self.peer or request[0] != answer.part:
            return None
        del self._requests[answer.nonce]
        size, rows = len(event.attachment), array_length(event.attachment)
        self._bytes += size + ROW_BYTES * rows
        if size > PART_BYTES_MAX or self._bytes > SNAPSHOT_BYTES_MAX:
            raise Malformed(f"a part of {size} bytes and {rows} rows, {self._bytes} bytes in all")
        if sha256(event.attachment).digest() != answer.digest:
            raise Malformed("the attachment is not the one that was signed")
        if self._header is None:
            self._begin(answer, epochs, verifier)
        if (answer.height, answer.parts) != (self.height, self._count):
            raise Malformed("a part of another snapshot")
        self._parts[answer.part] = bytes(event.attachment)
        if len(self._parts) < self._count:
            return None
        assert self._header is not None and self.linked is not None
        prove_state(self._header, self._rows())
        return base_of(self._header, self.linked, list(self._rows()))

    def _rows(self) -> Iterator[tuple[bytes, bytes]]:
        """One part is decoded at a time. Raises Malformed."""
        for part in range(self._count):
            yield from decode_part(self._parts[part])

    def _begin(self, answer: Snapshot, epochs: Epochs, verifier: Verifier) -> None:
        if not 1 <= answer.parts <= PARTS_MAX:
            raise Malformed(f"{answer.parts} parts, at most {PARTS_MAX}")
        if len(answer.epochs) > LINKS_MAX:
            raise Malformed(f"{len(answer.epochs)} epochs, at most {LINKS_MAX}")
        links = tuple(decode_link(data) for data in answer.epochs)
        self.linked = Linked(answer.headers, decode_certificate(answer.seal), links)
        header = check_link(self.linked, epochs, verifier)
        if header.height != answer.height or header.height <= self._head:
            raise Malformed("a snapshot of no use to us")
        self._header, self.height, self._count = header, header.height, answer.parts
