"""`consortium doctor`: what is wrong with a standing consortium, and what to do."""

from __future__ import annotations

import typer
from rich.text import Text

from consortium.commands.command import STAND, Command, Json, make_console, print_json
from consortium.commands.language import spoken
from consortium.commands.standing import BAD, GOOD, HERE, Dir
from consortium.commands.tables import Column, show_table

EXIT_SICK = 1


def doctor(dir_: Dir = HERE, json: Json = False) -> None:
    from nodes.deploy.doctor import examine
    from nodes.deploy.standing import open_standing

    findings = examine(open_standing(dir_))
    sick = [each for each in findings if not each.is_well]
    words = spoken()
    if json:
        shown = [{**each._asdict(), "is_well": each.is_well} for each in findings]
        print_json({"format": 1, "folder": str(dir_), "is_well": not sick, "findings": shown})
    else:
        columns = (Column(""), Column(words("looked at")), Column(words("found")))
        rows = [
            (
                Text(words("well"), style=GOOD) if each.is_well else Text(words("WRONG"), style=BAD),
                each.what,
                each.words if each.is_well else f"{each.words}: {each.remedy}",
            )
            for each in findings
        ]
        show_table(make_console(), columns, rows)
        if sick:
            typer.echo(words("{number} of these need you", number=len(sick)))
        else:
            typer.echo(words("nothing is wrong"))
    raise typer.Exit(EXIT_SICK if sick else 0)


COMMAND = Command(
    "doctor",
    "Look for what is wrong with a standing consortium, and say what to do: its files, disk, certificates, clock, "
    "brokers, nodes, quorum, heads, gateways.\n\n\b\nExamples:\n  consortium doctor\n  consortium doctor --json\n\n"
    "Exit status: 0 nothing is wrong, 1 something is, 2 wrong usage or input.",
    doctor,
    STAND,
)
