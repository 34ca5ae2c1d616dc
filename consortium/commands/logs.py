"""`consortium logs`: what a node says."""

from __future__ import annotations

from typing import Annotated

import typer

from consortium.commands.command import STAND, Command
from consortium.commands.standing import HERE, Dir


def logs(
    node: Annotated[str, typer.Argument(metavar="NODE", help="A member, or a broker such as broker-1.")],
    dir_: Dir = HERE,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what it says, until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="So many lines of what it said before.")] = 50,
    gateway: Annotated[bool, typer.Option("--gateway", help="Of the member's gateway.")] = False,
    level: Annotated[
        str,
        typer.Option(
            metavar="LEVEL", help="Shows nothing: from now on it says this and above: debug, info, warning, error."
        ),
    ] = "",
) -> None:
    from nodes.deploy.levels import set_log_level
    from nodes.deploy.running import gateway_of
    from nodes.deploy.standing import open_standing

    standing = open_standing(dir_)
    if level:
        set_log_level(standing, node, level)
        return
    for line in standing.running.log_lines(gateway_of(node) if gateway else node, lines, is_followed=follow):
        typer.echo(line)


COMMAND = Command(
    "logs",
    "Show what a node, its gateway or a broker of a standing consortium says.\n\n\b\nExamples:\n"
    "  consortium logs bureau\n  consortium logs bureau -f\n  consortium logs hospital-1 --gateway\n"
    "  consortium logs broker-1 -n 5\n  consortium logs bureau --level debug\n\n"
    "Exit status: 0 shown, 2 wrong usage or input, 130 stopped with Ctrl-C.",
    logs,
    STAND,
)
