"""A client before gateways that lie, are away, or have too much to do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec

from consortium.client import Client
from nodes.gateway.app import make_app
from tests.gateway_kit import GENESIS, START_US, TOKENS, Served

Alter = Callable[[Any], Any]
URL = "http://one"


class Before(httpx.AsyncBaseTransport):
    """Stands before a gateway. `answers`: said first, one for each request, instead of asking it. `alter`: what becomes
    of a document that it answers; it changes it in place, or returns another. `asked`: how often a request came."""

    def __init__(self, served: Served, alter: Alter | None = None) -> None:
        self._inner = httpx.ASGITransport(app=make_app(served.gateway))
        self.alter = alter
        self.answers: list[httpx.Response | Exception] = []
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.answers:
            said = self.answers.pop(0)
            if isinstance(said, Exception):
                raise said
            return said
        answer = await self._inner.handle_async_request(request)
        if self.alter is None or request.url.path == "/v1/application":
            return answer
        document = msgspec.json.decode(await answer.aread())
        changed = self.alter(document)
        return httpx.Response(answer.status_code, json=document if changed is None else changed)


class Later(httpx.AsyncBaseTransport):
    """A gateway that is there only when its client is."""

    inner: httpx.AsyncBaseTransport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self.inner.handle_async_request(request)


@asynccontextmanager
async def client_of(*before: Before, **words: Any) -> AsyncIterator[Client]:
    """Gateways are asked in this order."""
    urls = [f"http://gateway-{number}" for number in range(len(before))]
    usual: dict[str, Any] = {"token": TOKENS["desk"], "genesis": GENESIS, "within_s": 5.0, "wall_us": lambda: START_US}
    mounts = dict(zip(urls, before, strict=True))
    async with Client(urls, mounts=mounts, **{**usual, **words}) as client:
        yield client
