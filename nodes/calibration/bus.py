"""What a message costs a node and the broker, end to end: ping-pong and floods through a private broker.

Ping-pong tells what one message costs a process that was idle, and how long it takes to notice; a flood, what one more
costs a process that is awake. CPU is counted by the operating system, per process.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from consortium.simulation.costs.profile import BrokerCost, BusCost
from nodes.broker.broker import OwnBroker, make_broker
from nodes.calibration import echo
from nodes.calibration.echo import PEERS
from nodes.conduct import child
from nodes.errors import UserError
from nodes.process.bus import Bus

SMALL_BYTES, LARGE_BYTES = 300, 65_536
ROUNDS = 400
BURST, LARGE_BURST = 150, 24
WAIT_S = 30.0
KIB = 1_024


class BusMeasure(NamedTuple):
    """`spread`: of the repeats, the largest distance between quartiles over the median."""

    bus: BusCost
    broker: BrokerCost
    spread: float


class _Sample(NamedTuple):
    """Nanoseconds per message: the meter's, the peer's, the broker's CPU, and the time that passed."""

    sender_ns: float
    receiver_ns: float
    broker_ns: float
    wall_ns: float


def measure_bus(kind: str, folder: Path, repeats: int, tell: Callable[[str], None]) -> BusMeasure:
    """`kind`: embedded or mosquitto. Raises UserError."""
    (folder / kind).mkdir()
    broker = make_broker(kind, folder / kind / "broker", echo.CHAIN, [*PEERS, echo.METER])
    assert isinstance(broker, OwnBroker)
    broker.start()
    try:
        with _peers(broker, folder / kind):
            return asyncio.run(_measure(broker, kind, repeats, tell))
    finally:
        broker.stop()


@contextlib.contextmanager
def _peers(broker: OwnBroker, folder: Path) -> Iterator[None]:
    running = []
    try:
        for name in PEERS:
            address = broker.addresses[name]
            words = [str(folder), name, address.host, str(address.port), address.user, address.password]
            running.append(child.spawn(["-m", "nodes.calibration.echo", *words], log=folder / f"{name}.log.txt"))
        yield
    finally:
        for process in running:
            child.ask_to_stop(process)
        for process in running:
            child.stop(process)


class _Meter:
    """Our own place on the bus: says something, and waits for the answer."""

    def __init__(self, broker: OwnBroker) -> None:
        self._broker = broker
        self._heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self.bus = Bus(broker.addresses[echo.METER], echo.CHAIN, echo.METER, PEERS, self._hear, lambda _: None)

    def _hear(self, sender: str, frames: list[bytes]) -> None:
        for frame in frames:
            self._heard.put_nowait((sender, frame))

    async def ask(self, peer: str, word: bytes) -> int:
        self.bus.publish(peer, [word])
        return await self._answer(peer)

    async def _answer(self, peer: str) -> int:
        sender, frame = await asyncio.wait_for(self._heard.get(), WAIT_S)
        assert sender == peer, f"{sender} answered, {peer} was asked"
        return int.from_bytes(frame[1:9], "big")

    async def gathered(self, count: int) -> None:
        for _ in range(count):
            await asyncio.wait_for(self._heard.get(), WAIT_S)

    async def until_all_hear(self) -> None:
        """The peers are up once they answer."""
        deadline = time.monotonic() + WAIT_S
        for peer in PEERS:
            while True:
                if self.bus.is_up:
                    self.bus.publish(peer, [echo.CPU])
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._heard.get(), 0.5)
                        break
                if time.monotonic() > deadline:
                    raise UserError(f"the process of {peer} did not answer within {WAIT_S:.0f} s: is the machine busy?")
                await asyncio.sleep(0.05)
        await asyncio.sleep(0.6)
        while not self._heard.empty():
            self._heard.get_nowait()

    def broker_ns(self) -> int:
        process = self._broker._process
        assert process is not None
        return cpu_ns(process.pid)


def cpu_ns(process: int) -> int:
    """CPU that a process has used, all threads. Raises UserError where the system does not tell."""
    try:
        return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{process}/task").glob("*/schedstat"))
    except (OSError, ValueError, IndexError):
        raise UserError("calibrate needs Linux: /proc tells the CPU time of the broker's process") from None


