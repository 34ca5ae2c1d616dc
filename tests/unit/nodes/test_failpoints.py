"""Failpoints kill where they are armed, and are nothing where they are not."""

import os
import subprocess
import sys

import pytest

from nodes.conduct import child
from nodes.process import failpoints


def run(variable: str) -> tuple[int, str]:
    program = "from nodes.process.failpoints import reach; [reach('boot.locked') or print(index) for index in range(3)]"
    environment = {**os.environ, failpoints.VARIABLE: variable}
    done = subprocess.run(
        [sys.executable, "-uc", program], env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_an_armed_place_kills_the_so_manieth_time_and_an_unknown_one_is_refused() -> None:
    assert run("boot.locked") == (-9, "")
    assert run("boot.locked:3") == (-9, "0\n1\n")
    assert run("commit.before") == (0, "0\n1\n2\n")
    code, words = run("comit.before")
    assert code == 1 and "no such failpoint; known are boot.locked" in words


def test_there_are_at_least_twenty_and_none_is_armed_here() -> None:
    assert len(failpoints.FAILPOINTS) >= 20
    for name in failpoints.FAILPOINTS:
        failpoints.reach(name)
        assert not failpoints.is_next(name)


def test_a_child_inherits_no_failpoint(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    monkeypatch.setenv(failpoints.VARIABLE, "boot.locked")
    log = Path(str(tmp_path)) / "log"
    program = "import os, sys; sys.exit('CONSORTIUM_FAILPOINT' in os.environ)"
    assert child.spawn(["-c", program], log=log).wait() == 0
    assert child.spawn(["-c", program], log=log, failpoint="boot.locked").wait() == 1
