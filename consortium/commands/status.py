"""`consortium status`: who of a standing consortium is up, and how far."""

from __future__ import annotations

import typer

from consortium.commands.command import STAND, Command, Json, make_console, print_json
from consortium.commands.language import spoken
from consortium.commands.standing import HERE, Dir, node_content, show_nodes
from consortium.core.words import mark

EXIT_NOT_ALL_UP = 1


def status(dir_: Dir = HERE, json: Json = False) -> None:
    from nodes.deploy.standing import open_standing
    from nodes.deploy.tending import find_due, follow_removals

    standing = open_standing(dir_)
    removed, due = follow_removals(standing), find_due(standing)
    found = standing.look()
    serving = sum(each.is_serving for each in found)
    if json:
        states = standing.running.states()
        brokers = [
            {"name": each.name, "address": f"{each.host}:{each.port}", "state": states[each.name].state}
            if each.name in states
            else {"name": each.name, "address": f"{each.host}:{each.port}", "state": "down"}
            for each in standing.deployment.brokers
        ]
        content = {"format": 1, "folder": str(dir_), "is_up": standing.running.is_up, "serving": serving}
        ending = [{"name": each.name, "kind": each.kind, "ends": each.ends.isoformat()} for each in due]
        print_json({**content, "nodes": [*map(node_content, found)], "brokers": brokers, "certificates_ending": ending})
    else:
        show_nodes(make_console(), found)
        typer.echo(spoken()("{serving} of {all} nodes serve", serving=serving, all=len(found)))
        if not standing.running.is_up:
            typer.echo(spoken()("the consortium is down: `consortium up` brings it up"))
        for name in removed:
            typer.echo(spoken()("{name} was removed by vote, and has no place on the bus any more", name=name))
        if due:
            names, day = ", ".join(dict.fromkeys(each.name for each in due)), min(each.ends for each in due)
            told = mark("certificates end from {day} on, of {names}: `consortium up` renews them")
            typer.echo(spoken()(told, day=f"{day:%Y-%m-%d}", names=names))
    raise typer.Exit(0 if serving == len(found) else EXIT_NOT_ALL_UP)


COMMAND = Command(
    "status",
    "Show who of a standing consortium is up, and how far.\n\n\b\nExamples:\n"
    "  consortium status\n  consortium status --dir /srv/consortium --json\n\n"
    "Exit status: 0 all nodes serve, 1 some do not, 2 wrong usage or input.",
    status,
    STAND,
)
