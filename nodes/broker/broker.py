"""The broker of a local run: embedded (amqtt), a private Mosquitto, or one that runs elsewhere.

A node has its own random password, and the broker keeps it to its own topics (`topics.py`). Nothing is retained.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import aiomqtt
import msgspec
from aiomqtt.exceptions import MqttConnectError

from nodes.broker.address import BrokerAddress, parse_address
from nodes.broker.mosquitto import MOSQUITTO_IS_UP, find_mosquitto, owner, password_line, rules_of, settings_of
from nodes.broker.topics import Topics, topic_root
from nodes.conduct import child
from nodes.errors import UserError
from nodes.process.bus_limits import PAYLOAD_BYTES_MAX
from nodes.process.keys import write_private

START_S = 15.0
LOOPBACK = "127.0.0.1"
PORTS = (20_000, 32_000)  # below those that systems give to connections: while a broker is down, nobody gets its port
EMBEDDED_IS_UP = b"the embedded broker is up"


class EmbeddedSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the embedded broker's process reads. `users`: SHA-256 of each password, by user. Or `is_tls`: who has a
    certificate, the files of which lie beside this one, and is one of `names`. Longer payloads are not carried."""

    port: int
    root: str
    users: dict[str, str] = {}
    payload_bytes_max: int = PAYLOAD_BYTES_MAX
    host: str = LOOPBACK
    is_tls: bool = False
    names: list[str] = []


class Broker:
    """A broker as the conductor sees it. `addresses`: where and as whom each node connects."""

    def __init__(self, addresses: dict[str, BrokerAddress]) -> None:
        self.addresses = addresses

    @property
    def places(self) -> dict[str, tuple[BrokerAddress, ...]]:
        """Where each node connects: to several brokers, where there are several."""
        return {name: (address,) for name, address in self.addresses.items()}

    def start(self, number: int = 0) -> None:
        """Returns when it accepts connections. `number`: which of several, from 1; 0: all. Raises UserError."""

    def kill(self, number: int = 0) -> None:
        """`kill -9`, for the fault `broker_kill`."""

    def stop(self) -> None:
        """Stop it for good."""

    def moved(self, folder: Path) -> None:
        """Its folder lies elsewhere now."""


class ExternalBroker(Broker):
    """A broker that somebody else runs; all nodes share the credentials given."""

    def __init__(self, address: BrokerAddress, names: Sequence[str]) -> None:
        super().__init__(dict.fromkeys(names, address))
        self._address = address

    def start(self, number: int = 0) -> None:
        asyncio.run(_try_connect(self._address))


