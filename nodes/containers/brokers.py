"""The broker of a run in containers: Mosquitto, or the embedded one, in a container of its own."""

from __future__ import annotations

import hashlib
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn, cast

import msgspec

from nodes.broker.address import BrokerAddress
from nodes.broker.broker import EmbeddedSettings, OwnBroker
from nodes.broker.mosquitto import SETTINGS, password_line, rules_of, settings_of
from nodes.broker.topics import Topics, topic_root
from nodes.containers.container import Container, Mount, Order, give
from nodes.containers.node_container import BROKER as HOST
from nodes.containers.node_container import SEEN, Setting
from nodes.deploy.brokers import UP_WORDS, BrokerKind, broker_arguments
from nodes.errors import UserError
from nodes.process.keys import write_private

PORT = 1883
BIND = "0.0.0.0"  # of the run's own network, which nobody else is in


class BrokerContainer(OwnBroker):
    """`folder`: with its configuration, which the container cannot change."""

    def __init__(self, kind: BrokerKind, folder: Path, addresses: dict[str, BrokerAddress], setting: Setting) -> None:
        super().__init__(folder, PORT, addresses)
        self.is_up_word = UP_WORDS[kind]
        self._kind = kind
        self._setting = setting
        self._lives = 0

    def _spawn(self) -> subprocess.Popen[bytes]:
        setting, seen = self._setting, SEEN / "broker"
        self._lives += 1
        give(self.folder, setting.engine.owner)
        order = Order(
            image=setting.image,
            name=f"{setting.stem}-{HOST}-{self._lives}",
            network=setting.network.name,
            labels=setting.labels,
            mounts=[Mount(self.folder, str(seen))],
            command=["python", "-P", *broker_arguments(seen, self._kind)],
            address=setting.network.broker_address,
        )
        return Container(setting.engine, order, self._log, subprocess.DEVNULL, subprocess.DEVNULL)

    def _fail_to_start(self) -> NoReturn:
        raise UserError(f"the broker's container ended at its start: {self._last_words()}")


def check_kind(text: str) -> None:
    """Raises UserError where this broker cannot be had for containers."""
    if text not in UP_WORDS:
        raise UserError(
            f"--broker {text!r}: containers of a run are in a network of their own; use --broker embedded or mosquitto"
        )


def make_broker(text: str, folder: Path, chain: bytes, names: Sequence[str], setting: Setting) -> OwnBroker:
    """`embedded` or `mosquitto`, with its configuration written. Nothing is started."""
    kind = cast(BrokerKind, text)
    addresses = {name: BrokerAddress(HOST, PORT, name, secrets.token_urlsafe(24)) for name in names}
    passwords = {name: address.password for name, address in addresses.items()}
    folder.mkdir(mode=0o700)
    for name, data in _files(kind, chain, passwords).items():
        write_private(folder / name, data)
    return BrokerContainer(kind, folder, addresses, setting)


def _files(kind: BrokerKind, chain: bytes, passwords: Mapping[str, str]) -> dict[str, bytes]:
    root = topic_root(chain)
    if kind == "embedded":
        users = {name: hashlib.sha256(password.encode()).hexdigest() for name, password in passwords.items()}
        return {"settings.json": msgspec.json.encode(EmbeddedSettings(PORT, root, users, host=BIND))}
    lines = "".join(password_line(name, password) for name, password in passwords.items())
    return {
        "passwords": lines.encode(),
        "rules": rules_of(Topics(root), passwords),
        SETTINGS: settings_of(PORT, BIND, ["password_file passwords"]),
    }
