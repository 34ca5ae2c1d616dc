"""How a gateway serves, and where its files lie: nodes/NAME/gateway/, a folder of mode 0700."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import msgspec

from nodes.errors import UserError
from nodes.process.keys import check_private, read_private, replace_private, write_private
from nodes.process.settings import NodeFolder

FORMAT = 1


class GatewaySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """gateway/settings.json, mode 0600.

    `host`, `port`: where it listens. `plain_http`: without TLS, which is for loopback alone. `readers`: threads that
    look answers up; `answer_s`: what one may take. `waiting_max`: answers that may wait for a thread. `in_flight_max`:
    transactions that were taken and are not answered yet. `connections_max`: more are not listened to.
    `body_bytes_max`, `head_bytes_max`: of a request; `request_s`: what it may take to come in. `wait_s`, `wait_s_max`:
    how long an answer waits for the execution, where the request says nothing, and at most. `lag_ms_max`: so far behind
    its own clock the gateway takes nothing more."""

    format: int = FORMAT
    host: str = "127.0.0.1"
    port: int = 0
    plain_http: bool = False
    readers: int = 2
    answer_s: float = 2.0
    waiting_max: int = 256
    in_flight_max: int = 8_000
    connections_max: int = 4_000
    body_bytes_max: int = 1_000_000
    head_bytes_max: int = 16_384
    request_s: float = 10.0
    wait_s: float = 10.0
    wait_s_max: float = 60.0
    lag_ms_max: int = 500

    def check(self) -> None:
        """Raises UserError."""
        if self.format != FORMAT:
            raise UserError(f"gateway settings of format {self.format}; this program reads format {FORMAT}")
        if self.plain_http and not is_loopback(self.host):
            raise UserError(
                f"plain_http is for the loopback address alone, and the gateway is to listen at {self.host}: take it "
                "out, and give the gateway a certificate (nodes/NAME/tls/gateway.crt, gateway.key)"
            )
        if not 0 <= self.port < 65_536:
            raise UserError(f"port: {self.port} does not lie in 0 … 65535")
        for name in ("readers", "waiting_max", "in_flight_max", "connections_max", "body_bytes_max", "head_bytes_max"):
            if getattr(self, name) < 1:
                raise UserError(f"{name}: {getattr(self, name)} is too little: at least 1")
        for name in ("answer_s", "request_s", "wait_s", "wait_s_max", "lag_ms_max"):
            if not 0 < getattr(self, name) < 86_400_000:
                raise UserError(f"{name}: {getattr(self, name)} is no time that can be waited")


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class GatewayFolder:
    """The files of one node's gateway."""

    def __init__(self, node: NodeFolder) -> None:
        self.node = node
        self.folder = node.folder / "gateway"
        self.settings = self.folder / "settings.json"
        self.applications = self.folder / "applications.json"
        self.index = self.folder / "index.sqlite"
        self.address = self.folder / "address"  # where it listens while it runs
        self.certificate = node.folder / "tls" / "gateway.crt"
        self.certificate_key = node.folder / "tls" / "gateway.key"

    def view(self, name: str) -> Path:
        """The rows of a view, of this gateway alone: `consortium view` keeps its own beside the ledger."""
        return self.folder / f"view-{name}.sqlite"

    def key(self, application: str) -> Path:
        """The signing key of an application."""
        return self.folder / f"{application}.key"

    def token(self, application: str) -> Path:
        """Where a token lies that nobody was shown: of the application `desk`, which every gateway has."""
        return self.folder / f"{application}.token"

    def make(self) -> None:
        """Raises UserError where it is there and open to others."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_private(self.folder)


def read_gateway_settings(path: Path) -> GatewaySettings:
    """Those of the file, or the usual ones where there is none. Raises UserError."""
    if not path.exists():
        return GatewaySettings()
    try:
        settings = msgspec.json.decode(read_private(path), type=GatewaySettings)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    settings.check()
    return settings


def write_gateway_settings(path: Path, settings: GatewaySettings) -> None:
    """Raises UserError where the file is there, or the settings cannot be served by."""
    settings.check()
    write_private(path, _told(settings))


def replace_gateway_settings(path: Path, settings: GatewaySettings) -> None:
    """In the place of those that are there. Raises UserError where they cannot be served by."""
    settings.check()
    replace_private(path, _told(settings))


def _told(settings: GatewaySettings) -> bytes:
    return msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n"
