"""The brokers of a standing consortium: mutual TLS, each in a folder of its own with all that it needs."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Literal

import msgspec
from msgspec.structs import replace

from nodes.broker.address import BrokerAddress
from nodes.broker.broker import EMBEDDED_IS_UP, LOOPBACK, EmbeddedSettings, OwnBroker
from nodes.broker.mosquitto import MOSQUITTO_IS_UP, SETTINGS, certificate_lines, owner, rules_of, settings_of
from nodes.broker.tls_files import BROKER, BROKER_CERTIFICATE, BROKER_KEY, CA, MEMBER, REVOKED, TlsFiles
from nodes.broker.topics import Topics, topic_root
from nodes.conduct import child
from nodes.deploy.authority import LOCAL_HOSTS, Authority
from nodes.process.keys import read_private, replace_private, write_readable

BrokerKind = Literal["embedded", "mosquitto"]
UP_WORDS: dict[BrokerKind, bytes] = {"embedded": EMBEDDED_IS_UP, "mosquitto": MOSQUITTO_IS_UP}  # in its log
BUS_FILES = ("tls/ca.crt", "tls/bus.crt", "tls/bus.key")  # in a node's folder
GATEWAY_FILES = ("tls/gateway.crt", "tls/gateway.key")


class TlsBroker(OwnBroker):
    """One whose folder `lay_tls_broker` made."""

    def __init__(self, kind: BrokerKind, folder: Path, port: int, addresses: dict[str, BrokerAddress]) -> None:
        super().__init__(folder, port, addresses)
        self.kind = kind
        self.is_up_word = UP_WORDS[kind]

    def _spawn(self) -> subprocess.Popen[bytes]:
        return child.spawn(broker_arguments(self.folder, self.kind), log=self._log)


def make_tls_broker(
    kind: BrokerKind,
    folder: Path,
    port: int,
    host: str,
    chain: bytes,
    names: Sequence[str],
    authority: Authority,
    *,
    hosts: Sequence[str] = LOCAL_HOSTS,
    bind: str = LOOPBACK,
    user: str | None = None,
) -> TlsBroker:
    """Lay the folder of a broker, which is called like the folder, and say where each member finds it: at `host`.
    Nothing is started. `hosts`: all that its certificate is for. `bind`: where it listens. `user`: as whom Mosquitto
    runs where root starts it (in a container: empty)."""
    folder.mkdir(mode=0o700, parents=True)
    lay_broker_certificate(folder, authority, hosts)
    lay_rules(kind, folder, port, chain, names, bind=bind, user=owner() if user is None else user)
    tls = TlsFiles(*BUS_FILES, server=folder.name)
    return TlsBroker(kind, folder, port, {name: BrokerAddress(host, port, tls=tls) for name in names})


def lay_broker_certificate(folder: Path, authority: Authority, hosts: Sequence[str]) -> bytes:
    """A new one, in the place of what was there; the certificate (PEM). The broker takes it up at its next SIGHUP."""
    issued = authority.issue(folder.name, BROKER, hosts)
    write_readable(folder / CA, authority.ca_pem)
    replace_private(folder / BROKER_KEY, issued.key_pem)
    write_readable(folder / BROKER_CERTIFICATE, issued.certificate_pem)
    write_readable(folder / REVOKED, authority.crl_pem)
    return issued.certificate_pem


def lay_rules(
    kind: BrokerKind,
    folder: Path,
    port: int,
    chain: bytes,
    names: Sequence[str],
    *,
    bind: str = LOOPBACK,
    user: str = "",
) -> None:
    """Who may connect, and to which topics. The broker takes up changed names at its next SIGHUP."""
    if kind == "mosquitto":
        lines = certificate_lines(CA, BROKER_CERTIFICATE, BROKER_KEY, REVOKED)
        replace_private(folder / "rules", rules_of(Topics(topic_root(chain)), names))
        replace_private(folder / SETTINGS, settings_of(port, bind, lines, user))
    else:
        settings = EmbeddedSettings(port, topic_root(chain), host=bind, is_tls=True, names=sorted(names))
        text = msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n"
        replace_private(folder / "settings.json", text)


def lay_names(kind: BrokerKind, folder: Path, chain: bytes, names: Sequence[str]) -> None:
    """Other members in the rules of a broker that is there. It takes them up at its next SIGHUP."""
    if kind == "mosquitto":
        replace_private(folder / "rules", rules_of(Topics(topic_root(chain)), names))
        return
    path = folder / "settings.json"
    settings = msgspec.json.decode(read_private(path), type=EmbeddedSettings)
    settings = replace(settings, names=sorted(names))
    replace_private(path, msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n")


def broker_arguments(folder: PurePath, kind: BrokerKind) -> list[str]:
    """What stands behind `python -P` to run the broker of this folder in the foreground, until SIGTERM."""
    if kind == "mosquitto":
        return ["-m", "nodes.broker.mosquitto", str(folder)]
    return ["-m", "nodes.broker.broker_process", str(folder / "settings.json")]


def lay_bus_certificate(node_folder: Path, authority: Authority, name: str) -> bytes:
    """A member's key and certificate for the bus, in the place of what was there; the certificate (PEM). Its process
    takes them up when it connects next, and it looks every few seconds."""
    issued = authority.issue(name, MEMBER)
    _lay(node_folder, authority)
    _, certificate, key = (node_folder / path for path in BUS_FILES)
    replace_private(key, issued.key_pem)
    write_readable(certificate, issued.certificate_pem)
    return issued.certificate_pem


def lay_gateway_certificate(
    node_folder: Path, authority: Authority, name: str, hosts: Sequence[str] = LOCAL_HOSTS
) -> bytes:
    """The same of a member's gateway."""
    issued = authority.issue(name, "gateway", hosts)
    _lay(node_folder, authority)
    certificate, key = (node_folder / path for path in GATEWAY_FILES)
    replace_private(key, issued.key_pem)
    write_readable(certificate, issued.certificate_pem)
    return issued.certificate_pem


def _lay(node_folder: Path, authority: Authority) -> None:
    (node_folder / "tls").mkdir(mode=0o700, exist_ok=True)
    write_readable(node_folder / BUS_FILES[0], authority.ca_pem)
    write_readable(node_folder / "tls" / REVOKED, authority.crl_pem)
