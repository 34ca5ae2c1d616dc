"""The option `--plugins FOLDER`, once for all commands: before the command's name or behind it, and several times."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from consortium.plugins.load import load_folders

GIVEN = "consortium.plugins"  # in the context of a call: the folders given so far


def _take(context: typer.Context, folders: list[Path] | None) -> None:
    """Takes the plug-ins into use as soon as the option is read, so that what follows can name them. The application
    itself begins anew, also without folders: installed plug-ins are found. Raises PluginError."""
    if context.resilient_parsing:
        return
    given: list[Path] = context.meta.setdefault(GIVEN, [])
    if folders or context.parent is None:
        given.extend(folders or ())
        load_folders(given)


def _words(
    plugins: Annotated[
        list[Path] | None,
        typer.Option(
            "--plugins",
            metavar="FOLDER",
            callback=_take,
            is_eager=True,
            help="Load the .py files of this folder as if they belonged to the package (docs/extending.md).",
        ),
    ] = None,
) -> None:
    """Only its option is of use."""


def plugin_option() -> Any:
    """The option as a parameter of a click command; its value is not handed to the command's function."""
    alone = typer.Typer(add_completion=False)
    alone.command()(_words)
    option = next(each for each in typer.main.get_command(alone).params if each.name == "plugins")
    option.expose_value = False
    return option
