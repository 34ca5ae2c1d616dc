"""`consortium watch`: a consortium that stands, live in the terminal; nodes are killed and healed by a key."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from consortium.commands.command import STAND, Command
from consortium.commands.language import spoken
from consortium.commands.standing import HERE, Dir
from consortium.core.errors import UserError


def watch(
    run: Annotated[
        Path | None, typer.Argument(metavar="RUN", help="A run's folder, in place of --dir; it is shown only.")
    ] = None,
    dir_: Dir = HERE,
) -> None:
    if find_spec("textual") is None:
        raise UserError("watch needs the library textual: pip install 'consortium[watch]'")
    from nodes.deploy.lookout import Lookout

    lookout = Lookout(run or dir_, spoken())
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError("watch draws on a terminal, and this is none; `consortium status` prints what there is")
    from consortium.commands.watch_screen import watch_folder

    watch_folder(lookout, None if lookout.standing is None else striker(lookout.folder), spoken())


def striker(folder: Path) -> Callable[[str, str], str]:
    """Acts by hand against the consortium in this folder, as the commands of these names do."""

    def strike(act: str, target: str) -> str:
        from nodes.deploy.by_hand import strike as strike_by_hand
        from nodes.deploy.standing import open_standing

        hit = strike_by_hand(open_standing(folder), act, target)
        return spoken()("done: {act} {target}", act=act, target=hit)

    return strike


COMMAND = Command(
    "watch",
    "Watch a consortium live in the terminal: who is up, who leads, how fast it works, its newest blocks.\n\n"
    "It asks each node once a second, reads what comes to the traces, and changes nothing by itself. Keys act on the "
    "selected node as the commands of these names do: k kill, p pause, u resume, r restart; h heals all links, q "
    "quits.\n\n\b\n"
    "Examples:\n  consortium watch\n  consortium watch --dir /srv/consortium\n\n"
    "Exit status: 0 left, 2 wrong usage or input, or a machine without the library textual.",
    watch,
    STAND,
)
