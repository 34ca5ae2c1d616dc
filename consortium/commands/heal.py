"""`consortium heal`: all links open again."""

from __future__ import annotations

import typer

from consortium.commands.command import STAND, Command
from consortium.commands.language import spoken
from consortium.commands.standing import HERE, Dir


def heal(dir_: Dir = HERE) -> None:
    from nodes.deploy.by_hand import strike
    from nodes.deploy.standing import open_standing

    strike(open_standing(dir_), "heal")
    typer.echo(spoken()("all links are open"))


COMMAND = Command(
    "heal",
    "Open all links that `consortium partition` has cut.\n\n\b\nExample:\n  consortium heal\n\n"
    "It stands in the report as a repair by hand. Exit status: 0 done, 2 wrong usage or input.",
    heal,
    STAND,
)
