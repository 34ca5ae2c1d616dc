"""`consortium kill`: the end of a node, in the middle of whatever it does."""

from __future__ import annotations

from consortium.commands.command import STAND, Command
from consortium.commands.standing import HERE, Dir, Nodes, strike_each
from consortium.core.words import mark


def kill(nodes: Nodes, dir_: Dir = HERE) -> None:
    strike_each(dir_, "kill", nodes, mark("{node} is killed, and stays down until `consortium restart {node}`"))


COMMAND = Command(
    "kill",
    "Kill nodes (`kill -9`). They stay down until `consortium restart`; also a broker can be killed.\n\n\b\nExamples:\n"
    "  consortium kill leader\n  consortium kill hospital-1 hospital-2\n\n"
    "It stands in the report as a fault by hand. Exit status: 0 done, 2 wrong usage or input.",
    kill,
    STAND,
)
