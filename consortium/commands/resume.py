"""`consortium resume`: a node that goes on."""

from __future__ import annotations

from consortium.commands.command import STAND, Command
from consortium.commands.standing import HERE, Dir, Nodes, strike_each
from consortium.core.words import mark


def resume(nodes: Nodes, dir_: Dir = HERE) -> None:
    strike_each(dir_, "resume", nodes, mark("{node} goes on"))


COMMAND = Command(
    "resume",
    "Let nodes go on that stand still.\n\n\b\nExamples:\n"
    "  consortium resume hospital-1\n\n"
    "It stands in the report as a fault by hand. Exit status: 0 done, 2 wrong usage or input.",
    resume,
    STAND,
)
