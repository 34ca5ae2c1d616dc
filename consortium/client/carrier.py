"""Carries a request to one gateway after the other, until an answer holds or the time is over."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import httpx
import msgspec

from consortium.client.errors import BadRequest, GatewayLied, Lie, NotAllowed, Unavailable
from consortium.client.ways import Way, Ways, retry_after_s

T = TypeVar("T")
ANSWER_S = 15.0  # a gateway that says nothing for so long is left
ANSWER_BYTES_MAX = 32_000_000

_log = logging.getLogger("consortium.client")


class Ask(NamedTuple):
    """A request; what is sent again is the same."""

    method: str
    path: str
    body: bytes | None = None
    key: str = ""


class NotYet(Exception):
    """The gateway has not got as far as was asked."""


class Carrier:
    def __init__(self, http: httpx.AsyncClient, ways: Ways, token: str) -> None:
        self.http = http
        self.ways = ways
        self.headers: Mapping[str, str] = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    @staticmethod
    def now_s() -> float:
        return time.monotonic()

    async def carry(self, ask: Ask, read: Callable[[Any], T], ends_s: float) -> T:
        """What `read` makes of a 200 or 202; it raises Lie or NotYet. Raises the errors of a client."""
        why = "no gateway was asked"
        while True:
            way = await self.next_way(ends_s, why, ask.key)
            try:
                answer = await self._sent(way, ask, ends_s)
                found = read(self._document(way, answer))
            except httpx.TransportError as error:
                why = f"{way.url} does not answer: {type(error).__name__}"
                self.ways.failed(way, self.now_s())
            except _Later as later:
                why = str(later)
            except NotYet as error:
                why = f"{way.url}: {error}"
                self.ways.failed(way, self.now_s())
            except Lie as error:
                self.caught(way, str(error))
            else:
                self.ways.answered(way)
                return found

    def caught(self, way: Way, lie: str) -> None:
        """It is not asked again."""
        way.lie = lie
        _log.error("the gateway %s lied, and is not asked again: %s", way.url, lie)

    async def next_way(self, ends_s: float, why: str, key: str = "") -> Way:
        """Whom to ask now; it may be waited for. Raises GatewayLied, Unavailable."""
        way = self.ways.choose(self.now_s())
        if way is None:
            raise GatewayLied(self.ways.lies)
        if max(way.free_s, self.now_s()) >= ends_s:
            raise Unavailable(f"no gateway answered in time; the last: {why}", key)
        await asyncio.sleep(max(0.0, way.free_s - self.now_s()))
        return way

    async def _sent(self, way: Way, ask: Ask, ends_s: float) -> httpx.Response:
        headers = dict(self.headers)
        if ask.body is not None:
            headers["Content-Type"] = "application/json"
        left_s = max(0.05, min(ANSWER_S, ends_s - self.now_s()))
        request = self.http.build_request(
            ask.method, way.url + ask.path, content=ask.body, headers=headers, timeout=left_s
        )
        return await self.http.send(request)

    def _document(self, way: Way, answer: httpx.Response) -> Any:
        if answer.status_code == 429:
            self.ways.busy(self.now_s(), retry_after_s(answer.headers.get("retry-after")))
            raise _Later(f"{way.url} has too much to do")
        if answer.status_code >= 500:
            self.ways.failed(way, self.now_s(), retry_after_s(answer.headers.get("retry-after")))
            raise _Later(f"{way.url}: {problem_of(answer)[1]}")
        if answer.status_code in (200, 202):
            if len(answer.content) > ANSWER_BYTES_MAX:
                raise Lie(f"an answer of {len(answer.content)} bytes")
            return _json(answer)
        code, detail = problem_of(answer)
        if answer.status_code in (401, 403):
            raise NotAllowed(code, detail)
        if 400 <= answer.status_code < 500:
            raise BadRequest(code, detail)
        raise Lie(f"an answer with status {answer.status_code}")


class _Later(Exception):
    """The gateway cannot now."""


def _json(answer: httpx.Response) -> Any:
    try:
        return msgspec.json.decode(answer.content)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise Lie("the answer is no JSON document") from None


def problem_of(answer: httpx.Response) -> tuple[str, str]:
    """Code and sentence of a problem document; something may stand between us and the gateway that knows none."""
    try:
        told = msgspec.json.decode(answer.content[:65_536])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        told = None
    if not isinstance(told, dict):
        return "refused", f"status {answer.status_code}"
    return str(told.get("code", "refused")), str(told.get("detail", f"status {answer.status_code}"))
