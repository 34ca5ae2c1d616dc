"""The command `consortium`: finds its commands, one a file, and turns what they raise into an exit status.

Exit status: 0 all checks hold, 1 a safety check failed (or a ledger is not sound), 2 wrong usage or input (or a machine
that cannot carry the run out: a full disk), 3 no progress (or nothing executed that could be checked), 130 stopped with
Ctrl-C. A mistake of the user's is one sentence on stderr, never a traceback.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.util import find_spec
from keyword import iskeyword
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from consortium import __version__
from consortium.commands import laboratory
from consortium.commands.command import EXIT_HOLDS, EXIT_STOPPED, EXIT_USAGE, PANELS, Command
from consortium.commands.language import choose, is_written_in
from consortium.commands.outlet import guard_streams
from consortium.commands.plugin_option import plugin_option
from consortium.core.discovery import offered_by_name
from consortium.core.errors import UserError

ROOM = "consortium.commands"


def find_command(name: str) -> Command | None:
    """The command of that name: its own file is looked into first, so that no other one is read for it."""
    word = name.replace("-", "_")
    module = f"{ROOM}.{word}_" if iskeyword(word) else f"{ROOM}.{word}"
    if word.isidentifier() and find_spec(module) is not None:
        found = laboratory.import_command(module)
        if isinstance(found, Command) and found.name == name:
            return found
    return all_commands().get(name)


def all_commands() -> dict[str, Command]:
    """Every command, of the package and of plug-ins, by name."""
    return laboratory.commands_without(ROOM) if laboratory.is_missing() else offered_by_name(ROOM, "COMMAND", Command)


class CommandsFound(TyperGroup):
    """A group that reads the file of a command when it is asked for it."""

    def __init__(self, *arguments: Any, **words: Any) -> None:
        super().__init__(*arguments, **words)
        self.params.append(plugin_option())

    def list_commands(self, ctx: Any) -> list[str]:
        def place(command: Command) -> int:
            return PANELS.index(command.panel) if command.panel in PANELS else len(PANELS)

        return [command.name for command in sorted(all_commands().values(), key=place)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        command = find_command(cmd_name)
        if command is None:
            self.commands.update({name: self._made(each) for name, each in all_commands().items()})  # near names
            return None
        return self._made(command)

    def _made(self, command: Command) -> Any:
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        words = {"ignore_unknown_options": True, "allow_extra_args": True} if command.takes_anything else {}
        alone.command(command.name, help=command.help, rich_help_panel=command.panel, context_settings=words)(
            command.call
        )
        made = typer.main.get_command(alone)
        made.params.append(plugin_option())
        return made


app = typer.Typer(
    cls=CommandsFound,
    help="A laboratory for a medical-insurance consortium blockchain.\n\nOne scenario runs in the simulator and as "
    "real processes over MQTT; every run is checked, measured and reported.\n\n\b\nExamples:\n"
    "  consortium list\n  consortium run claim_day\n  consortium run claim_day --on simulator --seed 7\n"
    "  consortium verify runs/RUN/nodes/bureau",
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    add_completion=True,
)


def _version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"consortium {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
    lang: Annotated[
        str | None,
        typer.Option(metavar="en|zh", help="English or 中文; default: as LANG says."),
    ] = None,
) -> None:
    choose(lang)
    if not is_written_in(sys.stdout.encoding):
        choose("en")
        if lang is not None:
            typer.echo(f"consortium: --lang {lang}: {sys.stdout.encoding} has no letters for it: English", err=True)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit status; a user's mistake is one sentence on stderr. A failure of the
    terminal changes no status but 0 (see `outlet.py`)."""
    outlet = guard_streams()
    status = _status_of(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    if outlet is not None and outlet.failure:
        sys.stderr.write(f"consortium: what this command says could not be written: {outlet.failure}\n")
        status = status or EXIT_USAGE
    sys.exit(status)


def _status_of(arguments: Sequence[str] | None) -> int:
    try:
        app(args=None if arguments is None else list(arguments))
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else EXIT_HOLDS if left.code is None else EXIT_USAGE
    except UserError as error:
        sys.stderr.write(f"consortium: {error}\n")
    except ModuleNotFoundError as error:
        if not (words := laboratory.words_for(error)):
            raise
        sys.stderr.write(f"consortium: {words}\n")
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"consortium: {place}{error.strerror or error}\n")
    except KeyboardInterrupt:
        return EXIT_STOPPED
    else:
        return EXIT_HOLDS
    return EXIT_USAGE
