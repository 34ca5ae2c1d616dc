"""The application behind the page: its files, and what they ask (docs/page.md lists it)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from pathlib import Path

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from consortium.core.errors import UserError
from consortium.lab.perfetto import perfetto_chunks
from nodes.page import routes_acts, routes_ledger
from nodes.page.asked import JSON, Handler, Page, answer
from nodes.page.guard import LOOPBACK, Guarded
from nodes.page.words import STATIC, translated
from nodes.page.wrong import Wrong
from nodes.words import languages

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": JSON,
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/plain; charset=utf-8",
}


# --- files ----------------------------------------------------------------------------------------------------------


async def get_file(page: Page, request: Request) -> Response:
    """GET /, GET /page/static/PATH: the page's own files, and nothing beside them."""
    return file_answer(request.path_params.get("path", "index.html"), request.headers.get("if-none-match", ""))


def file_answer(name: str, known: str, folder: Path = STATIC) -> Response:
    """Raises Wrong 404."""
    path = folder if "\0" in name or name.endswith("/") else (folder / name).resolve()
    if not path.is_relative_to(folder) or path.suffix not in TYPES or not path.is_file():
        raise Wrong(404, "the page has no such file")
    response = FileResponse(path, media_type=TYPES[path.suffix], stat_result=path.stat())
    response.headers["Cache-Control"] = "no-cache"  # asked again each time, and not sent again
    if known and known == response.headers.get("etag"):
        return Response(None, 304, {"ETag": known, "Cache-Control": "no-cache"})
    return response


# --- what there is --------------------------------------------------------------------------------------------------


async def get_about(page: Page, request: Request) -> Response:
    """GET /page/about.json"""
    told = await asyncio.to_thread(page.source.about)
    told |= {"may": page.may._asdict(), "lang": page.language, "languages": languages()}
    if page.eyes:
        told["eyes"] = [page.eyes]
    if page.beside is not None:
        told["others"] = [await asyncio.to_thread(page.beside.about)]
    return answer(told)


async def get_records(page: Page, request: Request) -> Response:
    """GET /page/records; of the run beside it with `?of=1`."""
    source = page.source_of(request)
    chunks = await asyncio.to_thread(source.records, request.query_params.get("upto", ""))
    return StreamingResponse(_in_threads(chunks), media_type="application/octet-stream")


async def _in_threads(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        yield chunk


async def get_perfetto(page: Page, request: Request) -> Response:
    """GET /page/perfetto.json: the run for profilers."""
    source = page.source_of(request)
    records = source.trace()
    if records is None:
        raise Wrong(404, "what goes on has no end yet: stop it, and play its folder")
    members = [each["name"] for each in (await asyncio.to_thread(source.about))["members"]]
    return StreamingResponse(_in_threads(perfetto_chunks(records, members)), media_type=JSON)


async def get_live(page: Page, request: Request) -> Response:
    """GET /page/live?after=CURSOR: server-sent events; 204 where nothing will come."""
    cursor = request.headers.get("last-event-id", "") or request.query_params.get("after", "")
    events = page.source.follow(cursor)
    return Response(None, 204) if events is None else StreamingResponse(events, media_type="text/event-stream")


async def get_words(page: Page, request: Request) -> Response:
    """GET /page/words.json?lang=zh: the page's sentences by their English ones."""
    return answer(await asyncio.to_thread(translated, request.query_params.get("lang", "en")))


ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/", get_file),
    ("GET", "/page/static/{path:path}", get_file),
    ("GET", "/page/about.json", get_about),
    ("GET", "/page/records", get_records),
    ("GET", "/page/live", get_live),
    ("GET", "/page/words.json", get_words),
    ("GET", "/page/perfetto.json", get_perfetto),
    ("GET", "/page/blocks", routes_ledger.get_blocks),
    ("GET", "/page/story/{kind}/{id:path}", routes_ledger.get_story),
    ("GET", "/page/find", routes_ledger.get_find),
    ("GET", "/page/forms", routes_acts.get_forms),
    ("POST", "/page/act", routes_acts.post_act),
    ("POST", "/page/submit", routes_acts.post_submit),
    ("GET", "/page/funds", routes_ledger.get_funds),
    ("GET", "/page/sequence/{height}", routes_ledger.get_sequence),
)


PageOf = Callable[[Request], Page]


def make_page(page: Page, hosts: Collection[str] = LOOPBACK) -> ASGIApp:
    """The page alone, as `consortium play` serves it."""
    return make_page_of(lambda request: page, hosts)


def make_page_of(page_of: PageOf, hosts: Collection[str]) -> ASGIApp:
    """`page_of`: what is served to whom; it raises Wrong where nothing is. `hosts`: see `Guarded`."""
    routes = [Route(path, _endpoint(page_of, handler), methods=[method]) for method, path, handler in ROUTES]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _no_route})
    app.router.redirect_slashes = False
    return Guarded(app, hosts)


def _endpoint(page_of: PageOf, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        try:
            return await handler(page_of(request), request)
        except Wrong as wrong:
            refused = {"refused": wrong.code, "sentence": wrong.said} if wrong.code else {}
            return answer({"error": wrong.said} | refused, wrong.status)
        except UserError as error:
            return answer({"error": str(error)}, 422 if request.method == "POST" else 404)

    return serve


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    said = "this path knows another method" if status == 405 else "there is no such path"
    return Response(msgspec.json.encode({"error": said}), status, getattr(error, "headers", None), JSON)
