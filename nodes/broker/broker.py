"""The broker of a local run: embedded (amqtt), a private Mosquitto, or one that runs elsewhere.

A node has its own random password, and the broker keeps it to its own topics (`topics.py`). Nothing is retained.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import hashlib
import os
import secrets
import shutil
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
from nodes.broker.topics import Topics, topic_root
from nodes.conduct import child
from nodes.errors import UserError
from nodes.process.bus_limits import PAYLOAD_BYTES_MAX
from nodes.process.keys import write_private

MOSQUITTO_PATHS = ("/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/opt/homebrew/sbin/mosquitto")
START_S = 15.0
MOSQUITTO_VARIABLE = "CONSORTIUM_MOSQUITTO"  # names the program, before PATH and MOSQUITTO_PATHS are looked at
LOOPBACK = "127.0.0.1"
PORTS = (20_000, 32_000)  # below those that systems give to connections: while a broker is down, nobody gets its port
EMBEDDED_IS_UP = b"the embedded broker is up"


class EmbeddedSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the embedded broker's process reads: SHA-256 of each password, by user; longer payloads are not carried."""

    port: int
    root: str
    users: dict[str, str]
    payload_bytes_max: int = PAYLOAD_BYTES_MAX


class Broker:
    """A broker as the conductor sees it. `addresses`: where and as whom each node connects."""

    def __init__(self, addresses: dict[str, BrokerAddress]) -> None:
        self.addresses = addresses

    def start(self) -> None:
        """Returns when it accepts connections. Raises UserError."""

    def kill(self) -> None:
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

    def start(self) -> None:
        asyncio.run(_try_connect(self._address))


class OwnBroker(Broker):
    """A broker process of ours on a loopback port; it can be killed and started again on the same port. `is_up_word`:
    what the process writes to its log once the port is its own. That somebody answers there proves nothing: it may be a
    stranger, and nodes would tell him their passwords."""

    is_up_word = b""

    def __init__(self, folder: Path, port: int, names: Sequence[str]) -> None:
        self._passwords = {name: secrets.token_urlsafe(24) for name in names}
        super().__init__({name: BrokerAddress(LOOPBACK, port, name, self._passwords[name]) for name in names})
        self.folder = folder
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    def _spawn(self) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def start(self) -> None:
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

    def kill(self) -> None:
        if self._process is not None:
            child.kill(self._process)

    def stop(self) -> None:
        if self._process is not None:
            child.stop(self._process, wait_s=2.0)


class EmbeddedBroker(OwnBroker):
    """amqtt in a process of its own (see broker_process)."""

    is_up_word = EMBEDDED_IS_UP

    def __init__(self, folder: Path, port: int, chain: bytes, names: Sequence[str]) -> None:
        super().__init__(folder, port, names)
        users = {name: hashlib.sha256(password.encode()).hexdigest() for name, password in self._passwords.items()}
        settings = EmbeddedSettings(port, topic_root(chain), users)
        write_private(folder / "settings.json", msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n")

    def _spawn(self) -> subprocess.Popen[bytes]:
        return child.spawn(["-m", "nodes.broker.broker_process", str(self.folder / "settings.json")], log=self._log)


class Mosquitto(OwnBroker):
    """A private Mosquitto. Its defaults lose messages silently; the settings here do not."""

    is_up_word = b" running"

    def __init__(self, folder: Path, port: int, chain: bytes, names: Sequence[str]) -> None:
        super().__init__(folder, port, names)
        self._binary = find_mosquitto()
        write_private(folder / "passwords", "".join(map(self._password_line, names)).encode())
        write_private(folder / "rules", "".join(_rules(Topics(topic_root(chain)), name) for name in names).encode())

    def _password_line(self, name: str) -> str:
        """As mosquitto_passwd writes it: PBKDF2 of SHA-512."""
        salt, rounds = secrets.token_bytes(12), 101
        digest = hashlib.pbkdf2_hmac("sha512", self._passwords[name].encode(), salt, rounds)
        return f"{name}:$7${rounds}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}\n"

    def _spawn(self) -> subprocess.Popen[bytes]:
        """The configuration names absolute paths, so it is written at each start (the run folder is renamed once)."""
        folder = self.folder.absolute()
        lines = [
            f"listener {self.port} {LOOPBACK}",
            "allow_anonymous false",
            f"password_file {folder / 'passwords'}",
            f"acl_file {folder / 'rules'}",
            "persistence false",
            "retain_available false",
            "set_tcp_nodelay true",
            f"message_size_limit {PAYLOAD_BYTES_MAX}",  # what no node would read needs not be carried
            "max_queued_messages 0",
            "max_queued_bytes 0",
            "max_inflight_messages 0",
            "log_dest stderr",
            "log_type error",
            "log_type warning",
            "log_type information",  # says that it runs
        ]
        if os.geteuid() == 0:
            lines.append("user root")  # it must read the 0600 files above; it listens on loopback only
        settings = folder / "mosquitto.conf"
        settings.unlink(missing_ok=True)
        write_private(settings, "\n".join(lines).encode() + b"\n")
        return child.spawn(["-m", "nodes.conduct.child", self._binary, "-c", str(settings)], log=self._log)


def _rules(topics: Topics, name: str) -> str:
    """What one node may do, as Mosquitto's `acl_file` says it."""
    lines = [f"user {name}"]
    lines += [f"topic write {topic}" for topic in topics.published_by(name)]
    lines += [f"topic read {topic}" for topic in topics.heard_by(name)]
    return "\n".join(lines) + "\n\n"


def find_mosquitto() -> str:
    """The program's path: what CONSORTIUM_MOSQUITTO names, else the first of PATH and the usual places. Raises
    UserError when there is none there."""
    named = os.environ.get(MOSQUITTO_VARIABLE)
    places = (named,) if named else ("mosquitto", *MOSQUITTO_PATHS)
    found = next(filter(None, map(shutil.which, places)), None)
    if found is None:
        raise UserError(
            "mosquitto is not installed: install it (Debian: apt install mosquitto), or use --broker embedded"
        )
    return found


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
