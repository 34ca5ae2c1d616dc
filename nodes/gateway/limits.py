"""What keeps a gateway from doing too much: how far its event loop is behind, and how a body is taken in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from nodes.gateway.errors import Problem, too_many

TICK_S = 0.1
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Lag:
    """How late the event loop wakes: its lag of late, in milliseconds."""

    def __init__(self, lag_ms_max: int) -> None:
        self._lag_ms_max = lag_ms_max
        self.now_ms = 0.0

    async def run(self) -> None:
        """Until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            await asyncio.sleep(TICK_S)
            late_ms = max(0.0, (loop.time() - began_s - TICK_S) * 1_000)
            self.now_ms = max(late_ms, self.now_ms / 2)

    def check(self) -> None:
        """Raises Problem 429."""
        if self.now_ms > self._lag_ms_max:
            raise too_many("this gateway has more to do than it can", self.now_ms * 4 / 1_000)


def content_length(headers: MutableMapping[str, str] | Any, bytes_max: int) -> None:
    """Raises Problem 400, 413 before anything is read."""
    text = headers.get("content-length")
    if text is None:
        return
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise Problem(400, "bad-content-length", "Content-Length: a number of bytes")
    if int(text) > bytes_max:
        raise _too_large(bytes_max)


async def read_body(receive: Receive, bytes_max: int, seconds_max: float) -> bytes:
    """All of it. Raises Problem 408, 413; nothing is parsed before it is all there."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds_max):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    raise Problem(400, "gone", "the client went away")
                part = message.get("body", b"")
                size += len(part)
                if size > bytes_max:
                    raise _too_large(bytes_max)
                if part:
                    parts.append(part)
                if not message.get("more_body", False):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
    except TimeoutError:
        raise Problem(408, "too-slow", f"the body did not come within {seconds_max:g} s") from None


def _too_large(bytes_max: int) -> Problem:
    return Problem(413, "too-large", f"a body has {bytes_max} bytes at most")
