"""Three brokers at once: each message is heard once, one broker may die or lie, and the node says which."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aiomqtt
import pytest

from nodes.broker.broker import free_port
from nodes.broker.topics import topic_root
from nodes.deploy.authority import Authority
from nodes.deploy.brokers import BrokerKind, TlsBroker, lay_bus_certificate, make_tls_broker
from nodes.process import several_buses
from nodes.process.bus import Bus, pack_frames
from nodes.process.costs import Costs
from nodes.process.several_buses import SeveralBuses, connect
from tests.optional import needs

CHAIN = b"c" * 32
NAMES = ("a", "b", "liar")
KINDS = ["embedded", pytest.param("mosquitto", marks=needs("mosquitto"))]
Heard = list[tuple[str, bytes]]
pytestmark = pytest.mark.live


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[BrokerKind], list[TlsBroker]]]:
    running: list[TlsBroker] = []

    def begin(kind: BrokerKind) -> list[TlsBroker]:
        authority = Authority.create(tmp_path / "authority", "town")
        for number in (1, 2, 3):
            folder = tmp_path / f"broker-{number}"
            running.append(make_tls_broker(kind, folder, free_port(), "127.0.0.1", CHAIN, NAMES, authority))
            running[-1].start()
        for name in NAMES:
            (tmp_path / name).mkdir()
            lay_bus_certificate(tmp_path / name, authority, name)
        return running

    yield begin
    for broker in running:
        broker.stop()


@contextlib.asynccontextmanager
async def bus(brokers: list[TlsBroker], name: str, heard: Heard, states: list[str]) -> AsyncIterator[SeveralBuses]:
    places = [broker.addresses[name] for broker in brokers]
    folder = brokers[0].folder.parent / name
    addresses = [place._replace(tls=place.tls and place.tls.under(folder)) for place in places]
    made: Bus | SeveralBuses = connect(
        addresses, CHAIN, name, NAMES, lambda s, frames: heard.extend((s, f) for f in frames),
        lambda _: states.append(made.state), Costs(),
    )  # fmt: skip
    assert isinstance(made, SeveralBuses)
    task = asyncio.create_task(made.run())
    await until(lambda: made.state == "up")
    yield made
    assert not task.done(), "a bus never gives up"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool], seconds: float = 8.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("kind", KINDS)
async def test_one_of_three_dies_and_comes_back_and_nothing_is_lost_or_heard_twice(
    kind: BrokerKind, start: Callable[[BrokerKind], list[TlsBroker]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(several_buses, "DOWN_S", 0.3)
    heard: Heard = []
    states: list[str] = []
    brokers = start(kind)
    async with bus(brokers, "a", [], []) as a, bus(brokers, "b", heard, states) as b:
        numbers = iter(range(1_000_000))

        async def say(count: int) -> None:
            for number in (next(numbers) for _ in range(count)):
                a.publish("b" if number % 2 else None, [number.to_bytes(4, "big")])
                if number % 20 == 0:
                    await asyncio.sleep(0.005)

        await say(200)
        await until(lambda: len(heard) == 200)
        await asyncio.gather(say(400), asyncio.to_thread(brokers[1].kill))
        await until(lambda: len(heard) == 600)
        await until(lambda: "broker-2" in b.diagnosis())
        assert b.state == "partly" and b.is_up and a.unsent == 0
        await asyncio.to_thread(brokers[1].start)
        await until(lambda: a.state == b.state == "up")
        await say(200)
        await until(lambda: len(heard) == 800)
        await asyncio.sleep(0.1)
    assert sorted(int.from_bytes(frame, "big") for _, frame in heard) == list(range(800)), "each once"
    assert {source.partition("@")[0] for source, _ in heard} == {"a"} and b.repeats.count > 800
    assert states[0] == "up" and "partly" in states and states[-1] == "up" and "down" not in states


@needs("mosquitto")
async def test_a_broker_without_rules_lets_a_liar_speak_and_the_others_are_heard_as_before(
    start: Callable[[BrokerKind], list[TlsBroker]],
) -> None:
    """What a member says on another's topic is told apart by its way, so that a host charges nobody else for it."""
    brokers = start("mosquitto")
    (brokers[2].folder / "rules").write_text("pattern readwrite #\n")
    brokers[2].reload()
    heard: Heard = []
    async with bus(brokers, "b", heard, []) as b, bus(brokers[:2], "a", [], []) as a:
        await asyncio.sleep(0.2)
        async with aiomqtt.Client("127.0.0.1", brokers[2].port, tls_context=_of_liar(brokers), timeout=5) as client:
            for _ in range(5):
                await client.publish(f"{topic_root(CHAIN)}/all/a", pack_frames([b"made up"])[0])
        a.publish(None, [b"true"])
        await until(lambda: any(frame == b"true" for _, frame in heard) and ("a@broker-3", b"made up") in heard)
        b.shut_out("a@broker-3", 5.0)
        a.publish(None, [b"true again"])
        await until(lambda: any(frame == b"true again" for _, frame in heard))
    assert {source for source, frame in heard if frame == b"made up"} == {"a@broker-3"}


def _of_liar(brokers: list[TlsBroker]) -> ssl.SSLContext:
    tls = brokers[2].addresses["liar"].tls
    assert tls is not None
    return tls.under(brokers[0].folder.parent / "liar").context()
