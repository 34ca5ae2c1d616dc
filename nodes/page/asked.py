"""What a request is answered out of, and with: shared by the files of routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from consortium.core.words import Words
from nodes.page.ledgers import Ledgers
from nodes.page.source import PageSource
from nodes.page.words import known_words
from nodes.page.wrong import Wrong

JSON = "application/json"
NUMBER_MAX = 1 << 53


class May(NamedTuple):
    """What whoever started the page allows."""

    submit: bool = False
    chaos: bool = False


class Page(NamedTuple):
    """What is served. `language`: of whoever started it. `beside`: a second run on the same clock."""

    source: PageSource
    language: str = "en"
    beside: PageSource | None = None
    may: May = May()
    eyes: str = ""  # the only ones with which is looked; empty: whoever asks chooses

    def source_of(self, request: Request) -> PageSource:
        """Raises Wrong 404."""
        if request.query_params.get("of", "0") == "0":
            return self.source
        if request.query_params["of"] != "1" or self.beside is None:
            raise Wrong(404, "no second run is shown here: start with --with RUN2")
        return self.beside

    def ledgers_of(self, request: Request) -> Ledgers:
        """Raises Wrong 404."""
        ledgers = self.source_of(request).ledgers
        if ledgers is None:
            raise Wrong(404, "a trace alone has no ledger to be asked: open the folder of the run")
        return ledgers

    def eyes_of(self, request: Request) -> str:
        return self.eyes or request.query_params.get("eyes", "")

    def words_of(self, request: Request) -> Words:
        return known_words(request.query_params.get("lang", self.language))


Handler = Callable[[Page, Request], Awaitable[Response]]


def answer(content: Any, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status, media_type=JSON)


def number_of(request: Request, name: str, usual: int) -> int:
    """Raises Wrong 400."""
    text = request.query_params.get(name, str(usual))
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= NUMBER_MAX):
        raise Wrong(400, f"{name} is a whole number from 0 to {NUMBER_MAX}")
    return int(text)
