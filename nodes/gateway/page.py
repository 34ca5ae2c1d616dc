"""The page at a node's gateway: made when it is first asked for, and shown to who may see it.

Where `up` said so (page.json) and the gateway listens at loopback, the page shows the whole consortium without a token.
Everywhere else it shows the node's own trace and ledger, with the eyes of its member, to an application of the member
that may do everything; its token comes with each request, in the header.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from nodes.errors import UserError
from nodes.gateway.applications import Application
from nodes.gateway.errors import Problem
from nodes.gateway.gateway import Gateway
from nodes.gateway.settings import is_loopback

if TYPE_CHECKING:
    from nodes.page.asked import Page
    from nodes.page.of_standing import StandingSource

PATHS = ("/", "/page/{rest:path}")
OPEN = ("/", "/page/words.json")  # nothing of the consortium is in them, nor in the page's files
FILES = "/page/static/"


class GatewayPage:
    """An ASGI application."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._app: ASGIApp | None = None
        gateway.on_end = self.stop
        self._sources: dict[str, StandingSource] = {}

    def routes(self) -> list[Route]:
        return [Route(path, self) for path in PATHS]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            self._app = self._make()
        await self._app(scope, receive, send)

    def _make(self) -> ASGIApp:
        from nodes.page.app import make_page_of
        from nodes.page.serve import hosts_of

        return make_page_of(self._page_for, hosts_of(self._gateway.settings.host))

    def _page_for(self, request: Request) -> Page:
        """Raises Wrong."""
        from nodes.page.asked import May, Page
        from nodes.page.permits import read_permits
        from nodes.page.wrong import Wrong

        run, name = self._gateway.folder.node.run, self._gateway.folder.node.folder.name
        permitted = read_permits(run) if is_loopback(self._gateway.settings.host) else None
        path = request.url.path
        if permitted is None and path not in OPEN and not path.startswith(FILES):
            try:
                check_everything(self._gateway.application(request.headers.get("authorization")))
            except Problem as problem:
                raise Wrong(problem.status, problem.detail, problem.code) from None
        try:
            if permitted is not None:
                return Page(self._source(""), may=permitted)
            return Page(self._source(name), may=May(), eyes=name)
        except UserError as error:
            raise Wrong(404, f"there is nothing to show here: {error}") from None

    def _source(self, only: str) -> StandingSource:
        from nodes.page.facts import read_facts
        from nodes.page.of_standing import StandingSource

        if only not in self._sources:
            self._sources[only] = StandingSource(read_facts(self._gateway.folder.node.run), only)
        return self._sources[only]

    def stop(self) -> None:
        """The gateway ends: whoever follows is told no more."""
        for source in self._sources.values():
            source.stop()

    def close(self) -> None:
        for source in self._sources.values():
            source.close()


def check_everything(application: Application) -> None:
    """Raises Problem 403."""
    if "*" not in application.scopes:
        why = "the page shows all that its member may see: use the token of an application that may do everything"
        raise Problem(403, "not-in-scope", why)
