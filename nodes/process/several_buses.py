"""Several brokers at once: what a node says goes to all of them, and is heard from the one that is first.

As long as one of them lives the bus is up. A broker can drop, repeat and delay what it carries; what it makes up is
charged to a publisher by its way alone (`consortium/node/way.py`), and one that floods is left for some seconds.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial

from consortium.core.membership import NodeId
from consortium.node.way import publisher_of, source_of, way_of
from nodes.broker.address import BrokerAddress
from nodes.process.bus import Bus, pack_frames
from nodes.process.costs import Costs
from nodes.process.repeats import Repeats

PATIENCE_S = 2.0  # so long the first broker waits for the others, before the bus is said to be up
LEFT_S = 5.0  # so long nothing is heard from a broker that floods
DOWN_S = 5.0  # a broker that is away so long is named

_log = logging.getLogger("bus")
OnFrames = Callable[[str, list[bytes]], None]
OnState = Callable[[bool], None]


def connect(
    addresses: Sequence[BrokerAddress],
    chain: bytes,
    name: NodeId,
    others: Collection[NodeId],
    on_frames: OnFrames,
    on_state: OnState,
    costs: Costs,
) -> Bus | SeveralBuses:
    """The bus over these brokers. `on_frames` is given the publisher; where there are several brokers, with the way."""
    if len(addresses) == 1:
        return Bus(addresses[0], chain, name, others, on_frames, on_state, costs)
    return SeveralBuses(addresses, chain, name, others, on_frames, on_state, costs)


class SeveralBuses:
    """What a process needs of a `Bus`, over all of them."""

    def __init__(
        self,
        addresses: Sequence[BrokerAddress],
        chain: bytes,
        name: NodeId,
        others: Collection[NodeId],
        on_frames: OnFrames,
        on_state: OnState,
        costs: Costs,
    ) -> None:
        self._on_state = on_state
        self._costs = costs
        self.repeats = Repeats()
        self._buses = {
            way: Bus(
                address,
                chain,
                name,
                others,
                _by_way(way, others, on_frames),
                self._changed,
                costs,
                is_known=partial(self._is_known, way),
            )
            for way, address in _ways(addresses).items()
        }
        self._down_since_s: dict[str, float] = dict.fromkeys(self._buses, 0.0)
        self._told: set[str] = set()  # brokers that were said to be away
        self._was_up = False
        self._is_patient = True
        self.unsent = 0  # payloads that no broker took

    async def run(self) -> None:
        """Keep all of them up until cancelled."""
        tasks = [asyncio.create_task(bus.run()) for bus in self._buses.values()]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # --- how they are -----------------------------------------------------------------------------------------------

    @property
    def is_up(self) -> bool:
        return any(bus.is_up for bus in self._buses.values())

    @property
    def state(self) -> str:
        """`up`, `partly` where some brokers are away, `down`."""
        if all(bus.is_up for bus in self._buses.values()):
            return "up"
        return "partly" if self.is_up else "down"

    @property
    def trouble(self) -> str:
        """What to note where `diagnosis` has something to say: others may carry on."""
        return "partly"

    @property
    def malformed(self) -> int:
        return sum(bus.malformed for bus in self._buses.values())

    def _changed(self, _: bool) -> None:
        now_s = time.monotonic()
        for way, bus in self._buses.items():
            if bus.is_up:
                self._down_since_s[way] = 0.0
                self._told.discard(way)
            elif not self._down_since_s[way]:
                self._down_since_s[way] = now_s
        if self._was_up or self.state == "up":
            self._tell()
        elif self.is_up and self._is_patient:
            self._is_patient = False
            asyncio.get_running_loop().call_later(PATIENCE_S, self._tell_at_last)

    def _tell_at_last(self) -> None:
        if self.is_up and not self._was_up:
            self._tell()

    def _tell(self) -> None:
        self._was_up = True
        self._on_state(self.is_up)

    def begin(self) -> None:
        for bus in self._buses.values():
            bus.begin()

    def diagnosis(self) -> str:
        """A sentence where a broker is away or does not deliver, each time that there is something new to say."""
        now_s = time.monotonic()
        for way, bus in self._buses.items():
            since_s = self._down_since_s[way]
            if since_s and now_s - since_s >= DOWN_S and self.is_up and way not in self._told:
                self._told.add(way)
                return f"{way} at {bus.address} is away; the other brokers carry on"
            words = bus.diagnosis()
            if words:
                return f"{way} at {bus.address}: {words}"
        return ""

    # --- in and out -------------------------------------------------------------------------------------------------

    def publish(self, to: NodeId | None, frames: Sequence[bytes]) -> None:
        """Send at once to all that are up. What none of them takes is lost (and counted)."""
        begun = self._costs.clock()
        for payload in pack_frames(frames):
            sent = [bus.send(to, payload) for bus in self._buses.values()]
            if not any(sent):
                self.unsent += 1
                if self.unsent & (self.unsent - 1) == 0:
                    _log.warning("%d payloads could be handed to no broker so far", self.unsent)
        self._costs.add("bus", self._costs.clock() - begun)

    def _is_known(self, way: str, publisher: NodeId, payload: bytes) -> bool:
        """Whether this needs no second look: it came by another way, or by one that floods."""
        now_s = time.monotonic()
        if self.repeats.is_flood(now_s, way, len(payload)):
            _log.warning("%s brings far more than the other brokers: it is left for %.0f s", way, LEFT_S)
            self._buses[way].leave(LEFT_S)
            return True
        return self.repeats.is_repeat(now_s, publisher, way, payload)

    def shut_out(self, source: str, for_s: float) -> None:
        """Listen to nothing of this publisher for so long by this way: the others are heard as before."""
        bus = self._buses.get(way_of(source))
        if bus is not None:
            bus.shut_out(publisher_of(source), for_s)


def _ways(addresses: Sequence[BrokerAddress]) -> dict[str, BrokerAddress]:
    """By the name of the broker where its certificate bears one, else by its number."""
    names = [address.tls.server if address.tls is not None else "" for address in addresses]
    if len(set(names)) < len(names) or not all(names):
        names = [f"broker-{number}" for number in range(1, len(addresses) + 1)]
    return dict(zip(names, addresses, strict=True))


def _by_way(way: str, others: Collection[NodeId], on_frames: OnFrames) -> OnFrames:
    """Hands each frame on with its source."""
    sources = {other: source_of(other, way) for other in others}
    return lambda publisher, frames: on_frames(sources[publisher], frames)
