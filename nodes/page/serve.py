"""The server that `consortium play` runs: on this machine, until Ctrl-C."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Collection
from pathlib import Path

import uvicorn

from consortium.core.errors import UserError
from consortium.runs.folder import is_standing
from nodes.gateway.settings import is_loopback
from nodes.page.app import make_page
from nodes.page.asked import Page
from nodes.page.facts import read_facts
from nodes.page.guard import LOOPBACK
from nodes.page.of_run import RunSource
from nodes.page.of_standing import StandingSource
from nodes.page.source import PageSource

PORTS = range(8800, 8820)
STOP_S = 3


def open_source(place: Path) -> PageSource:
    """Of a run's folder, of a trace, or of the folder of a consortium that stands. Raises UserError with a sentence."""
    if place.is_file():
        if place.suffix != ".jsonl":
            raise UserError(f"{place} is no trace (*.jsonl); name a trace, or the folder of a run")
        return RunSource(place, None)
    facts = read_facts(place)
    return StandingSource(facts) if is_standing(place) else RunSource(place, facts)


def listen(host: str, port: int | None) -> socket.socket:
    """At this port; None: the first of `PORTS` that is free. Raises UserError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for number in PORTS if port is None else (port,):
        with contextlib.suppress(OSError):
            return socket.create_server((host, number), family=family, backlog=128)
    ports = f"{PORTS.start} … {PORTS.stop - 1}" if port is None else str(port)
    raise UserError(f"{host} port {ports} cannot be listened at: name a free one with --port, of an address of ours")


def address_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def hosts_of(host: str) -> tuple[str, ...]:
    """The names under which a server that listens there is asked; empty: any."""
    return LOOPBACK if is_loopback(host) else ()


class PageServer(uvicorn.Server):
    """Streams end with it: a page that follows would hold it up."""

    def __init__(self, config: uvicorn.Config, page: Page) -> None:
        super().__init__(config)
        self._page = page

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for source in sources_of(self._page):
            source.stop()
        await super().shutdown(sockets)


def sources_of(page: Page) -> list[PageSource]:
    return [page.source, *([] if page.beside is None else [page.beside])]


def serve_page(page: Page, hosts: Collection[str], listening: socket.socket, on_begun: Callable[[str], None]) -> None:
    """Until Ctrl-C, or SIGTERM."""
    config = uvicorn.Config(
        make_page(page, hosts),
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_S,
    )
    on_begun(address_of(listening))
    with contextlib.suppress(KeyboardInterrupt):
        PageServer(config, page).run(sockets=[listening])
    for source in sources_of(page):
        source.close()
