"""`consortium restart`: a node that comes back, or begins anew while it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from consortium.commands.command import STAND, Command
from consortium.commands.language import spoken
from consortium.commands.standing import HERE, Dir, Nodes


def restart(
    nodes: Nodes,
    dir_: Dir = HERE,
    disk: Annotated[
        str, typer.Option(help="`own`; or `empty`: it has lost all but its keys, and fetches the chain anew.")
    ] = "own",
) -> None:
    from nodes.deploy.by_hand import strike
    from nodes.deploy.standing import open_standing

    standing = open_standing(dir_)
    options = {} if disk == "own" else {"disk": disk}
    for name in nodes:
        node = strike(standing, "restart", name, options=options)
        typer.echo(spoken()("{node} is started", node=node))


COMMAND = Command(
    "restart",
    "Start nodes that were killed, or start them anew while they run. A broker can be started, too.\n\n\b\n"
    "Examples:\n  consortium restart hospital-1\n  consortium restart hospital-1 --disk empty\n\n"
    "It stands in the report as a repair by hand. Exit status: 0 done, 2 wrong usage or input.",
    restart,
    STAND,
)