async def _measure(broker: OwnBroker, kind: str, repeats: int, tell: Callable[[str], None]) -> BusMeasure:
    meter = _Meter(broker)
    running = asyncio.create_task(meter.bus.run())
    try:
        await meter.until_all_hear()
        await _ping(meter)  # warm
        tell(f"{kind}: ping-pong")
        ping = await _repeat(lambda: _ping(meter), repeats)
        tell(f"{kind}: floods")
        await _flood(meter, ("b",), SMALL_BYTES, BURST)
        one = await _repeat(lambda: _flood(meter, ("b",), SMALL_BYTES, BURST), repeats)
        all_ = await _repeat(lambda: _flood(meter, PEERS, SMALL_BYTES, BURST), repeats)
        large = await _repeat(lambda: _flood(meter, ("b",), LARGE_BYTES, LARGE_BURST), repeats)
        wide = await _repeat(lambda: _flood(meter, PEERS, LARGE_BYTES, LARGE_BURST), repeats)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return _solve(ping, one, all_, large, wide)


async def _repeat(measure: Callable[[], Awaitable[_Sample]], repeats: int) -> list[_Sample]:
    return [await measure() for _ in range(repeats)]


async def _ping(meter: _Meter) -> _Sample:
    """A message each way: a and b play, nobody else speaks. Per message."""
    before = await meter.ask("a", echo.CPU), await meter.ask("b", echo.CPU)
    broker_ns = meter.broker_ns()
    wall_ns = await meter.ask("a", echo.SERVE + b"%d:b:%d" % (ROUNDS, SMALL_BYTES))
    broker_ns = meter.broker_ns() - broker_ns
    after = await meter.ask("a", echo.CPU), await meter.ask("b", echo.CPU)
    messages = 2 * ROUNDS
    node_ns = (after[0] - before[0] + after[1] - before[1]) / messages
    return _Sample(node_ns, node_ns, broker_ns / messages, wall_ns / messages)


async def _flood(meter: _Meter, to: Sequence[str], size_bytes: int, count: int) -> _Sample:
    """So many messages at once, to one peer or, where several are named, to all. Per message sent."""
    receiver = None if len(to) > 1 else to[0]
    before = await meter.ask("b", echo.CPU)
    broker_ns, begun_ns = meter.broker_ns(), time.perf_counter_ns()
    cpu = time.thread_time_ns()
    for index in range(count):
        word = echo.LAST if index == count - 1 else echo.SINK
        meter.bus.publish(receiver, [word.ljust(size_bytes, b"\0")])
    cpu = time.thread_time_ns() - cpu
    await meter.gathered(len(to))
    wall_ns = time.perf_counter_ns() - begun_ns
    broker_ns = meter.broker_ns() - broker_ns
    after = await meter.ask("b", echo.CPU)
    return _Sample(cpu / count, (after - before) / count, broker_ns / count, wall_ns / count)


def spread_of(values: Sequence[float]) -> float:
    """The distance between the quartiles over the median."""
    ordered = sorted(values)
    middle = median(ordered)
    quarter = len(ordered) // 4
    return (ordered[-1 - quarter] - ordered[quarter]) / middle if middle > 0 else 0.0


def _solve(
    ping: list[_Sample], one: list[_Sample], all_: list[_Sample], large: list[_Sample], wide: list[_Sample]
) -> BusMeasure:
    def middle(samples: list[_Sample], field: int) -> float:
        return float(median(sample[field] for sample in samples))

    more_kib = (LARGE_BYTES - SMALL_BYTES) / KIB
    publish, receive = middle(one, 0), middle(one, 1)
    copies = len(PEERS) - 1
    delivery = max(0.0, (middle(all_, 2) - middle(one, 2)) / copies)
    taking_in = max(0.0, middle(one, 2) - delivery)
    delivery_kib = max(0.0, ((middle(wide, 2) - middle(large, 2)) / copies - delivery) / more_kib)
    publish_kib = max(0.0, (middle(large, 2) - middle(one, 2)) / more_kib - delivery_kib)
    node_ns, broker_ns, wall_ns = (middle(ping, field) for field in (1, 2, 3))
    wake_ns = max(0.0, (wall_ns - node_ns - broker_ns) / 2)  # one of the broker, one of the node
    bus = BusCost(
        publish_ns=round(publish),
        publish_kib_ns=round(max(0.0, (middle(large, 0) - publish) / more_kib)),
        receive_ns=round(receive),
        receive_kib_ns=round(max(0.0, (middle(large, 1) - receive) / more_kib)),
        turn_ns=round(max(0.0, node_ns - publish - receive)),
        wake_ns=round(wake_ns),
    )
    broker = BrokerCost(
        publish_ns=round(taking_in),
        publish_kib_ns=round(publish_kib),
        delivery_ns=round(delivery),
        delivery_kib_ns=round(delivery_kib),
        turn_ns=round(max(0.0, broker_ns - taking_in - delivery)),
        wake_ns=round(wake_ns),
    )
    spreads = [spread_of([sample[field] for sample in ping]) for field in (1, 2, 3)]
    spreads += [spread_of([sample[field] for sample in one]) for field in (0, 1, 2)]
    return BusMeasure(bus, broker, max(spreads))
