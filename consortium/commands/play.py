"""`consortium play`: a run in the browser, played at any speed; a consortium that stands, live."""

from __future__ import annotations

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from consortium.commands.command import LOOK, Command
from consortium.commands.language import spoken
from consortium.core.errors import UserError

Port = Annotated[int | None, typer.Option(min=0, max=65_535, help="Where to listen; default: a free one from 8800 on.")]


def play(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run or of a consortium, or a trace.")],
    port: Port = None,
    host: Annotated[str, typer.Option(help="The address to listen at; all that reach it can read the run.")] = (
        "127.0.0.1"
    ),
    beside: Annotated[
        Path | None, typer.Option("--with", metavar="RUN2", help="A second run, on the same clock.")
    ] = None,
    allow_submit: Annotated[
        bool,
        typer.Option("--allow-submit", help="Of what stands: with a claim form and a scanner."),
    ] = False,
    allow_chaos: Annotated[
        bool, typer.Option("--allow-chaos", help="Of what stands: with buttons that kill and heal.")
    ] = False,
    open_: Annotated[bool, typer.Option("--open", help="Open a browser, too.")] = False,
) -> None:
    from nodes.gateway.settings import is_loopback
    from nodes.page.asked import May, Page
    from nodes.page.serve import hosts_of, listen, open_source, serve_page

    source = open_source(run)
    may = May(allow_submit, allow_chaos)
    if any(may) and (source.ledgers is None or not source.ledgers.is_live):
        raise UserError(f"{run} is over: --allow-submit and --allow-chaos are for a consortium that stands")
    if any(may) and not is_loopback(host):
        raise UserError(f"--host {host}: --allow-submit and --allow-chaos are for this machine alone (127.0.0.1)")
    second = None if beside is None else open_source(beside)
    listening = listen(host, port)

    def begun(address: str) -> None:
        typer.echo(spoken()("page: {address} (Ctrl-C ends it)", address=address))
        if open_:
            webbrowser.open(address)

    serve_page(Page(source, spoken().language, second, may), hosts_of(host), listening, begun)


COMMAND = Command(
    "play",
    "Play a run in the browser: members, messages, blocks and faults, at any speed.\n\n"
    "It serves one page on this machine, which loads nothing from elsewhere, and prints its address. RUN is the folder "
    "of a run, finished or cut off, of a consortium that stands (live), or a trace alone.\n\n\b\n"
    "Examples:\n  consortium play runs/RUN\n  consortium play runs/RUN/trace.jsonl --port 8080\n"
    "  consortium play runs/RUN --with runs/RUN2\n  consortium play consortium-data --allow-submit --allow-chaos\n\n"
    "Exit status: 0 left with Ctrl-C, 2 wrong usage or input.",
    play,
    LOOK,
)
