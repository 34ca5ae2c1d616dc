"""What a command offers to the application, and what all commands share: exit statuses, options, the console."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import msgspec
import typer
from rich.console import Console

EXIT_HOLDS, EXIT_UNSAFE, EXIT_USAGE, EXIT_NO_PROGRESS, EXIT_STOPPED = 0, 1, 2, 3, 130


class Command(NamedTuple):
    """One command of `consortium`. Its file offers it as COMMAND, and bears its name (with `_` for a hyphen, and behind
    a word that Python keeps for itself).

    `help` is what `--help` shows; its first paragraph is the line in the list of commands. `call` is a function whose
    annotated parameters are the words of the command (see typer); it leaves with `typer.Exit(status)` where the status
    is not 0. `panel` is the heading that the command stands under. `takes_anything`: whatever words
    follow, it is called without them."""

    name: str
    help: str
    call: Callable[..., None]
    panel: str = "Commands of plug-ins"
    takes_anything: bool = False


PANELS = RUN, STAND, LOOK, STUDY = (
    "Run",
    "A consortium that stands",
    "Look at what ran",
    "Study",
)  # headings of our own commands, in their order

Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change one value of the scenario.")
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON document and nothing else (docs/commands.md tells its fields).")
]


def make_console() -> Console:
    return Console(highlight=False)


def cores() -> int:
    """The number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def print_json(content: Any) -> None:
    """One JSON document on stdout: what a program reads that called the command."""
    typer.echo(msgspec.json.format(msgspec.json.encode(content), indent=2).decode())
