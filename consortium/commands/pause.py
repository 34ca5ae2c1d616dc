"""`consortium pause`: a node that stands still."""

from __future__ import annotations

from consortium.commands.command import STAND, Command
from consortium.commands.standing import HERE, Dir, Nodes, strike_each
from consortium.core.words import mark


def pause(nodes: Nodes, dir_: Dir = HERE) -> None:
    strike_each(dir_, "pause", nodes, mark("{node} stands still, until `consortium resume {node}`"))


COMMAND = Command(
    "pause",
    "Let nodes stand still: they keep what they have, and neither hear nor say anything.\n\n\b\nExamples:\n"
    "  consortium pause leader\n  consortium pause hospital-1\n\n"
    "It stands in the report as a fault by hand. Exit status: 0 done, 2 wrong usage or input.",
    pause,
    STAND,
)
