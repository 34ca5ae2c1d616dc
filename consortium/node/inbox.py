"""Between the bus and the host of one node: frames that wait for their turn, and whom this node listens to.

Pure, and the same in a process and in a simulation that prices CPU. A publisher that sends far more than its share is
not listened to for a stated time; the trace says so. A bus that can, does not even deliver what it publishes then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple

from consortium.core.machine import Note
from consortium.core.membership import NodeId
from consortium.node.fair_queues import FairQueues, Item
from consortium.node.publishers import SECOND_US, SHUT_OUT_US
from consortium.node.way import words_of


class Share(NamedTuple):
    """What one publisher may send in a second before it is asked whether others send as much. An honest node under
    full load sends a few hundred frames and a few megabytes a second, and for catch-up at most 24 MB. One that was
    paused, and then reads all that waited, hears this much of everybody at once."""

    frames: int = 5_000
    bytes: int = 32_000_000


MORE_THAN_OTHERS = 4  # so many times as much as the busiest other in the same second: it is not the load


class Inbox(Generic[Item]):
    """A publisher is told apart by its way, where there are several brokers (`way.py`). Times are microseconds of this
    node's monotonic clock."""

    def __init__(self, share: Share = Share()) -> None:  # noqa: B008 - a value
        self._share = share
        self._queues: FairQueues[Item] = FairQueues()
        self._second = -1
        self._frames: dict[NodeId, int] = {}  # by publisher, in this second
        self._bytes: dict[NodeId, int] = {}
        self._shut_out: dict[NodeId, int] = {}  # until when

    def __len__(self) -> int:
        return len(self._queues)

    @property
    def dropped(self) -> int:
        """Frames that had to go because their publisher's queue was full."""
        return self._queues.dropped

    def is_shut_out(self, now_us: int, publisher: NodeId) -> bool:
        """Whether nothing of this publisher is taken in now: to be asked before anything is parsed."""
        until_us = self._shut_out.get(publisher)
        if until_us is None:
            return False
        if now_us < until_us:
            return True
        del self._shut_out[publisher]
        return False

    def shut_out(self, now_us: int, publisher: NodeId, for_us: int) -> None:
        """Take in nothing of this publisher for so long, and let go of what waits of it."""
        self._shut_out[publisher] = now_us + for_us
        self._queues.forget(publisher)

    def add(self, now_us: int, publisher: NodeId, frames: Sequence[tuple[Item, int]]) -> Note | None:
        """Frames of one payload with their sizes in bytes, from a publisher that is not shut out. A note: it is shut
        out from now on."""
        size = sum(size for _, size in frames)
        why = self._count(now_us, publisher, len(frames), size)
        if why:
            self.shut_out(now_us, publisher, SHUT_OUT_US)
            fields = {**words_of(publisher), "why": why, "for_us": SHUT_OUT_US, "more": len(frames)}
            return Note("shut_out", fields)
        for item, item_size in frames:
            self._queues.add(publisher, item, item_size)
        return None

    def take(self) -> tuple[NodeId, Item]:
        """See `FairQueues.take`."""
        return self._queues.take()

    def _count(self, now_us: int, publisher: NodeId, frames: int, size: int) -> str:
        """Why this is far over its share; empty if it is not."""
        second = now_us // SECOND_US
        if second != self._second:
            self._second, self._frames, self._bytes = second, {}, {}
        for counts, more, most, unit in (
            (self._frames, frames, self._share.frames, "frames"),
            (self._bytes, size, self._share.bytes, "bytes"),
        ):
            count = counts[publisher] = counts.get(publisher, 0) + more
            if count > most:
                others = max((held for name, held in counts.items() if name != publisher), default=0)
                if count > MORE_THAN_OTHERS * others:
                    return f"{count} {unit} within a second; the busiest other sent {others}"
        return ""
