"""The application that a server runs: its routes, and how each request is timed, refused and told."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
from starlette.applications import Starlette
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from nodes.errors import UserError
from nodes.gateway import fhir, fhir_read, metrics, routes_read, routes_submit
from nodes.gateway.errors import Problem
from nodes.gateway.events import get_events
from nodes.gateway.gateway import Gateway
from nodes.gateway.openapi import document
from nodes.gateway.page import GatewayPage
from nodes.gateway.routes_views import get_view

_log = logging.getLogger("gateway")


class _Rest(StringConvertor):
    """All that follows, whatever it is: starlette's own `path` stops at the end of a line."""

    regex = "(?s:.*)"


register_url_convertor("rest", _Rest())
Handler = Callable[[Gateway, Request], Awaitable[Response]]


async def get_health(gateway: Gateway, request: Request) -> Response:
    """GET /health: this process lives."""
    return routes_read.answer({"status": "ok"})


async def get_ready(gateway: Gateway, request: Request) -> Response:
    """GET /ready: applications can use it now."""
    why = gateway.unready()
    if why:
        raise Problem(503, "not-ready", why, retry_after_s=1)
    return routes_read.answer({"status": "ready", "height": gateway.feed.height})


async def get_metrics(gateway: Gateway, request: Request) -> Response:
    """GET /metrics"""
    return Response(gateway.metrics.exposed(), 200, None, metrics.CONTENT_TYPE)


async def get_openapi(gateway: Gateway, request: Request) -> Response:
    """GET /openapi.json"""
    return Response(msgspec.json.encode(document()), 200, None, routes_submit.JSON)


# What is not of a contract stands first: a path of two words behind /v1 is an operation otherwise.
ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/health", get_health),
    ("GET", "/ready", get_ready),
    ("GET", "/metrics", get_metrics),
    ("GET", "/openapi.json", get_openapi),
    ("POST", "/v1/transactions", routes_submit.post_transactions),
    ("GET", "/v1/transactions/{id}", routes_read.get_transaction),
    ("GET", "/v1/blocks", routes_read.get_blocks),
    ("GET", "/v1/blocks/{height}", routes_read.get_block),
    ("POST", "/fhir/Claim", fhir.post_claim),
    ("GET", "/fhir/metadata", fhir.get_metadata),
    ("GET", "/fhir/{kind}/{id}", fhir_read.get_resource),
    ("GET", "/v1/events", get_events),
    ("GET", "/v1/application", routes_read.get_application),
    ("GET", "/v1/members", routes_read.get_members),
    ("GET", "/v1/views/{view}", get_view),
    ("POST", "/v1/queries/{contract}/{query}", routes_read.post_query),
    ("POST", "/v1/{contract}/{operation}", routes_submit.post_operation),
    ("GET", "/v1/{word}/{id:rest}", routes_read.get_record),
)


def make_app(gateway: Gateway) -> Starlette:
    page = GatewayPage(gateway)

    @asynccontextmanager
    async def live(_: Starlette) -> AsyncIterator[None]:
        await gateway.begin()
        try:
            yield
        finally:
            page.close()
            await gateway.end()

    routes = [Route(path, _endpoint(gateway, path, handler), methods=[method]) for method, path, handler in ROUTES]
    routes += page.routes()
    return Starlette(routes=routes, lifespan=live, exception_handlers={HTTPException: _no_route})


def _endpoint(gateway: Gateway, path: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        began_s = gateway.clock()
        response = await _served(gateway, request, handler)
        gateway.metrics.count(f"{request.method} {path}", response.status_code, gateway.clock() - began_s)
        return response

    return serve


async def _served(gateway: Gateway, request: Request, handler: Handler) -> Response:
    """Whatever goes wrong is a problem document; of our mistakes the log tells where, and nothing of the request."""
    try:
        return await handler(gateway, request)
    except Problem as problem:
        return problem.response()
    except UserError as error:
        _log.error("%s", error)
        return Problem(503, "cannot-serve", str(error), retry_after_s=5).response()
    except Exception:
        _log.exception("an internal error in %s", handler.__name__)
        return Problem(500, "internal-error", "an internal error; the gateway's log has it").response()


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        response = Problem(405, "method-not-allowed", "this path knows another method").response()
        response.headers.update(getattr(error, "headers", None) or {})
        return response
    return Problem(404, "unknown-path", "there is no such path; /openapi.json names all").response()
