"""`consortium reset`: a fresh chain in place of the one that stands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consortium.commands.command import STAND, Command, make_console
from consortium.commands.language import spoken
from consortium.commands.standing import HERE, Dir, show_nodes
from consortium.core.errors import UserError


def reset(
    dir_: Dir = HERE,
    members: Annotated[
        str | None, typer.Option(metavar="ROLE=NUMBER,…", help="Other members; default: as many of each as now.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    from nodes.deploy.preparing import Changes, prepare
    from nodes.deploy.standing import bring_down, bring_up, counted, open_standing

    words = spoken()
    standing = open_standing(dir_)
    question = words("remove the chain in {folder}, its keys, and all that was done on it?", folder=dir_)
    if not yes and not typer.confirm(question, err=True):
        raise UserError("nothing was changed")
    wanted = members or counted(standing)
    bring_down(dir_, is_wiped=True)
    before = standing.deployment
    passphrase_file = Path(before.passphrase_file) if before.passphrase_file else None
    kept = Changes(before.log_format, before.trace_parts, passphrase_file=passphrase_file)
    kind, count = before.brokers[0].kind, len(before.brokers)
    begun = bring_up(
        dir_, wanted, kind, count, before.how, passphrase_file=passphrase_file, prepare=lambda made: prepare(made, kept)
    )
    typer.echo(words("a new consortium is up in {folder}", folder=dir_))
    show_nodes(make_console(), begun.nodes)


COMMAND = Command(
    "reset",
    "Remove a standing consortium with its chain and its keys, and bring up a fresh one in its place. Asks "
    "before.\n\n\b\nExamples:\n"
    "  consortium reset\n  consortium reset --yes --members bureau=1,hospital=4,regulator=1\n\n"
    "Exit status: 0 the fresh one is up, 2 wrong usage or input, or nothing was changed.",
    reset,
    STAND,
)
