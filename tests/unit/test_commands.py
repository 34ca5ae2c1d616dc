"""A command is one file that is found by its name; what a person did wrong is one class of error."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import consortium
import nodes
from consortium.commands import app
from consortium.commands import list as listing
from consortium.commands import verify as verifying
from consortium.commands.command import PANELS
from consortium.core.errors import UserError
from consortium.lab.checks.claims import judge
from consortium.lab.pages.results import verdict_content
from consortium.ledger.verify import Verified
from tests.unit.lab.made_up_run import made_up_run


def test_the_file_of_each_command_bears_its_name() -> None:
    commands = app.all_commands()
    assert {"run", "list", "check", "verify", "import", "report", "compare", "sweep", "explore"} <= set(commands)
    for name, command in commands.items():
        module = sys.modules[command.call.__module__]
        assert module.__name__.rpartition(".")[2].rstrip("_").replace("_", "-") == name
        assert command.panel in PANELS
        assert command.help.strip() and app.find_command(name) == command


def test_a_word_that_is_no_command_finds_none() -> None:
    assert app.find_command("terminal") is None, "a file without COMMAND is none"
    assert app.find_command("--odd name") is None


def _user_errors(kind: type[UserError] = UserError) -> list[type[UserError]]:
    return [kind, *(each for below in kind.__subclasses__() for each in _user_errors(below))]


def test_every_error_for_a_person_is_one_class_and_exit_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for package in (consortium, nodes):
        for found in walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                import_module(found.name)
    kinds = _user_errors()
    assert {"ScenarioError", "Damaged", "StoreFailed", "SweepError", "MissingExtra", "ProfileError"} <= {
        kind.__name__ for kind in kinds
    }
    for kind in kinds:

        def raising(args: object = None, kind: type[UserError] = kind) -> None:
            raise kind("this and that")

        monkeypatch.setattr(app, "app", raising)
        with pytest.raises(SystemExit) as left:
            app.main([])
        assert left.value.code == 2
        assert capsys.readouterr().err == "consortium: this and that\n"


def test_an_error_of_ours_is_not_taken_for_a_persons(monkeypatch: pytest.MonkeyPatch) -> None:
    def raising(args: object = None) -> None:
        raise ValueError("a mistake of ours")

    monkeypatch.setattr(app, "app", raising)
    with pytest.raises(ValueError, match="of ours"):
        app.main([])


def test_every_example_of_a_help_text_names_what_there_is() -> None:
    root = Path(__file__).resolve().parents[2]
    for command in app.all_commands().values():
        for word in command.help.split():
            if word.startswith("scenarios/"):
                assert (root / word).exists(), f"{command.name}: {word}"


COMMANDS = Path(__file__).resolve().parents[2] / "docs" / "commands.md"


def test_the_page_of_commands_tells_each_command_and_the_statuses_that_its_help_tells() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| .* \| ([0-9, ]+) \|$", COMMANDS.read_text(encoding="utf-8"), re.M)
    told = {name: {int(word) for word in statuses.split(",")} for name, statuses in rows}
    assert set(told) == set(app.all_commands())
    for name, command in app.all_commands().items():
        _, _, statuses = command.help.partition("Exit status: ")
        assert {int(word) for word in re.findall(r"\b(\d+) ", statuses)} <= told[name], name


def test_the_page_of_commands_tells_each_field_of_a_json_document() -> None:
    text = COMMANDS.read_text(encoding="utf-8")
    run = made_up_run()
    documents = [
        verdict_content(run, judge(run), "simulator"),
        listing._fields(listing.Listed("a", Path("a.py"), "Why?", 4, 1.0)),
        verifying._fields(Path("l"), Verified(1, b"", b"", 0, 1, 1, 1), []),
    ]
    names = {name for document in documents for name in document}
    names |= set(documents[0]["checks"][0]) | {"fault", "settings", "figures", "ratios"}
    assert [name for name in sorted(names) if f"`{name}" not in text and f".{name}" not in text] == []
