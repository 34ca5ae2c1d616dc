"""The page over a small run, asked as a browser would ask; and its records unpacked by the words of docs/page.md."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from nodes.page.app import make_page
from nodes.page.asked import Page
from nodes.page.serve import open_source

ADDRESS = "http://127.0.0.1:8800"


class Browser:
    """Asks the application itself, one request after another."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.ask("POST", path, **more)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
                return await client.request(method, path, **more)

        return asyncio.run(asked())


@contextmanager
def client_of(place: Path, **more: Any) -> Iterator[Browser]:
    source = open_source(place)
    try:
        yield Browser(make_page(Page(source, **more)))
    finally:
        source.close()


def unpack(data: bytes) -> list[list[Any]]:
    """[t_us, node, kind, height, view, what else is said or None] of each record."""
    rows, at = [], 0

    def column(letter: str, count: int) -> tuple[Any, ...]:
        nonlocal at
        size = struct.calcsize(f"<{count}{letter}")
        values = struct.unpack_from(f"<{count}{letter}", data, at)
        at += size + -size % 4
        return values

    while at < len(data):
        assert data[at : at + 4] == b"CPR1"
        count, tail_bytes = struct.unpack_from("<II", data, at + 4)
        at += 12
        columns = [column(letter, count) for letter in "dHHiii"]
        tail = json.loads(data[at : at + tail_bytes])
        assert tail_bytes % 4 == 0
        at += tail_bytes
        for *numbers, extra in zip(*columns, strict=True):
            rows.append([*numbers, None if extra < 0 else tail[extra]])
    return rows
