"""`consortium list`: the scenarios that there are, how large each is and what it asks."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from consortium.commands.command import RUN, Command, Json, make_console, print_json
from consortium.commands.language import spoken
from consortium.commands.tables import Column, show_table
from consortium.core.errors import UserError
from consortium.scenario.find import question_of, scenario_files, scenario_folder
from consortium.scenario.scenario import Stop


class Listed(NamedTuple):
    """`members` and `seconds_max` (virtual, by the scenario's own stop) are None where the file computes them."""

    name: str
    path: Path
    question: str
    members: int | None
    seconds_max: float | None


def list_scenarios(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="WORD…", help="Only those whose name or folder begins so.")
    ] = None,
    filter_: Annotated[
        list[str] | None, typer.Option("--filter", metavar="WORD", help="Only those that speak of this word.")
    ] = None,
    json: Json = False,
) -> None:
    everything = [read_listed(name, path) for name, path in scenario_files()]
    if not everything:
        raise UserError(f"there are no scenarios in {scenario_folder()}")
    found = [each for each in everything if _is_wanted(each, names or (), filter_ or ())]
    if json:
        print_json({"format": 1, "scenarios": [_fields(each) for each in found]})
        return
    if not found:
        asked = " ".join([*(names or ()), *(filter_ or ())])
        raise UserError(f"no scenario speaks of {asked!r}; `consortium list` shows all {len(everything)}")
    words = spoken()
    columns = (
        Column(words("scenario")),
        Column(words("members"), is_number=True),
        Column(words("at most, s"), is_number=True),
        Column(words("the question it asks")),
    )
    rows = [(each.name, _told(each.members), _told(each.seconds_max), each.question) for each in found]
    show_table(make_console(), columns, rows)


def _is_wanted(listed: Listed, words: Any, filters: Any) -> bool:
    text = f"{listed.name} {listed.question}".casefold()
    named = not words or any(part.startswith(word) for word in words for part in (listed.name, listed.path.stem))
    return named and all(word.casefold() in text for word in filters)


def _fields(listed: Listed) -> dict[str, Any]:
    return {
        "name": listed.name,
        "path": str(listed.path),
        "question": listed.question,
        "members": listed.members,
        "virtual_seconds_max": listed.seconds_max,
    }


def _told(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def read_listed(name: str, path: Path) -> Listed:
    """What the file of a scenario says of itself, read without running it."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, ValueError):
        return Listed(name, path, question_of(path), None, None)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    scenario = next((call for call in calls if _name(call) == "Scenario"), None)
    if scenario is None:
        return Listed(name, path, question_of(path), None, None)
    given = {keyword.arg: keyword.value for keyword in scenario.keywords}
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    limit_us = _limit_us(given.get("stop"))
    seconds = None if limit_us is None else limit_us / 1e6
    return Listed(name, path, question_of(path), _count(given.get("members"), constants), seconds)


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _limit_us(stop: ast.expr | None) -> int | None:
    if stop is None:
        return Stop().limit_us
    if not isinstance(stop, ast.Call) or _name(stop) != "Stop" or stop.args:
        return None
    limit = {keyword.arg: keyword.value for keyword in stop.keywords}.get("limit_us")
    if limit is None:
        return Stop().limit_us
    return limit.value if isinstance(limit, ast.Constant) and isinstance(limit.value, int) else None


def _count(found: ast.expr | None, constants: dict[str, ast.expr]) -> int | None:
    """How many values an expression makes, where that can be seen without running it."""
    match found:
        case ast.Name(id=name) if name in constants:
            return _count(constants[name], {key: value for key, value in constants.items() if key != name})
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            counts = [_count(part.value, constants) if isinstance(part, ast.Starred) else 1 for part in parts]
            return None if None in counts else sum(each for each in counts if each is not None)
        case ast.Call(func=ast.Name(id="tuple" | "list"), args=[inner]):
            return _count(inner, constants)
        case ast.GeneratorExp(generators=[ast.comprehension(iter=over, ifs=[])]):
            return _count(over, constants)
        case ast.Call(func=ast.Name(id="range"), args=arguments):
            numbers = [_number(argument, constants) for argument in arguments]
            return None if None in numbers else len(range(*(each for each in numbers if each is not None)))
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            one, other = _count(left, constants), _count(right, constants)
            return None if one is None or other is None else one + other
        case ast.Constant(value=str() as text):
            return len(text)
        case _:
            return None


def _number(found: ast.expr, constants: dict[str, ast.expr]) -> int | None:
    match found:
        case ast.Constant(value=int() as number):
            return number
        case ast.Name(id=name) if name in constants:
            return _number(constants[name], {key: value for key, value in constants.items() if key != name})
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            one, other = _number(left, constants), _number(right, constants)
            return None if one is None or other is None else one + other
        case _:
            return None


COMMAND = Command(
    "list",
    "Show the scenarios that there are: how many members each has, how many virtual seconds it takes at most, and the "
    "question it asks.\n\n\b\nExamples:\n  consortium list\n  consortium list attacks\n"
    "  consortium list --filter partition\n  consortium list --json\n\n"
    "Exit status: 0 listed, 2 there is none.",
    list_scenarios,
    RUN,
)
