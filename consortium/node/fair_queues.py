"""What waits to be handled: a bounded queue for each publisher, served in turns.

Whoever sends more than this node can handle fills its own queue, and loses its own oldest frames; the frames of the
others come to their turns as before.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from consortium.core.membership import NodeId

Item = TypeVar("Item")

FRAMES_MAX = 8_192  # of one publisher
BYTES_MAX = 24_000_000  # of one publisher, FRAME_COST_BYTES a frame included; the largest frame fits in
ALL_BYTES_MAX = 64_000_000  # of all publishers together
FRAME_COST_BYTES = 100  # what holding a frame costs besides its bytes
TURN_BYTES = 16_000  # what one publisher is served in one turn, on the average


class _Queue(Generic[Item]):
    """Of one publisher. `credit`: bytes that it may still be served in this turn."""

    __slots__ = ("bytes", "credit", "items", "publisher")

    def __init__(self, publisher: NodeId) -> None:
        self.publisher = publisher
        self.items: deque[tuple[Item, int]] = deque()
        self.bytes = 0
        self.credit = TURN_BYTES


class FairQueues(Generic[Item]):
    """Deficit round robin over publishers (Shreedhar & Varghese 1996). One publisher alone is served first in, first
    out. When a queue is full its oldest go: the newest say more, and whoever misses one is told again."""

    def __init__(
        self, frames_max: int = FRAMES_MAX, bytes_max: int = BYTES_MAX, all_bytes_max: int = ALL_BYTES_MAX
    ) -> None:
        self._frames_max = frames_max
        self._bytes_max = bytes_max
        self._all_bytes_max = all_bytes_max
        self._queues: dict[NodeId, _Queue[Item]] = {}  # those that hold something
        self._turns: deque[_Queue[Item]] = deque()  # the same, the one that is served first
        self._count = 0
        self.bytes = 0  # held, FRAME_COST_BYTES a frame included
        self.dropped = 0

    def __len__(self) -> int:
        return self._count

    def add(self, publisher: NodeId, item: Item, size: int) -> None:
        """`size`: bytes of the frame. Where there is no room older ones go, those of this publisher before others."""
        queue = self._queues.get(publisher)
        if queue is None:
            queue = self._queues[publisher] = _Queue(publisher)
            self._turns.append(queue)
        cost = size + FRAME_COST_BYTES
        queue.items.append((item, cost))
        queue.bytes += cost
        self.bytes += cost
        self._count += 1
        while len(queue.items) > self._frames_max or (queue.bytes > self._bytes_max and len(queue.items) > 1):
            self._drop(queue)
        while self.bytes > self._all_bytes_max and self._count > 1:
            self._drop(max(self._turns, key=lambda each: each.bytes))

    def take(self) -> tuple[NodeId, Item]:
        """The next frame in turn, with its publisher. Raises IndexError where there is none."""
        turns = self._turns
        queue = turns[0]
        while queue.items[0][1] > queue.credit and len(turns) > 1:
            queue.credit += TURN_BYTES
            turns.rotate(-1)
            queue = turns[0]
        queue.credit = max(0, queue.credit - queue.items[0][1])
        return queue.publisher, self._pop(queue)

    def forget(self, publisher: NodeId) -> None:
        """Let go of all that waits of one publisher."""
        queue = self._queues.get(publisher)
        while queue is not None and queue.items:
            self._drop(queue)

    def _drop(self, queue: _Queue[Item]) -> None:
        self._pop(queue)
        self.dropped += 1

    def _pop(self, queue: _Queue[Item]) -> Item:
        item, cost = queue.items.popleft()
        queue.bytes -= cost
        self.bytes -= cost
        self._count -= 1
        if not queue.items:
            del self._queues[queue.publisher]
            self._turns.remove(queue)
        return item
