"""Follows what happens, from gateway to gateway: nothing twice, and nothing left out that a gateway tells."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec

from consortium.client.carrier import Carrier, problem_of
from consortium.client.errors import BadRequest, Lie, NotAllowed
from consortium.client.records import Happening
from consortium.client.trust import Trust
from consortium.client.ways import Way, retry_after_s

SILENCE_S = 30.0  # gateways say something every ten seconds
LINE_CHARACTERS_MAX = 32_000_000


class Following:
    """`after`: the height up to which everything was told; None: from now on."""

    def __init__(self, carrier: Carrier, trust: Trust, after: int | None, contract: str, kind: str) -> None:
        self._carrier = carrier
        self._trust = trust
        self.after = after
        given = {"contract": contract, "kind": kind}
        self._words = {"proof": "true", **{name: word for name, word in given.items() if word}}
        self._contract, self._kind = contract, kind

    async def run(self, within_s: float) -> AsyncIterator[Happening]:
        """Until the reader ends it. Raises Unavailable where no gateway says anything for so long."""
        carrier, why = self._carrier, "no gateway was asked"
        ends_s = carrier.now_s() + within_s
        while True:
            way = await carrier.next_way(ends_s, why)
            try:
                async for happening in self._of_one(way):
                    ends_s = carrier.now_s() + within_s
                    yield happening
                why = f"{way.url} ended the stream"
            except (httpx.TransportError, _Refused) as error:
                why = f"{way.url}: {error or type(error).__name__}"
            except Lie as lie:
                carrier.caught(way, str(lie))
                continue
            carrier.ways.failed(way, carrier.now_s())

    async def _of_one(self, way: Way) -> AsyncIterator[Happening]:
        headers = {**self._carrier.headers, "Accept": "text/event-stream"}
        words = dict(self._words)
        if self.after is not None and self.after >= 0:
            headers["Last-Event-ID"] = str(self.after)
        elif self.after is not None:
            words["from_height"] = "0"
        path = f"{way.url}/v1/events?{urlencode(words)}"
        async with self._carrier.http.stream("GET", path, headers=headers, timeout=SILENCE_S) as answer:
            await self._check(answer)
            async for height, data in _messages(answer):
                self._carrier.ways.answered(way)
                found = self._judged(height, data)
                self.after = height
                for each in found:
                    yield each

    async def _check(self, answer: httpx.Response) -> None:
        if answer.status_code == 200:
            return
        await answer.aread()
        code, detail = problem_of(answer)
        if answer.status_code in (401, 403):
            raise NotAllowed(code, detail)
        if answer.status_code in (400, 422):
            raise BadRequest(code, detail)
        raise _Refused(f"{detail} ({retry_after_s(answer.headers.get('retry-after')):g} s)")

    def _judged(self, height: int, data: str) -> list[Happening]:
        """Raises Lie."""
        if self.after is not None and height <= self.after and data:
            raise Lie(f"the block of height {height} was told before")
        if not data:
            return []
        try:
            told: Any = msgspec.json.decode(data)
        except (msgspec.MsgspecError, RecursionError):
            raise Lie("an event that is no JSON document") from None
        return self._trust.happenings(told, height, self._contract, self._kind)


class _Refused(Exception):
    """This gateway does not let us follow now."""


async def _messages(answer: httpx.Response) -> AsyncIterator[tuple[int, str]]:
    """Id and data of each message; no data where it only moves the id. Raises Lie."""
    height, data = -1, ""
    async for line in answer.aiter_lines():
        if not line:
            if height >= 0:
                yield height, data
            height, data = -1, ""
        elif line.startswith("id: "):
            text = line[4:]
            if not (text.isascii() and text.isdigit() and len(text) <= 18):
                raise Lie("an event whose id is no height")
            height = int(text)
        elif line.startswith("data: "):
            data += line[6:]
            if len(data) > LINE_CHARACTERS_MAX:
                raise Lie("an event that is too long")
