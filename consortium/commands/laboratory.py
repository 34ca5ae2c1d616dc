"""The laboratory's libraries (the extra `lab`): which commands need them, and what to say where they are missing.

A node, its gateway and the commands of a standing consortium do without; so does the image of containers.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import NoReturn

from consortium.commands.command import Command
from consortium.core.discovery import plugins
from consortium.core.errors import UserError

LIBRARIES = ("jinja2", "markupsafe", "matplotlib", "numpy", "pebble")  # as they are imported
PANEL = "Not here"


def is_missing() -> bool:
    """Whether this is an installation without (all of) them."""
    return any(find_spec(name) is None for name in LIBRARIES)


def words_for(error: ModuleNotFoundError) -> str:
    """What to do where this import failed; empty where the module is none of the laboratory's."""
    name = (error.name or "").partition(".")[0]
    if name not in LIBRARIES:
        return ""
    return f"this needs {name}, one of the laboratory's libraries: pip install 'consortium[lab]'"


def import_command(module: str) -> Command | None:
    """The command that this module offers; where it cannot be imported without the laboratory, one that says so."""
    try:
        found = getattr(import_module(module), "COMMAND", None)
    except ModuleNotFoundError as error:
        if not words_for(error) or not _is_command(module):
            raise
        return _stand_in(module.rpartition(".")[2].rstrip("_").replace("_", "-"), words_for(error))
    return found if isinstance(found, Command) else None


def commands_without(room: str) -> dict[str, Command]:
    """Every command of the room and of plug-ins, by name, on a machine without the laboratory's libraries."""
    modules = [f"{room}.{entry.name}" for entry in iter_modules(import_module(room).__path__)]
    found = [import_command(module) for module in modules if _is_command(module)]
    found += [getattr(plugin, "COMMAND", None) for plugin in plugins()]
    return {command.name: command for command in found if isinstance(command, Command)}


def _stand_in(name: str, words: str) -> Command:
    def call() -> NoReturn:
        raise UserError(words)

    return Command(name, f"Not here: {words}.", call, PANEL, takes_anything=True)


def _is_command(module: str) -> bool:
    """Whether the file of this module offers a command, told without importing it."""
    spec = find_spec(module)
    source = getattr(spec.loader, "get_source", None) if spec is not None else None
    return source is not None and "\nCOMMAND = Command(" in (source(module) or "")
