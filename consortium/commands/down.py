"""`consortium down`: the end of a standing consortium's processes."""

from __future__ import annotations

from typing import Annotated

import typer

from consortium.commands.command import STAND, Command
from consortium.commands.language import spoken
from consortium.commands.standing import HERE, Dir


def down(
    dir_: Dir = HERE,
    wipe: Annotated[bool, typer.Option("--wipe", help="Remove its folder, too: chain, keys and all.")] = False,
) -> None:
    from nodes.deploy.standing import bring_down

    words = spoken()
    was_up = bring_down(dir_, is_wiped=wipe)
    if was_up:
        typer.echo(words("the consortium in {folder} is down", folder=dir_))
    else:
        typer.echo(words("the consortium in {folder} was down already", folder=dir_))
    if wipe:
        typer.echo(words("{folder} is removed", folder=dir_))
    else:
        typer.echo(words("its data stays in {folder}; `consortium up` goes on with it", folder=dir_))


COMMAND = Command(
    "down",
    "Stop a standing consortium. Its data stays, and `consortium up` goes on where it stopped.\n\n\b\nExamples:\n"
    "  consortium down\n  consortium down --dir /srv/consortium\n  consortium down --wipe\n\n"
    "Exit status: 0 it is down, 2 wrong usage or input.",
    down,
    STAND,
)
