"""What stands before every answer of the page: headers that let a browser load nothing from elsewhere, and whose
requests are answered at all.

A page of another site may send requests to this machine with the visitor's browser. So a request is answered that names
this server by a name of its own (Host), and acts are taken from the page itself alone (Origin, and a header that no
form can send).
"""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ACTING = ("X-Consortium", "page")
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


class Guarded:
    """`hosts`: the names under which it is known, without a port; empty: any."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if self._hosts and host_name(Headers(scope=scope).get("host", "")) not in self._hosts:
            await _refuse(guarded, 421, b"this server is not known under that name\n")
            return
        await self._app(scope, receive, guarded)


async def _refuse(send: Send, status: int, said: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": said})


def host_name(host: str) -> str:
    """Without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


def why_no_act(headers: Headers, scheme: str) -> str:
    """Why a request that changes something is not the page's own; empty where it is."""
    origin, host = headers.get("origin", ""), headers.get("host", "")
    if not host or origin.lower() != f"{scheme}://{host.lower()}":
        return "this comes from another page: acts are taken from the page of this server alone"
    if headers.get(ACTING[0]) != ACTING[1]:
        return f"acts come with the header {ACTING[0]}: {ACTING[1]}"
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return "acts are JSON"
    return ""
