"""The same client for programs without an event loop: each call runs on one of the client's own, in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Generator, Mapping, Sequence
from types import TracebackType
from typing import Any, TypeVar

from consortium.client.client import Client
from consortium.client.errors import BadRequest
from consortium.client.records import Happening, Outcome, Record
from consortium.client.sheets import Sheet

T = TypeVar("T")


class BlockingClient:
    """Takes what `Client` takes, and does what it does. Several threads may use one."""

    def __init__(self, gateways: Sequence[str], **settings: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="consortium client", daemon=True)
        self._thread.start()
        try:
            self._client = self._run(_made(gateways, settings))
        except BaseException:
            self._end()
            raise

    def __enter__(self) -> BlockingClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._run(self._client.close())
        self._end()

    @property
    def lies(self) -> str:
        return self._client.lies

    def submit(self, contract: str, operation: str, arguments: Any, **words: Any) -> Outcome:
        return self._run(self._client.submit(contract, operation, arguments, **words))

    def submit_many(self, calls: Sequence[tuple[str, str, Any]], **words: Any) -> list[Outcome | BadRequest]:
        return self._run(self._client.submit_many(calls, **words))

    def query(self, contract: str, query: str, arguments: Any = None, **words: Any) -> Record:
        return self._run(self._client.query(contract, query, arguments, **words))

    def get(self, word: str, identity: str, **words: Any) -> Record:
        return self._run(self._client.get(word, identity, **words))

    def view(self, name: str, where: Mapping[str, str | int] | None = None, **words: Any) -> Sheet:
        return self._run(self._client.view(name, where, **words))

    def events(self, from_height: int | None = None, **words: Any) -> Generator[Happening, None, None]:
        stream = self._client.events(from_height, **words)
        try:
            while True:
                yield self._run(_next(stream))
        finally:
            if not self._loop.is_closed():  # the client was closed before its reader
                self._run(_closed(stream))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # Ctrl-C, say
            raise

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _next(stream: AsyncIterator[Happening]) -> Happening:
    return await anext(stream)


async def _closed(stream: AsyncIterator[Happening]) -> None:
    assert isinstance(stream, AsyncGenerator)
    await stream.aclose()


async def _made(gateways: Sequence[str], settings: dict[str, Any]) -> Client:
    return Client(gateways, **settings)
