"""`consortium list`: the scenarios that there are."""

from __future__ import annotations

from rich.table import Table

from consortium.commands.command import RUN, Command, make_console
from consortium.scenario.find import question_of, scenario_files, scenario_folder
from consortium.scenario.load import ScenarioError


def list_scenarios() -> None:
    console = make_console()
    files = scenario_files()
    if not files:
        raise ScenarioError(f"there are no scenarios in {scenario_folder()}")
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("scenario", no_wrap=True)
    table.add_column("the question it asks")
    for name, path in files:
        table.add_row(name, question_of(path))
    console.print(table)


COMMAND = Command("list", "Show the scenarios that there are, each with the question it asks.", list_scenarios, RUN)
