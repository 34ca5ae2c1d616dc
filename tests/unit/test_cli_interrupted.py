"""Ctrl-C while the command still reads its modules: it ends with 130 and says nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from consortium.__main__ import STOPPED
from consortium.commands.command import EXIT_STOPPED

MAIN = """
import os, signal, sys
{before}
class Interrupting:
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
from consortium.__main__ import main
main()
"""


def interrupted(module: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """`consortium list`, which is told of Ctrl-C when it first asks for that module."""
    program = MAIN.format(module=module, before=before)
    return subprocess.run([sys.executable, "-P", "-c", program, "list"], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("module", ["typer", "consortium.commands.app", "consortium.commands.list"])
def test_ctrl_c_while_modules_are_read_is_no_traceback(module: str) -> None:
    done = interrupted(module)
    assert (done.returncode, done.stderr, done.stdout) == (EXIT_STOPPED, "", "")
    assert STOPPED == EXIT_STOPPED


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    done = interrupted("typer", "signal.signal(signal.SIGINT, signal.SIG_IGN)")
    assert done.returncode == 0
    assert "claim_day" in done.stdout
