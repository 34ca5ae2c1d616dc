"""`consortium status`: who of a standing consortium is up, and how far."""

from __future__ import annotations

import typer

from consortium.commands.command import STAND, Command, Json, make_console, print_json
from consortium.commands.language import spoken
from consortium.commands.standing import HERE, Dir, node_content, roles_of, show_nodes

EXIT_NOT_ALL_UP = 1


def status(dir_: Dir = HERE, json: Json = False) -> None:
    from nodes.deploy.deployment import read_deployment
    from nodes.deploy.look import look

    deployment = read_deployment(dir_)
    found = look(dir_, deployment, roles_of(dir_))
    serving = sum(each.is_serving for each in found)
    if json:
        print_json({"format": 1, "folder": str(dir_), "serving": serving, "nodes": [*map(node_content, found)]})
    else:
        show_nodes(make_console(), found)
        typer.echo(spoken()("{serving} of {all} nodes serve", serving=serving, all=len(found)))
    raise typer.Exit(0 if serving == len(found) else EXIT_NOT_ALL_UP)


COMMAND = Command(
    "status",
    "Show who of a standing consortium is up, and how far.\n\n\b\nExamples:\n"
    "  consortium status\n  consortium status --dir /srv/consortium --json\n\n"
    "Exit status: 0 all nodes serve, 1 some do not, 2 wrong usage or input.",
    status,
    STAND,
)
