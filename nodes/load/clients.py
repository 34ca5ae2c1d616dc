"""Plain HTTP clients, each with one connection that stays open: it posts, waits for the execution, posts the next.

Whom a gateway tells to come again (503, or a connection that breaks) posts the same request, under the same idempotency
key, at the next gateway that knows its application.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from nodes.load.gates import Gate, bodies

CONNECT_S = 30.0
ANSWER_S = 75.0  # a gateway answers within 60
TO_CLOSE_S = 0.1  # the loop closes what was left
REFUSED = (429, 503)


class Told(NamedTuple):
    """What clients were told. `codes`: answers by status and code, and what went wrong. `acknowledged`: ids that were
    answered with an outcome, by their first half. `keys`: (key, id, path, body) of some of these."""

    latencies_s: list[float]
    codes: Counter[str]
    acknowledged: set[bytes]
    keys: list[tuple[str, str, str, bytes]]

    @classmethod
    def nothing(cls) -> Told:
        return cls([], Counter(), set(), [])

    @property
    def executed(self) -> int:
        return sum(count for code, count in self.codes.items() if code.startswith("200 "))


class Client:
    """Of the gateways in this order: the first, and where that is away the next. `keep`: one key of so many is kept."""

    def __init__(self, gates: Sequence[Gate], together: int, told: Told, keep: int = 0) -> None:
        self._gates = gates
        self._together = together
        self._told = told
        self._keep = keep
        self._at = 0  # which gateway
        self._count = 0
        self._way: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self, ends_s: float, most: int = 0) -> None:
        """Until then one after another, or until so many were executed in all; what was begun is waited for."""
        requests = bodies(self._gates[0].samples, self._together)
        try:
            while time.monotonic() < ends_s and not (most and self._told.executed >= most):
                path, body = next(requests)
                await self._until_answered(path, body, secrets.token_hex(8), ends_s + ANSWER_S)
        finally:
            self.leave()

    async def _until_answered(self, path: str, body: bytes, key: str, ends_s: float) -> None:
        named: set[str] = set()  # whatever gateways call the transaction of this key
        while time.monotonic() < ends_s:
            began_s = time.monotonic()
            try:
                status, headers, answer = await self.post(path, body, key)
            except (OSError, asyncio.IncompleteReadError, ValueError, TimeoutError) as error:
                self._told.codes[f"connection lost: {type(error).__name__}"] += 1
                self._next()
                await asyncio.sleep(0.2)
                continue
            items = answer.get("items", [answer])
            named.update(item["transaction"] for item in items if "transaction" in item)
            if status in (200, 202):
                self._take(status, items, began_s)
                if len(named) > len(items):
                    self._told.codes["two transactions under one key"] += 1
                self._count += 1
                if status == 200 and self._keep and self._count % self._keep == 1 and len(items) == 1:
                    self._told.keys.append((key, items[0]["transaction"], path, body))
                return
            await self._refused(status, headers)
            if status not in REFUSED:
                return
        self._told.codes["no answer at all"] += 1

    def _take(self, status: int, items: Sequence[Any], began_s: float) -> None:
        self._told.latencies_s.append(time.monotonic() - began_s)
        for item in items:
            if "code" in item:
                self._told.codes[f"{status} {item['code']}"] += 1
                self._told.acknowledged.add(bytes.fromhex(item["transaction"])[:16])
            else:
                self._told.codes[f"202 {item.get('problem', {}).get('code', 'taken')}"] += 1

    async def _refused(self, status: int, headers: str) -> None:
        says_when = "retry-after:" in headers.lower()
        self._told.codes[str(status) if status not in REFUSED or says_when else f"{status} without Retry-After"] += 1
        if status == 503:
            self._next()
        elif status == 429:
            await asyncio.sleep(_retry_s(headers))

    def _next(self) -> None:
        self.leave()
        self._at += 1

    def leave(self) -> None:
        """Its connection is of no use any more."""
        if self._way is not None:
            self._way[1].transport.abort()
            self._way = None

    async def post(self, path: str, body: bytes, key: str) -> tuple[int, str, Any]:
        gate = self._gates[self._at % len(self._gates)]
        if self._way is None:
            async with asyncio.timeout(CONNECT_S):
                self._way = await asyncio.open_connection(gate.host, gate.port, ssl=gate.context)
        reader, writer = self._way
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {gate.host}\r\nAuthorization: Bearer {gate.token}\r\n"
            f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        async with asyncio.timeout(ANSWER_S):
            answered = await reader.readuntil(b"\r\n\r\n")
            lines = answered.decode("latin-1")
            length = next(
                int(line.partition(":")[2])
                for line in lines.split("\r\n")
                if line.lower().startswith("content-length:")
            )
            document = msgspec.json.decode(await reader.readexactly(length))
        if "connection: close" in lines.lower():
            self.leave()
        return int(lines.split(maxsplit=2)[1]), lines, document


def _retry_s(headers: str) -> float:
    lines = [line for line in headers.lower().split("\r\n") if line.startswith("retry-after:")]
    return float(lines[0].partition(":")[2]) if lines else 1.0


async def run(
    ways: Sequence[Sequence[Gate]],
    clients: int,
    together: int,
    seconds: float,
    *,
    keep: int = 0,
    most: int = 0,
    told: Told | None = None,
) -> Told:
    """`clients` at once, the n-th of which begins at the n-th of all gateways in `ways`, until the time is over, or so
    many are executed as `most` says. `told` can be looked at meanwhile."""
    told = told or Told.nothing()
    ends_s = time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        for at in range(clients):
            gates = ways[at % len(ways)]
            first = (at // len(ways)) % len(gates)
            group.create_task(Client([*gates[first:], *gates[:first]], together, told, keep).run(ends_s, most))
    await asyncio.sleep(TO_CLOSE_S)
    return told
