"""What the commands that deal with a standing consortium share: its folder, its table, one act by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from consortium.commands.language import spoken
from consortium.commands.tables import Column, show_table

if TYPE_CHECKING:
    from nodes.deploy.look import NodeLook

Dir = Annotated[
    Path, typer.Option("--dir", metavar="DIR", help="The folder of the consortium.", envvar="CONSORTIUM_DIR")
]
Nodes = Annotated[list[str], typer.Argument(metavar="NODE…", help="Members, or `leader`.")]
HERE = Path("consortium-data")
WIDE = 100  # letters: there is room for what programs read anyhow (--json)
GOOD, MIDDLING, BAD = "green", "yellow", "red"


def strike_each(folder: Path, act: str, targets: Sequence[str], told: str) -> None:
    """One act against each of them; `told` is said of each that was hit."""
    from nodes.deploy.by_hand import strike
    from nodes.deploy.standing import open_standing

    standing = open_standing(folder)
    for target in targets:
        typer.echo(spoken()(told, node=strike(standing, act, target)))


def show_nodes(console: Console, found: Sequence[NodeLook]) -> None:
    words = spoken()
    columns = [
        Column(words("node")),
        Column(words("state")),
        Column(words("height"), is_number=True),
        Column(words("sealed"), is_number=True),
        Column(words("view"), is_number=True),
        Column(words("bus")),
        Column(words("leader")),
        Column(words("gateway")),
    ]
    rows = [_row(each) for each in found]
    if console.width >= WIDE:
        columns.append(Column(words("process"), is_number=True))
        rows = [(*row, str(each.pid or "-")) for row, each in zip(rows, found, strict=True)]
    show_table(console, columns, rows)
    for deaf_to in dict.fromkeys(each.deaf_to for each in found if each.deaf_to):
        nodes = ", ".join(each.name for each in found if each.deaf_to == deaf_to)
        text = words("{nodes}: hears nothing of {others}", nodes=nodes, others=", ".join(deaf_to))
        console.print(text, markup=False, soft_wrap=True)


def _row(each: NodeLook) -> Sequence[str | Text]:
    color = GOOD if each.is_serving else MIDDLING if each.pid else BAD
    return (
        each.name,
        Text(each.state, style=color),
        _number(each.height),
        _number(each.sealed),
        _number(each.view),
        each.bus,
        each.leader or "-",
        each.gateway or "-",
    )


def _number(number: int) -> str:
    return str(number) if number >= 0 else "-"


def node_content(each: NodeLook) -> dict[str, Any]:
    """Of one node, for programs."""
    return {**each._asdict(), "is_serving": each.is_serving}
