"""A client before gateways that lie, are away, or have too much to do."""

from __future__ import annotations

import asyncio
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


class Streaming(httpx.AsyncBaseTransport):
    """The gateway, whose answers come as they are said. `cut_after`: so many messages of a stream, and the connection
    breaks; `alter`: what becomes of a message."""

    def __init__(self, served: Served, cut_after: int = 1 << 30, alter: Alter | None = None) -> None:
        self._app = make_app(served.gateway)
        self.cut_after = cut_after
        self.alter = alter
        self.asked: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        said: asyncio.Queue[Any] = asyncio.Queue()
        gone = asyncio.Event()

        async def receive() -> Any:
            await gone.wait()
            return {"type": "http.disconnect"}

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "method": request.method,
            "path": request.url.path,
            "raw_path": request.url.raw_path,
            "query_string": request.url.query,
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "http_version": "1.1",
            "scheme": "http",
            "server": ("gateway", 80),
            "client": ("client", 1),
            "root_path": "",
        }
        task = asyncio.create_task(self._app(scope, receive, said.put))
        begun = await said.get()
        return httpx.Response(begun["status"], headers=begun["headers"], stream=_Parts(self, said, gone, task))


class _Parts(httpx.AsyncByteStream):
    def __init__(self, way: Streaming, said: Any, gone: asyncio.Event, task: asyncio.Task[None]) -> None:
        self._way, self._said, self._gone, self._task = way, said, gone, task

    async def __aiter__(self) -> AsyncIterator[bytes]:
        count = 0
        while True:
            message = await self._said.get()
            body = message.get("body", b"")
            if body.startswith(b"id: "):
                count += 1
                if count > self._way.cut_after:
                    raise httpx.ReadError("the connection broke")
                body = body if self._way.alter is None else self._way.alter(body)
            yield body
            if not message.get("more_body"):
                return

    async def aclose(self) -> None:
        self._gone.set()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


class Later(httpx.AsyncBaseTransport):
    """A gateway that is there only when its client is."""

    inner: httpx.AsyncBaseTransport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self.inner.handle_async_request(request)


@asynccontextmanager
async def client_of(*before: httpx.AsyncBaseTransport, **words: Any) -> AsyncIterator[Client]:
    """Gateways are asked in this order."""
    urls = [f"http://gateway-{number}" for number in range(len(before))]
    usual: dict[str, Any] = {"token": TOKENS["desk"], "genesis": GENESIS, "within_s": 5.0, "wall_us": lambda: START_US}
    mounts = dict(zip(urls, before, strict=True))
    async with Client(urls, mounts=mounts, **{**usual, **words}) as client:
        yield client
