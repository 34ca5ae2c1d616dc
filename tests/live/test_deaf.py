"""A broker that accepts a node and does not deliver is diagnosed by the node itself."""

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from nodes.broker.address import BrokerAddress
from nodes.broker.broker import EmbeddedBroker, EmbeddedSettings, free_port, is_port_free
from nodes.broker.topics import topic_root
from nodes.conduct import child
from nodes.process import loopback
from nodes.process.bus import Bus
from nodes.process.keys import read_private
from tests.optional import mosquitto_command, needs, settings_of_user
from tests.sampling import sampled

CHAIN = b"c" * 32
pytestmark = pytest.mark.live

Mosquitto = Callable[..., BrokerAddress]


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """Starts one that anybody may use, with these lines of configuration more."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*lines: str) -> BrokerAddress:
        port = free_port()
        settings = tmp_path / "mosquitto.conf"
        settings.write_text(
            "\n".join([f"listener {port} 127.0.0.1", "allow_anonymous true", *settings_of_user(), *lines]) + "\n"
        )
        words = ["-m", "nodes.conduct.child", *mosquitto_command(settings)]
        running.append(child.spawn(words, log=tmp_path / "log.txt"))
        deadline = time.monotonic() + 10
        while is_port_free(port) and time.monotonic() < deadline:
            time.sleep(0.02)
        return BrokerAddress("127.0.0.1", port)

    yield start
    for process in running:
        child.stop(process)


async def said(address: BrokerAddress, monkeypatch: pytest.MonkeyPatch, name: str = "a") -> str:
    """What a node says of this broker, with shorter patience than it has."""
    monkeypatch.setattr(loopback, "NEXT_S", 0.1)
    monkeypatch.setattr(loopback, "AGAIN_S", 1.0)
    monkeypatch.setattr(loopback, "PING_S", 3.0)
    monkeypatch.setattr(loopback, "DEAF_S", 6.0)
    bus = Bus(address, CHAIN, name, ["a", "b"], lambda *_: None, lambda _: None)
    running = asyncio.create_task(bus.run())
    try:
        async with asyncio.timeout(30):
            while not (words := bus.diagnosis()):
                await asyncio.sleep(0.05)
        return words
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@needs("mosquitto")
@pytest.mark.parametrize("limit", sampled(("message_size_limit 10000", "max_packet_size 10000"), 1))
async def test_a_limit_of_payloads_is_named(mosquitto: Mosquitto, limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = await said(mosquitto(limit), monkeypatch)
    assert "delivers 4096 bytes" in words and "65536" in words and "message_size_limit" in words


@needs("mosquitto")
async def test_topic_rules_that_keep_everything_from_a_node_are_named(
    mosquitto: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rules").write_text("topic write nothing/of/ours\n")
    words = await said(mosquitto(f"acl_file {tmp_path / 'rules'}"), monkeypatch)
    assert "delivers nothing" in words and "topic rules" in words


@needs("mosquitto")
async def test_a_node_that_is_alone_says_that_it_hears_nobody(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "nobody was heard" in await said(mosquitto(), monkeypatch)


async def test_the_embedded_broker_with_a_limit_is_diagnosed_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = EmbeddedBroker(tmp_path, free_port(), CHAIN, ["a", "b"])
    path = tmp_path / "settings.json"
    settings = msgspec.json.decode(read_private(path), type=EmbeddedSettings)
    assert settings.root == topic_root(CHAIN)
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(settings, payload_bytes_max=10_000)))
    broker.start()
    try:
        words = await said(broker.addresses["a"], monkeypatch)
    finally:
        broker.stop()
    assert "delivers 4096 bytes and has swallowed 65536" in words
