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
from nodes.broker.mosquitto import owner
from nodes.broker.tls_files import TlsFiles
from nodes.broker.topics import topic_root
from nodes.deploy.authority import LOCAL_HOSTS, Authority, Issued
from nodes.deploy.brokers import (
    TlsBroker,
    lay_broker_certificate,
    lay_bus_certificate,
    lay_rules,
    make_tls_broker,
)
from nodes.process import bus_tls
from nodes.process.bus import Bus
from nodes.process.keys import replace_private, write_readable
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


async def test_a_member_is_whom_its_certificate_names_whatever_it_says_of_itself(place: Place) -> None:
    """Another's user name and client name neither let it speak as that one nor end that one's connection."""
    heard: list[tuple[str, bytes]] = []
    liar = place.context(place.authority.issue("a", "node"))
    async with bus(place, "c", heard), bus(place, "b", []) as b:
        for topic in ("all/b", "to/c/b", "all/c"):
            with contextlib.suppress(aiomqtt.MqttError):
                async with client(place, liar, username="b", name="b") as forger:
                    await forger.publish(f"{ROOT}/{topic}", b"\x91\xc4\x04fake")
                    await asyncio.sleep(0.05)
        async with client(place, liar) as a:
            await a.publish(f"{ROOT}/all/a", b"\x91\xc4\x04true")
            await until(lambda: bool(heard))
            await asyncio.sleep(0.1)
        assert b.is_up
        b.publish("c", [b"still"])
        await until(lambda: len(heard) == 2)
    assert heard == [("a", b"true"), ("b", b"still")]
    if place.broker.kind == "embedded":
        assert not await is_let_in(place, liar, username="b"), "another's user name is a lie"


async def test_nobody_hears_what_is_for_another(place: Place) -> None:
    """Mosquitto says that it grants such a subscription, and delivers of it what the member may read, and no more; the
    embedded broker refuses it."""
    heard: list[str] = []
    got: list[tuple[str, bytes]] = []

    async def listen(spy: aiomqtt.Client) -> None:
        async for message in spy.messages:
            heard.append(message.topic.value)

    async with client(place, place.context(place.authority.issue("a", "node"))) as spy, bus(place, "b", got):
        for topic in ("#", "$SYS/#", f"{ROOT}/to/b/+", f"{ROOT}/to/b/#", f"{ROOT}/#", "+/+/to/+/+"):
            (granted,) = await spy.subscribe(topic)
            code = granted if isinstance(granted, int) else int(granted.value)
            assert code == 0x80 or place.broker.kind == "mosquitto"
        task = asyncio.create_task(listen(spy))
        async with bus(place, "c", []) as c:
            c.publish("b", [b"private"])
            c.publish("a", [b"for a"])
            await until(lambda: ("c", b"private") in got)
            await asyncio.sleep(0.15)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert not [name for name in heard if name.startswith("$SYS") or "/to/b/" in name]
    assert heard == [] or place.broker.kind == "mosquitto"


async def test_a_removed_member_is_mute_and_deaf_at_once_and_cannot_come_back(place: Place) -> None:
    heard: list[tuple[str, bytes]] = []
    gone: list[tuple[str, bytes]] = []
    async with bus(place, "b", heard) as b, bus(place, "a", gone) as a:
        a.publish("b", [b"before"])
        await until(lambda: len(heard) == 1)
        lay_rules(place.broker.kind, place.broker.folder, place.broker.port, CHAIN, ["b", "c"], user=owner())
        place.authority.revoke("a", "node")
        place.revoked_list()
        await asyncio.sleep(0.3)
        a.publish("b", [b"after"])
        b.publish("a", [b"after"])
        await asyncio.sleep(0.2)
    assert heard == [("a", b"before")] and gone == []
    assert not await is_let_in(place, place.address("a").tls.context())  # type: ignore[union-attr]


async def test_a_renewed_certificate_takes_the_place_of_a_stolen_one_while_all_goes_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus_tls, "LOOK_S", 0.2)
    heard: list[tuple[str, bytes]] = []
    stolen = place.address("a").tls.context()  # type: ignore[union-attr]
    async with bus(place, "b", heard), bus(place, "a", []) as a:
        new = lay_bus_certificate(place.folder / "a", place.authority, "a")
        assert place.authority.revoke("a", "node", keep=new) == 1
        place.revoked_list()
        await until(lambda: not a.is_up)
        await until(lambda: a.is_up)
        a.publish(None, [b"with the new one"])
        await until(lambda: heard == [("a", b"with the new one")])
        assert not await is_let_in(place, stolen)
        assert a.is_up


async def test_a_broker_gets_a_new_certificate_without_losing_anybody(place: Place) -> None:
    async with bus(place, "a", []) as a:
        first = place.authority.issued()
        new = lay_broker_certificate(place.broker.folder, place.authority, LOCAL_HOSTS)
        assert place.authority.revoke("broker-1", "broker", keep=new) == 1
        place.revoked_list()
        await asyncio.sleep(0.3)
        assert a.is_up and len(place.authority.issued()) == len(first) + 1
        async with client(place, place.context(place.authority.issue("c", "node"))) as c:
            peer = c._client.socket().getpeercert()  # type: ignore[union-attr]
            (valid,) = [it for it in place.authority.issued() if it.kind == "broker" and not it.is_revoked]
            assert int(str(peer["serialNumber"]), 16) == valid.serial  # type: ignore[index]


def test_secrets_are_in_no_environment_command_line_log_or_file_that_others_read(place: Place) -> None:
    pid = place.broker._process.pid  # type: ignore[union-attr]
    parts = {"BEGIN EC", "PRIVATE KEY"}
    for name in ("environ", "cmdline"):
        text = Path(f"/proc/{pid}/{name}").read_text(errors="replace") if Path("/proc").is_dir() else ""
        assert not [part for part in parts if part in text], name
    for path in place.folder.rglob("*"):
        if path.is_file():
            is_secret = b"PRIVATE KEY" in path.read_bytes()
            mode = path.stat().st_mode & 0o777
            assert not is_secret or (mode == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700), path
    kept = [path.name for path in place.broker.folder.iterdir() if b"PRIVATE KEY" in path.read_bytes()]
    assert kept == ["broker.key"], "neither its settings nor its log hold one"


@needs("mosquitto")
async def test_another_server_of_the_same_authority_is_no_broker(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Who runs a gateway has a server's certificate for the same address."""
    authority = Authority.create(tmp_path / "authority", "town")
    broker = make_tls_broker("mosquitto", tmp_path / "broker-1", free_port(), "127.0.0.1", CHAIN, NAMES, authority)
    issued = authority.issue("a", "gateway", LOCAL_HOSTS)
    replace_private(broker.folder / "broker.key", issued.key_pem)
    write_readable(broker.folder / "broker.crt", issued.certificate_pem)
    (tmp_path / "b").mkdir()
    lay_bus_certificate(tmp_path / "b", authority, "b")
    broker.start()
    try:
        made = Bus(Place(broker, authority, tmp_path).address("b"), CHAIN, "b", NAMES, lambda *_: None, lambda _: None)
        task = asyncio.create_task(made.run())
        await until(lambda: "it is not broker-1" in caplog.text)
        assert not made.is_up
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    finally:
        broker.stop()
