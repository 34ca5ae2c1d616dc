"""Where a broker is and who we are to it: `mqtt://user:password@host:port`, or a certificate."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from nodes.broker.tls_files import TlsFiles
from nodes.errors import UserError


class BrokerAddress(NamedTuple):
    host: str
    port: int
    user: str = ""
    password: str = ""
    tls: TlsFiles | None = None

    def __str__(self) -> str:
        """Without the password: fit for messages and logs."""
        return f"mqtt{'s' if self.tls else ''}://{self.host}:{self.port}"


def parse_address(text: str) -> BrokerAddress:
    """Raises UserError unless `text` is `mqtt://[user:password@]host[:port]`."""
    try:
        parts = urlsplit(text)
        port = parts.port or 1883
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme != "mqtt" or not parts.hostname or parts.path.strip("/") or parts.query:
        raise UserError("a broker is named `embedded`, `mosquitto` or `mqtt://user:password@host:port`; this is none")
    return BrokerAddress(parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""))
