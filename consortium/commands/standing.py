"""What the commands that deal with a standing consortium share: its folder, its facts, its table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from consortium.commands.language import spoken
from consortium.commands.tables import Column, show_table
from consortium.core.errors import UserError
from consortium.scenario.scenario import Scenario

if TYPE_CHECKING:
    from nodes.deploy.look import NodeLook

Dir = Annotated[
    Path, typer.Option("--dir", metavar="DIR", help="The folder of the consortium.", envvar="CONSORTIUM_DIR")
]
HERE = Path("consortium-data")
GOOD, MIDDLING, BAD = "green", "yellow", "red"


def roles_of(folder: Path) -> Mapping[str, str]:
    """The role of each member. Raises UserError."""
    try:
        scenario = msgspec.json.decode((folder / "scenario.json").read_bytes(), type=Scenario)
    except (OSError, msgspec.MsgspecError) as error:
        raise UserError(f"{folder / 'scenario.json'} cannot be read: {error}; bring back a copy of it") from None
    return {member.name: member.role for member in scenario.members}


def show_nodes(console: Console, found: Sequence[NodeLook]) -> None:
    words = spoken()
    columns = (
        Column(words("node")),
        Column(words("role")),
        Column(words("state")),
        Column(words("process"), is_number=True),
        Column(words("height"), is_number=True),
        Column(words("sealed"), is_number=True),
        Column(words("bus")),
    )
    show_table(console, columns, [_row(each) for each in found])


def _row(each: NodeLook) -> Sequence[str | Text]:
    color = GOOD if each.is_serving else MIDDLING if each.pid else BAD
    return (
        each.name,
        each.role,
        Text(each.state, style=color),
        str(each.pid or "-"),
        _height(each.heights.head),
        _height(each.heights.sealed),
        each.bus,
    )


def _height(height: int) -> str:
    return str(height) if height >= 0 else "-"


def node_content(each: NodeLook) -> dict[str, Any]:
    """Of one node, for programs."""
    return {
        "name": each.name,
        "role": each.role,
        "state": each.state,
        "pid": each.pid,
        "since_s": each.since_s,
        "height": each.heights.head,
        "sealed": each.heights.sealed,
        "bus": each.bus,
    }
