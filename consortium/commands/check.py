"""`consortium check`: judge a run again from its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from consortium.commands.command import LOOK, Command, Json, make_console, print_json
from consortium.commands.folders import load_told
from consortium.commands.terminal import tell_outcome, tell_verdicts
from consortium.lab.checks.claims import exit_status, judge
from consortium.lab.pages.results import verdict_content
from consortium.runs.folder import place_of


def check(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", metavar="RUN")],
    json: Json = False,
) -> None:
    result = load_told(run)
    verdicts = judge(result)
    if json:
        print_json(verdict_content(result, verdicts, place_of(result)))
    else:
        console = make_console()
        tell_verdicts(console, verdicts)
        tell_outcome(console, result, verdicts)
    raise typer.Exit(exit_status(verdicts))


COMMAND = Command(
    "check",
    "Judge a run again from its folder: trace and ledgers.\n\n\b\nExample:\n  consortium check runs/RUN\n\n"
    "Exit status as for `run`.",
    check,
    LOOK,
)
