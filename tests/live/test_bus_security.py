"""Who may do what on the bus of a standing consortium: each refusal by a real Mosquitto and by the embedded broker."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import aiomqtt
import pytest

from nodes.broker.address import BrokerAddress
from nodes.broker.broker import free_port
from nodes.broker.tls_files import TlsFiles
from nodes.broker.topics import topic_root
from nodes.deploy.authority import Authority, Issued
from nodes.deploy.brokers import TlsBroker, lay_bus_certificate, make_tls_broker
from nodes.process import bus_tls
from nodes.process.bus import Bus
from nodes.process.keys import write_readable
from tests.optional import needs

CHAIN = b"c" * 32
ROOT = topic_root(CHAIN)
NAMES = ("a", "b", "c")
KINDS = ["embedded", pytest.param("mosquitto", marks=needs("mosquitto"))]
pytestmark = pytest.mark.live


class Place(NamedTuple):
    """A broker that runs, who may issue certificates, and the folders of the members."""

    broker: TlsBroker
    authority: Authority
    folder: Path

    def address(self, name: str) -> BrokerAddress:
        address = self.broker.addresses[name]
        assert address.tls is not None
        return address._replace(tls=address.tls.under(self.folder / name))

    def context(self, issued: Issued) -> ssl.SSLContext:
        """Of a client with this certificate, which needs none of our care."""
        folder = self.folder / "client"
        folder.mkdir(exist_ok=True)
        files = TlsFiles("../a/tls/ca.crt", "own.crt", "own.key").under(folder)
        Path(files.certificate).write_bytes(issued.certificate_pem)
        Path(files.key).write_bytes(issued.key_pem)
        Path(files.key).chmod(0o600)
        return files.context()

    def revoked_list(self) -> None:
        write_readable(self.broker.folder / "crl.pem", self.authority.crl_pem)
        self.broker.reload()


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    authority = Authority.create(tmp_path / "authority", "town")
    folder = tmp_path / "broker-1"
    broker = make_tls_broker(request.param, folder, free_port(), "127.0.0.1", CHAIN, NAMES, authority)
    for name in NAMES:
        (tmp_path / name).mkdir()
        lay_bus_certificate(tmp_path / name, authority, name)
    broker.start()
    yield Place(broker, authority, tmp_path)
    broker.stop()


def client(
    place: Place, context: ssl.SSLContext | None, username: str | None = None, name: str = "x"
) -> aiomqtt.Client:
    alerts = bus_tls.Alerts()
    port = place.broker.port
    made = aiomqtt.Client(
        "127.0.0.1", port, tls_context=context, username=username, identifier=name, timeout=2, logger=alerts
    )
    alerts.watch(made)
    return made


@contextlib.asynccontextmanager
async def bus(place: Place, name: str, heard: list[tuple[str, bytes]]) -> AsyncIterator[Bus]:
    made = Bus(
        place.address(name), CHAIN, name, NAMES, lambda s, frames: heard.extend((s, f) for f in frames), lambda _: None
    )
    task = asyncio.create_task(made.run())
    await until(lambda: made.is_up)
    yield made
    assert not task.done(), "a bus never gives up"
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool], seconds: float = 8.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def is_let_in(place: Place, context: ssl.SSLContext | None, username: str | None = None) -> bool:
    try:
        async with client(place, context, username) as mine:
            await mine.subscribe(f"{ROOT}/all/+")
            return True
    except (aiomqtt.MqttError, OSError):
        return False


async def test_members_hear_one_another_and_strangers_are_not_let_in(place: Place, tmp_path: Path) -> None:
    heard: list[tuple[str, bytes]] = []
    async with bus(place, "a", []) as a, bus(place, "b", heard):
        a.publish(None, [b"broadcast"])
        a.publish("b", [b"private"])
        await until(lambda: len(heard) == 2)
    assert heard == [("a", b"broadcast"), ("a", b"private")]
    own = place.context(place.authority.issue("a", "node"))
    assert await is_let_in(place, own), "who has a certificate is let in"
    nothing = ssl.create_default_context(cafile=tmp_path / "a" / "tls" / "ca.crt")
    stranger = Authority.create(tmp_path / "stranger", "town")
    place.authority.now = lambda: datetime.now(UTC) - timedelta(days=3)
    stale = place.authority.issue("a", "node", days=2)
    place.authority.now = lambda: datetime.now(UTC)
    assert not await is_let_in(place, None), "no TLS"
    assert not await is_let_in(place, nothing), "no certificate"
    assert not await is_let_in(place, place.context(stranger.issue("a", "node"))), "a stranger's authority"
    assert not await is_let_in(place, place.context(stale)), "expired"
    for kind in ("broker", "gateway"):
        assert not await is_let_in(place, place.context(place.authority.issue("a", kind))), kind  # type: ignore[arg-type]
    assert await is_let_in(place, place.context(place.authority.issue("a", "node")))


async def test_what_was_revoked_is_not_let_in_and_is_told_why(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.authority.revoke("a", "node")
    place.revoked_list()
    await asyncio.sleep(0.3)
    assert not await is_let_in(place, place.context(place.authority.issue("a", "broker")))
    made = Bus(place.address("a"), CHAIN, "a", NAMES, lambda *_: None, lambda _: None)
    task = asyncio.create_task(made.run())
    await until(lambda: "trying again" in caplog.text)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not made.is_up
    if place.broker.kind == "mosquitto":  # the embedded broker knows in MQTT alone who is revoked
        assert "certificate was revoked" in caplog.text and "consortium certificate rotate" in caplog.text
    else:
        assert "Not authorized" in caplog.text
