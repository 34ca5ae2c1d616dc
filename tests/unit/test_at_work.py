"""On a terminal a command says that it works while it does what may take seconds; elsewhere it says nothing."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import pytest

from consortium.commands import app as cli
from consortium.commands.at_work import at_work
from tests.finished_run import finished_run


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("at_work") / "run")


def seen(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO, *words: object) -> str:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stream)
    with pytest.raises(SystemExit) as left:
        cli.main([str(word) for word in words])
    assert left.value.code == 0, stream.getvalue()
    return stream.getvalue()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("view", "RUN", "payables", "--rebuild"), "block 7 of 7"),
        (("ask", "RUN", "bureau"), "reading the ledger"),
        (("prove", "RUN", "institution", "H65010200000"), "reading the ledger"),
        (("prove", "RUN", "institution", "H65010200000", "--at", "2"), "block 2 of 2"),
        (("verify", "RUN/nodes/bureau"), "block 7 of 7"),
    ],
)
def test_a_command_that_may_take_long_says_so_on_a_terminal_alone(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    wanted = [word.replace("RUN", str(run)) for word in words]
    on_terminal = seen(monkeypatch, Terminal(), *wanted)
    assert told in on_terminal, on_terminal
    for proof in tmp_path.glob("*.proof"):
        proof.unlink()
    assert seen(monkeypatch, io.StringIO(), *wanted) == ""


def test_it_says_how_far_it_is_and_the_line_is_gone_when_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    with at_work("counting") as told:
        while "counting" not in stream.getvalue():
            time.sleep(0.01)
        told(12, 40)
    said = stream.getvalue()
    assert "counting" in said and "block 12 of 40" in said
    assert said.endswith("\x1b[1A\x1b[2K")


def test_where_a_command_fails_the_line_is_gone_before_it_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    with pytest.raises(ValueError), at_work("counting"):
        raise ValueError
    assert stream.getvalue().endswith("\x1b[1A\x1b[2K")
