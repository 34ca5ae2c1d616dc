"""Broadcasts to many: one entry a broadcast, its deliveries laid out by time, votes counted as they arrive.

A `BroadcastInFlight` is one frame on its way to all its receivers. `Deliveries` keeps the deliveries of all broadcasts
in buckets of time, opens one bucket after another, and hands each delivery to its receiver: a vote that changes
nothing yet is counted in one call, everything else is a step. The order is that of single pushes into the clock's
heap, to the last tie."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from heapq import heappop, heappush
from typing import NamedTuple, Protocol

from consortium.core.machine import Received
from consortium.core.membership import NodeId
from consortium.core.messages import Frame, Message
from consortium.node.host import REPEAT_US
from consortium.simulation.bus.arrays import Bucket, Integers, split, unpacked, with_slot
from consortium.simulation.clock import Clock
from consortium.simulation.simulated_node import Delivery, SimulatedNode

Count = Callable[[Received], bool]
_FOR_EVER = 1 << 62
SHARE_OF_MEAN = 8  # a bucket is this part of a mean delay: wide enough to hold many, too narrow to fall into when sent


def _refuse(event: Received) -> bool:
    return False


class BroadcastInFlight:
    """`base`: the place of its first receiver in the order of pushing; two places a receiver. `generation`: who lived
    when it was sent. `counts`: by receiver, how a vote is counted."""

    __slots__ = (
        "base",
        "counts",
        "digest",
        "event",
        "frame",
        "generation",
        "is_single",
        "last_us",
        "payload",
        "places",
        "publisher",
        "times_us",
    )

    def __init__(
        self,
        base: int,
        generation: int,
        publisher: NodeId,
        event: Received | None,
        delivery: tuple[Frame | None, bytes, bytes],
    ) -> None:
        self.base = base
        self.generation = generation
        self.publisher = publisher
        self.event = event
        self.frame, self.digest, self.payload = delivery
        self.counts: list[Count] = []
        self.is_single = event is not None
        self.last_us = 0
        self.places: Integers | None = None
        self.times_us: Integers | None = None


class Collapse(Protocol):
    """What may take a broadcast before it is laid out: see `bus/collapse.py`."""

    def takes(self, broadcast: BroadcastInFlight, times_us: Integers, places: Integers) -> bool: ...

    def noticed(self, event: Received | None) -> None: ...

    def dissolve(self) -> None: ...


class Arrival(NamedTuple):
    """One delivery of a broadcast that was too near to be laid out with the others."""

    deliveries: Deliveries
    broadcast: BroadcastInFlight
    place: int

    def __lt__(self, other: object) -> bool:
        return True

    def act(self) -> None:
        broadcast = self.broadcast
        if broadcast.event is None or not broadcast.counts[self.place](broadcast.event):
            self.deliveries.arrive(broadcast, self.place)


class Deliveries:
    """`hear(delivery)` makes a delivery that must be stepped. `mean_us`: of the delays, roughly."""

    def __init__(
        self, clock: Clock, nodes: Sequence[SimulatedNode], hear: Callable[[Delivery], None], mean_us: int
    ) -> None:
        self._clock = clock
        self._nodes = nodes
        self._hear = hear
        self._shift = max(0, (mean_us // SHARE_OF_MEAN).bit_length() - 1)
        self._buckets: dict[int, Bucket] = {}
        self._numbers: list[int] = []  # of the buckets, a heap
        self._opened = -1  # the newest bucket that was opened
        self._coming: Iterator[tuple[int, int, int]] = iter(())
        self._held: tuple[int, int, int] | None = None  # taken from `_coming`, not due yet
        self._broadcasts: list[BroadcastInFlight] = []
        self._counts: dict[type[Message], list[Count]] = {}
        self._refusing: list[Count] = [_refuse] * len(nodes)
        self._recent: dict[bytes, BroadcastInFlight | None] = {}  # None: not sent to all
        self._until_us: dict[bytes, int] = {}  # when a repeat of the digest cannot matter any more
        self._leaving: deque[tuple[int, bytes]] = deque()
        self._looks_until_us = 0  # before it hosts look themselves whether a frame is a repeat
        self.collapse: Collapse | None = None
        self.generation = 0
        self._changed = [0] * len(nodes)  # the generation in which each began to live, or died
        for place, node in enumerate(nodes):
            node.on_change = partial(self._on_change, place)

    # --- who counts ---------------------------------------------------------------------------------------------

    def _on_change(self, place: int, is_life: bool) -> None:
        """What is on its way to one that dies does not arrive, and nobody is counted for without looking."""
        if self.collapse is not None:
            self.collapse.dissolve()
        if is_life:
            self.generation += 1
            self._changed[place] = self.generation
        else:
            self._let_hosts_look()
        for counts in self._counts.values():
            counts[:] = self._refusing
        self._counts = {}

    def _let_hosts_look(self) -> None:
        """When a pause begins and ends: what came in it is heard at one moment, and what was said twice in it is a
        repeat. So each host knows what it heard lately, and looks for repeats itself until that is over."""
        for digest in list(self._recent):
            self._unmask(digest)
        is_paused = any(node.is_paused for node in self._nodes)
        self._looks_until_us = _FOR_EVER if is_paused else self._clock.now_us + REPEAT_US

    def _counts_of(self, kind: type[Message]) -> list[Count]:
        counts = self._counts.get(kind)
        if counts is None:
            counts = self._counts[kind] = [_counter(node, kind) for node in self._nodes]
        return counts

    # --- sending ------------------------------------------------------------------------------------------------

    def send(self, broadcast: BroadcastInFlight, times_us: Integers, places: Integers) -> None:
        """`places` of the receivers, ascending, and when it reaches each."""
        now_us = self._clock.now_us
        broadcast.times_us, broadcast.places = times_us, places
        broadcast.last_us = int(times_us.max(initial=now_us))
        if not self.note_sent(broadcast.digest, broadcast.last_us, broadcast):
            broadcast.is_single = False
        if self.collapse is not None and self.collapse.takes(broadcast, times_us, places):
            broadcast.counts = self._refusing
            return
        self.lay(broadcast, times_us, places)

    def lay(self, broadcast: BroadcastInFlight, times_us: Integers, places: Integers) -> None:
        """Lay out its deliveries, or what is left of them."""
        if broadcast.is_single and broadcast.event is not None:
            broadcast.counts = self._counts_of(type(broadcast.event.message))
        else:
            broadcast.counts = self._refusing
        for number, keys in split(times_us, places, self._shift):
            if number <= self._opened:
                for at_us, place in unpacked(keys, number << self._shift):
                    self._clock.push_at(at_us, broadcast.base + 2 * place, Arrival(self, broadcast, place))
                continue
            bucket = self._buckets.get(number)
            if bucket is None:
                bucket = self._buckets[number] = Bucket()
                heappush(self._numbers, number)
            bucket.parts.append(with_slot(keys, len(bucket.broadcasts)))
            bucket.broadcasts.append(broadcast)

    def note_sent(self, digest: bytes, last_us: int, broadcast: BroadcastInFlight | None = None) -> bool:
        """These bytes are sent, and arrive by then at the latest. Whether nobody sent the same lately; else hosts look
        from now on whether they heard them, also of the first time."""
        now_us = self._clock.now_us
        while self._leaving and self._leaving[0][0] < now_us:
            old = self._leaving.popleft()[1]
            if self._until_us.get(old, now_us) < now_us:
                del self._recent[old], self._until_us[old]
        is_first = digest not in self._recent
        if is_first:
            self._recent[digest] = broadcast
        else:
            self._unmask(digest)
        until_us = self._until_us[digest] = max(last_us + REPEAT_US, self._until_us.get(digest, 0))
        self._leaving.append((until_us, digest))
        return is_first and now_us >= self._looks_until_us

    def _unmask(self, digest: bytes) -> None:
        broadcast = self._recent[digest]
        if broadcast is None or not broadcast.is_single:
            return
        if self.collapse is not None:
            self.collapse.dissolve()
        assert broadcast.times_us is not None and broadcast.places is not None
        broadcast.is_single = False
        broadcast.counts = self._refusing
        now_us = self._clock.now_us
        for place, at_us in zip(broadcast.places.tolist(), broadcast.times_us.tolist(), strict=True):
            node = self._nodes[place]
            if at_us < now_us and node.host is not None and self._changed[place] <= broadcast.generation:
                node.host.remember(node.now(at_us).monotonic_us, digest)

    # --- delivering ---------------------------------------------------------------------------------------------

    def deliver(self) -> None:
        """Everything that comes before the next item of the clock's heap (which is never empty)."""
        clock, heap = self._clock, self._clock.heap
        if self._held is not None:
            at_us, place, slot = self._held
            broadcast = self._broadcasts[slot]
            if (at_us, broadcast.base + 2 * place) > heap[0][:2]:
                return
            self._held = None
            clock.now_us, clock.order = at_us, broadcast.base + 2 * place
            self.arrive(broadcast, place)
        while True:
            broadcasts = self._broadcasts
            for at_us, place, slot in self._coming:
                broadcast = broadcasts[slot]
                if at_us >= heap[0][0] and (at_us, broadcast.base + 2 * place) > heap[0][:2]:
                    self._held = (at_us, place, slot)
                    return
                if not broadcast.counts[place](broadcast.event):  # type: ignore[arg-type]
                    clock.now_us, clock.order = at_us, broadcast.base + 2 * place
                    self.arrive(broadcast, place)
            if not self._numbers or self._numbers[0] << self._shift > heap[0][0]:
                return
            number = self._opened = heappop(self._numbers)
            bucket = self._buckets.pop(number)
            self._coming, self._broadcasts = bucket.opened(number << self._shift), bucket.broadcasts

    def arrive(self, broadcast: BroadcastInFlight, place: int) -> None:
        """Hand over a delivery that nobody counted."""
        if self._changed[place] > broadcast.generation:
            return
        node = self._nodes[place]
        self._hear(
            Delivery(
                node,
                node.incarnation,
                broadcast.publisher,
                broadcast.frame,
                broadcast.digest,
                broadcast.payload,
                0,
                broadcast.event,
                broadcast.is_single,
            )
        )


def _counter(node: SimulatedNode, kind: type[Message]) -> Count:
    host = node.host
    if host is None or node.is_paused:
        return _refuse
    part = host.counters.get(kind)
    return _refuse if part is None else part.count
