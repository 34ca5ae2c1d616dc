"""`consortium partition`: members that hear only themselves."""

from __future__ import annotations

from typing import Annotated

import typer

from consortium.commands.command import STAND, Command
from consortium.commands.language import spoken
from consortium.commands.standing import HERE, Dir
from consortium.core.errors import UserError


def partition(
    groups: Annotated[
        list[str], typer.Argument(metavar="NODE,NODE…", help="A group; those that no group names form one together.")
    ],
    dir_: Dir = HERE,
) -> None:
    from nodes.deploy.by_hand import strike
    from nodes.deploy.standing import open_standing

    standing = open_standing(dir_)
    found = [[name for name in group.split(",") if name] for group in groups]
    named = [name for group in found for name in group]
    unknown = [name for name in named if name not in standing.deployment.members]
    if unknown:
        raise UserError(f"there is no node {unknown[0]!r}; there are {', '.join(standing.deployment.members)}")
    if len(set(named)) < len(named):
        raise UserError("a node stands in two groups, or twice in one: each belongs to one group")
    strike(standing, "partition", groups=found)
    others = [name for name in standing.deployment.members if name not in named]
    shown = " | ".join(", ".join(group) for group in (*found, others) if group)
    typer.echo(spoken()("these hear only themselves, until `consortium heal`: {groups}", groups=shown))


COMMAND = Command(
    "partition",
    "Cut the links between groups of nodes, until `consortium heal`.\n\n\b\nExamples:\n"
    "  consortium partition hospital-1,hospital-2\n  consortium partition bureau,regulator hospital-1\n\n"
    "It replaces the partition before, and stands in the report as a fault by hand. Exit status: 0 done, 2 wrong usage "
    "or input.",
    partition,
    STAND,
)
