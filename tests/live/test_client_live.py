"""The pages of the client library, each block as it stands, before a consortium in real processes."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from consortium.client import BlockingClient, desk_of

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "client.md").read_text(encoding="utf-8")


def blocks() -> Iterator[tuple[str, str]]:
    """Language and text, in the order of the page."""
    for found in re.finditer(r"^```(\w+)\n(.*?)^```$", PAGE, re.S | re.M):
        yield found[1], found[2]


def run(folder: Path, *argv: str) -> str:
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(folder)}
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, (argv, done.stdout, done.stderr)
    return done.stdout


def command(folder: Path, line: str) -> str:
    """A line of a console, with what it writes into a file."""
    words, _, file = line.removeprefix("$ ").partition(" > ")
    program, *rest = shlex.split(words)
    assert program == "consortium"
    told = run(folder, sys.executable, "-P", "-m", "consortium", *rest)
    if file:
        (folder / file).write_text(told, encoding="utf-8")
    return told


def test_the_tutorial_and_the_recipes_as_they_are_written(tmp_path: Path) -> None:
    told: list[str] = []
    recipes = [text for language, text in blocks() if language == "py"][1:]
    try:
        for language, text in blocks():
            if language == "console" and text.startswith("$ consortium down"):
                command(tmp_path, "$ consortium sample sale > sale.json")
                command(tmp_path, "$ consortium sample claim > visit.json")
                told += [run(tmp_path, sys.executable, "-P", "-c", recipe) for recipe in recipes]
            if language == "console":
                told += [command(tmp_path, line) for line in text.splitlines()]
            elif language == "py" and text not in recipes:
                told.append(run(tmp_path, sys.executable, "-P", "-c", text))
    finally:
        command(tmp_path, "$ consortium down")
    everything = "".join(told)
    assert "the funds pay" in everything and "ok" in everything and "hospital-1" in everything
    assert "complete 55.50" in everything  # the billing system's
    assert "proven" in told[-1].lower() or "bill" in told[-1].lower()


def test_a_member_without_a_gateway_is_told(tmp_path: Path) -> None:
    (tmp_path / "consortium.json").write_text('{"gateways": {"bureau": {"host": "127.0.0.1", "port": 1}}}')
    with pytest.raises(ValueError, match="there are bureau"):
        desk_of(tmp_path, "hospital-1")
    assert desk_of(tmp_path, "bureau")["gateways"] == ["https://127.0.0.1:1"]
    with pytest.raises(FileNotFoundError):
        BlockingClient(**desk_of(tmp_path, "bureau"))
