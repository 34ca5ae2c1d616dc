"""A connection that is served: how many there are, and how long a request may take to come in.

The server reads heads without a limit of time, and with some parsers without one of length. One whose request does not
come in time is closed; one more than there may be is closed at once.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

from nodes.gateway.settings import GatewaySettings


class LimitedConnection(AutoHTTPProtocol):  # type: ignore[misc, valid-type, unused-ignore]
    """The server's own protocol, within `limits`."""

    limits: GatewaySettings
    _due: asyncio.TimerHandle | None = None
    _head_bytes = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections_max:
            transport.abort()
            return
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before = self.cycle
        is_between = before is None or before.response_complete
        if is_between:
            if self._due is None:
                self._await_request()
            self._head_bytes += len(data)
        super().data_received(data)
        if self.cycle is not before:
            self._arrived()
        elif is_between and self._head_bytes > self.limits.head_bytes_max:
            self.transport.abort()

    def _await_request(self) -> None:
        self._head_bytes = 0
        self._due = asyncio.get_running_loop().call_later(self.limits.request_s, self._too_slow)

    def _arrived(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _too_slow(self) -> None:
        self._due = None
        if self.transport is not None:
            self.transport.abort()


def limited(settings: GatewaySettings) -> type[asyncio.Protocol]:
    """A protocol with these limits, for the server to make connections of."""
    made: type[asyncio.Protocol] = type("Limited", (LimitedConnection,), {"limits": settings})
    return made
