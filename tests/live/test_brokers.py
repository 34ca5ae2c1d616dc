"""Both brokers of a local run: who may say and hear what, and what a bus does when the broker dies."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aiomqtt
import pytest

from nodes.broker.address import BrokerAddress
from nodes.broker.broker import OwnBroker, check_broker, free_port, make_broker
from nodes.broker.topics import topic_root
from nodes.errors import UserError
from nodes.process.bus import Bus
from tests.optional import needs

CHAIN = b"c" * 32
ROOT = topic_root(CHAIN)
KINDS = ["embedded", pytest.param("mosquitto", marks=needs("mosquitto"))]
pytestmark = pytest.mark.live


@pytest.fixture(params=KINDS)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OwnBroker]:
    made = make_broker(request.param, tmp_path / "broker", CHAIN, ["a", "b", "c"])
    made.start()
    assert isinstance(made, OwnBroker)
    yield made
    made.stop()


def client(address: BrokerAddress) -> aiomqtt.Client:
    return aiomqtt.Client(address.host, address.port, username=address.user, password=address.password, timeout=5)


@contextlib.asynccontextmanager
async def bus(
    address: BrokerAddress, name: str, heard: list[tuple[str, bytes]]
) -> AsyncIterator[tuple[Bus, list[bool]]]:
    states: list[bool] = []
    made = Bus(
        address, CHAIN, name, "abc", lambda sender, frames: heard.extend((sender, f) for f in frames), states.append
    )
    task = asyncio.create_task(made.run())
    await until(lambda: made.is_up)
    yield made, states
    assert not task.done(), "a bus never gives up"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool], seconds: float = 8.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_node_cannot_publish_as_another(broker: OwnBroker) -> None:
    heard: list[tuple[str, bytes]] = []
    async with bus(broker.addresses["c"], "c", heard), client(broker.addresses["a"]) as a:
        for topic in ("all/b", "to/c/b", "all/c"):
            with contextlib.suppress(aiomqtt.MqttError):  # Mosquitto closes the connection of whoever tries
                async with client(broker.addresses["a"]) as forger:
                    await forger.publish(f"{ROOT}/{topic}", b"\x91\xc4\x04fake")
        await a.publish(f"{ROOT}/to/c/a", b"\x91\xc4\x04true")
        await a.publish(f"{ROOT}/all/a", b"\x91\xc4\x04true")
        await until(lambda: len(heard) >= 2)
        await asyncio.sleep(0.1)
    assert heard == [("a", b"true"), ("a", b"true")]


async def test_a_node_cannot_listen_to_anothers_inbox(broker: OwnBroker) -> None:
    got: dict[str, list[bytes]] = {"a": [], "b": []}

    async def listen(name: str, topic: str) -> None:
        async with client(broker.addresses[name]) as mine:
            await mine.subscribe(f"{ROOT}/{topic}")
            async for message in mine.messages:
                got[name].append(bytes(message.payload))  # type: ignore[arg-type]

    tasks = [asyncio.create_task(listen(name, "to/b/+")) for name in ("a", "b")]
    await asyncio.sleep(0.3)
    async with client(broker.addresses["c"]) as c:
        await c.publish(f"{ROOT}/to/b/c", b"private")
        await until(lambda: got["b"] == [b"private"])
        await asyncio.sleep(0.1)
    assert got["a"] == []
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_embedded_broker_sends_a_publisher_nothing_of_its_own(tmp_path: Path) -> None:
    broker = make_broker("embedded", tmp_path / "broker", CHAIN, ["a", "b"])
    broker.start()
    heard: list[bytes] = []
    try:
        async with client(broker.addresses["a"]) as a, client(broker.addresses["b"]) as b:
            await a.subscribe(f"{ROOT}/all/+")
            await a.publish(f"{ROOT}/all/a", b"own")
            await b.publish(f"{ROOT}/all/b", b"another's")
            async with asyncio.timeout(8):
                async for message in a.messages:
                    heard.append(bytes(message.payload))  # type: ignore[arg-type]
                    break
    finally:
        broker.stop()
    assert heard == [b"another's"]


async def test_nothing_is_retained(broker: OwnBroker) -> None:
    heard: list[tuple[str, bytes]] = []
    with contextlib.suppress(aiomqtt.MqttError):  # Mosquitto closes the connection of whoever tries
        async with client(broker.addresses["a"]) as a:
            await a.publish(f"{ROOT}/all/a", b"\x91\xc4\x03old", retain=True)
    async with bus(broker.addresses["b"], "b", heard), bus(broker.addresses["a"], "a", []) as (a_bus, _):
        a_bus.publish(None, [b"new"])
        await until(lambda: bool(heard))
    assert heard == [("a", b"new")]


async def test_a_wrong_password_is_refused_and_told(broker: OwnBroker) -> None:
    address = broker.addresses["a"]
    check = f"mqtt://a:{address.password}@{address.host}:{address.port}"
    await asyncio.to_thread(check_broker, check)
    for text in (check.replace("//a:", "//b:"), f"mqtt://{address.host}:{address.port}"):
        with pytest.raises(UserError, match="refuses us"):
            await asyncio.to_thread(check_broker, text)


async def test_a_bus_survives_the_death_and_return_of_its_broker(broker: OwnBroker) -> None:
    heard: list[tuple[str, bytes]] = []
    async with (
        bus(broker.addresses["a"], "a", []) as (a, _),
        bus(broker.addresses["b"], "b", heard) as (b, states),
    ):
        a.publish("b", [b"before"])
        await until(lambda: heard == [("a", b"before")])
        await asyncio.to_thread(broker.kill)
        await until(lambda: not a.is_up and not b.is_up)
        a.publish("b", [b"lost"])
        assert a.unsent == 1
        await asyncio.to_thread(broker.start)
        await until(lambda: a.is_up and b.is_up)
        a.publish("b", [b"after"])
        await until(lambda: ("a", b"after") in heard)
    assert heard == [("a", b"before"), ("a", b"after")]
    assert states[:3] == [True, False, True]


async def test_large_payloads_go_through_whole_while_small_ones_overtake_nobody(broker: OwnBroker) -> None:
    heard: list[tuple[str, bytes]] = []
    sent = [bytes([index]) * size for index, size in enumerate((3, 3_000_000, 5, 9_000_000, 7, 2))]
    async with bus(broker.addresses["b"], "b", heard), bus(broker.addresses["a"], "a", []) as (a, _):
        for frame in sent:
            a.publish(None, [frame])
        await until(lambda: len(heard) == len(sent))
    assert [frame for _, frame in heard] == sent


def test_the_files_of_a_broker_are_private(broker: OwnBroker) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in broker.folder.iterdir() if path.name != "log.txt"}
    assert modes and set(modes.values()) == {0o600}
    assert not any(broker.addresses["a"].password.encode() in path.read_bytes() for path in broker.folder.iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_a_port_in_use_is_told_in_a_sentence(kind: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} .*in use"):
            check_broker(f"{kind}:{port}")
    with pytest.raises(UserError, match="a port is a number"):
        check_broker(f"{kind}:0x")


@pytest.mark.parametrize("listens", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_stranger_on_our_port_is_not_taken_for_the_broker(kind: str, listens: bool, tmp_path: Path) -> None:
    late = make_broker(kind, tmp_path / "broker", CHAIN, ["a"])
    assert isinstance(late, OwnBroker)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", late.port))  # in between: the settings of the broker name this port
        if listens:
            taken.listen()
        with pytest.raises(UserError, match=f"port {late.port} of 127.0.0.1 is in use"):
            late.start()
        taken.setblocking(False)
        with pytest.raises(OSError):
            taken.accept()  # nobody came, with a password or without


def test_no_connection_takes_the_port_of_a_broker_that_is_down(tmp_path: Path) -> None:
    given_by_systems = range(32_768, 65_536)
    assert not any(free_port() in given_by_systems for _ in range(50))


def test_an_unreachable_broker_and_an_unknown_kind_are_told_in_a_sentence() -> None:
    with pytest.raises(UserError, match=r"no broker answers at mqtt://127\.0\.0\.1:1 "):
        check_broker("mqtt://u:secret@127.0.0.1:1")
    with pytest.raises(UserError, match="embedded"):
        check_broker("moskito")


def test_a_missing_binary_is_told_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CONSORTIUM_MOSQUITTO", raising=False)
    monkeypatch.setattr("nodes.broker.mosquitto.MOSQUITTO_PATHS", ())
    with pytest.raises(UserError, match="apt install mosquitto"):
        check_broker("mosquitto")
