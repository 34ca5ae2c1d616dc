"""Mutual TLS as one node's bus sees it: files that may be renewed, a broker that must be the right one, and refusals
in words."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path
from typing import Any

import aiomqtt

from nodes.broker.tls_files import BROKER, TlsFiles, common_name, unit_of

LOOK_S = 4.0  # so often a node looks whether its certificate was renewed
MEANINGS = {
    "CERTIFICATE_REVOKED": "this node's certificate was revoked: `consortium certificate rotate` issues a new one",
    "CERTIFICATE_EXPIRED": "this node's certificate has expired: `consortium certificate rotate` issues a new one",
    "UNKNOWN_CA": "the broker does not know the authority of this node's certificate",
    "CERTIFICATE_REQUIRED": "the broker wants a certificate, and this node has none",
    "CERTIFICATE_VERIFY_FAILED": "the broker's certificate is not one of our authority for this address",
}


class BusTls:
    """Of one connection at a time. `connect` begins each."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._since: tuple[int, ...] = ()

    def context(self) -> ssl.SSLContext:
        """Out of the files as they are now. Raises UserError."""
        self._since = self._times()
        return self._files.context()

    def is_renewed(self) -> bool:
        """Whether the files are others than those of the connection."""
        times = self._times()
        return bool(times) and times != self._since

    def _times(self) -> tuple[int, ...]:
        try:
            return tuple(Path(path).stat().st_mtime_ns for path in (self._files.certificate, self._files.ca))
        except OSError:
            return ()  # it is being replaced, or gone: what we have still holds

    def check_server(self, client: aiomqtt.Client) -> None:
        """The authority issues certificates for gateways at the same addresses, too. Raises MqttError where this is no
        broker, or another."""
        sock = client._client.socket()
        peer = sock.getpeercert() if isinstance(sock, ssl.SSLSocket) else None
        wanted = self._files.server
        if wanted and (common_name(peer), unit_of(peer)) != (wanted, BROKER):
            raise aiomqtt.MqttError(f"it is not {wanted}, but {unit_of(peer)} {common_name(peer)!r}")


class Alerts(logging.Logger):
    """What the MQTT library tells of a connection that breaks. `watch`: one that breaks before the broker has accepted
    it fails at once, and says so, where the library would wait for an answer until the time is out."""

    def __init__(self) -> None:
        super().__init__("mqtt", logging.ERROR)
        self._words = "the broker ended the connection in its handshake"
        self.addFilter(self._hear)

    def _hear(self, record: logging.LogRecord) -> bool:
        self._words = record.getMessage()
        return False

    def watch(self, client: aiomqtt.Client) -> None:
        def on_disconnect(*arguments: Any) -> None:
            if not client._connected.done():
                client._connected.set_exception(aiomqtt.MqttError(self._words))
            client._on_disconnect(*arguments)

        client._client.on_disconnect = on_disconnect


def meaning(words: str) -> str:
    """What to do about a refusal of TLS, where we know it; else its own words."""
    return next((sentence for code, sentence in MEANINGS.items() if code in words.upper().replace(" ", "_")), words)