class OwnBroker(Broker):
    """A broker process of ours on a loopback port; it can be killed and started again on the same port. `is_up_word`:
    what the process writes to its log once the port is its own. That somebody answers there proves nothing: it may be a
    stranger, and nodes would tell him their passwords."""

    is_up_word = b""

    def __init__(self, folder: Path, port: int, addresses: dict[str, BrokerAddress]) -> None:
        super().__init__(addresses)
        self.folder = folder
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    def _spawn(self) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def start(self, number: int = 0) -> None:
        if number > 1:
            return
        older = self._log.stat().st_size if self._log.exists() else 0
        self._process = self._spawn()
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.is_up_word in self._log.read_bytes()[older:]:
                return
            if self._process.poll() is not None:
                self._fail_to_start()
            time.sleep(0.02)
        self.stop()
        raise UserError(f"the broker did not start on port {self.port} within {START_S:.0f} s; see {self._log}")

    def _fail_to_start(self) -> NoReturn:
        if not is_port_free(self.port):
            raise UserError(
                f"the broker could not start: port {self.port} of {LOOPBACK} is in use; name another, or none and a "
                "free one is taken"
            )
        raise UserError(f"the broker could not start on port {self.port}: {self._last_words()}")

    def moved(self, folder: Path) -> None:
        self.folder = folder

    @property
    def _log(self) -> Path:
        return self.folder / "log.txt"

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def kill(self, number: int = 0) -> None:
        if self._process is not None and number <= 1:
            child.kill(self._process)

    def reload(self) -> None:
        """Read rules, certificates and what was revoked anew; whoever is connected and still may be, stays."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        if self._process is not None:
            child.stop(self._process, wait_s=2.0)


def _with_passwords(port: int, names: Sequence[str]) -> dict[str, BrokerAddress]:
    return {name: BrokerAddress(LOOPBACK, port, name, secrets.token_urlsafe(24)) for name in names}


class EmbeddedBroker(OwnBroker):
    """amqtt in a process of its own (see broker_process)."""

    is_up_word = EMBEDDED_IS_UP

    def __init__(self, folder: Path, port: int, chain: bytes, names: Sequence[str]) -> None:
        super().__init__(folder, port, _with_passwords(port, names))
        users = {name: hashlib.sha256(it.password.encode()).hexdigest() for name, it in self.addresses.items()}
        settings = EmbeddedSettings(port, topic_root(chain), users)
        write_private(folder / "settings.json", msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n")

    def _spawn(self) -> subprocess.Popen[bytes]:
        return child.spawn(["-m", "nodes.broker.broker_process", str(self.folder / "settings.json")], log=self._log)


class Mosquitto(OwnBroker):
    """A private Mosquitto (see mosquitto)."""

    is_up_word = MOSQUITTO_IS_UP

    def __init__(self, folder: Path, port: int, chain: bytes, names: Sequence[str]) -> None:
        super().__init__(folder, port, _with_passwords(port, names))
        find_mosquitto()
        lines = (password_line(name, address.password) for name, address in self.addresses.items())
        write_private(folder / "passwords", "".join(lines).encode())
        write_private(folder / "rules", rules_of(Topics(topic_root(chain)), names))
        write_private(folder / "mosquitto.conf", settings_of(port, LOOPBACK, ["password_file passwords"], user=owner()))

    def _spawn(self) -> subprocess.Popen[bytes]:
        return child.spawn(["-m", "nodes.broker.mosquitto", str(self.folder)], log=self._log)


def is_port_free(port: int) -> bool:
    """Whether a broker may listen here: closed connections of an older one do no harm."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            return error.errno != errno.EADDRINUSE  # whether this user may listen there, the broker tells
    return True


def free_port() -> int:
    """A port that nobody has now. Raises UserError where all of PORTS are taken."""
    first, end = PORTS
    begin = secrets.randbelow(end - first)
    for step in range(end - first):
        port = first + (begin + step) % (end - first)
        if is_port_free(port):
            return port
    raise UserError(f"all ports from {first} to {end - 1} of {LOOPBACK} are in use: name one, as in embedded:1883")


def check_broker(text: str) -> None:
    """Whether `text` names a broker that can be had, before anything is written. Raises UserError."""
    kind, _, port = text.partition(":")
    if kind in ("embedded", "mosquitto"):
        _port(text, port)
        if kind == "mosquitto":
            find_mosquitto()
    else:
        asyncio.run(_try_connect(parse_address(text)))


def _port(text: str, port: str) -> int:
    """The loopback port that was asked for (`embedded:1883`), or a free one."""
    if not port:
        return free_port()
    if not port.isdecimal() or not 1 <= int(port) <= 65_535:
        raise UserError(f"{text!r}: a port is a number from 1 to 65535")
    if not is_port_free(int(port)):
        raise UserError(f"port {port} of {LOOPBACK} is in use: name another, or none and a free one is taken")
    return int(port)


def make_broker(text: str, folder: Path, chain: bytes, names: Sequence[str]) -> Broker:
    """The broker that `text` names: `embedded[:PORT]`, `mosquitto[:PORT]` or `mqtt://user:password@host:port`."""
    kind, _, port = text.partition(":")
    if kind == "embedded":
        folder.mkdir(mode=0o700)
        return EmbeddedBroker(folder, _port(text, port), chain, names)
    if kind == "mosquitto":
        folder.mkdir(mode=0o700)
        return Mosquitto(folder, _port(text, port), chain, names)
    return ExternalBroker(parse_address(text), names)


async def _try_connect(address: BrokerAddress) -> None:
    try:
        async with aiomqtt.Client(
            address.host,
            address.port,
            username=address.user or None,
            password=address.password or None,
            timeout=5,
        ):
            return
    except MqttConnectError as error:
        raise UserError(f"the broker at {address} refuses us ({error}): check user and password") from None
    except (aiomqtt.MqttError, OSError, ValueError) as error:
        raise UserError(f"no broker answers at {address} ({error}): check host and port, or start it") from None
