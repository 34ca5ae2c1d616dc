"""Child processes that never outlive their parent, also when the parent is killed with `kill -9`."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import nodes
from nodes.process import failpoints

_PR_SET_PDEATHSIG = 1
_adopted: dict[str, str] = {}


def die_with_parent(parent: int) -> None:
    """Ask Linux to kill this process when its parent ends. Elsewhere the end of stdin tells it: `ConductorLink`."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)  # it ended before we asked


def python_command(*arguments: str) -> list[str]:
    """The command that runs this Python with these arguments, and takes no module from the working directory: a
    `random.py` or `nodes.py` that lies there is the user's, and not the one that we mean."""
    return [sys.executable, "-P", *arguments]


def module_path() -> str:
    """PYTHONPATH for a child that must find the same modules as this process, in the same order."""
    here = str(Path(nodes.__file__).resolve().parents[1])
    known = [entry for entry in sys.path if entry]
    if here not in known and str(Path.cwd()) == here:
        known.insert(0, here)  # we were found by way of "", the working directory
    return os.pathsep.join(known)


class Elsewhere(subprocess.Popen[bytes]):
    """A process that only speaks for a program which runs elsewhere: signals and exit codes are the program's. Its
    `send_signal(SIGKILL)` ends the program for sure."""


def spawn(
    arguments: Sequence[str],
    *,
    log: Path,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    failpoint: str = "",
) -> subprocess.Popen[bytes]:
    """Start `python <arguments>` in a process group of its own, with the modules of this process, stderr appended to
    `log`.

    The environment tells the child whose child it is, see `die_with_parent`; and of a failpoint, in tests alone."""
    environment = {**os.environ, "CONSORTIUM_PARENT": str(os.getpid()), "PYTHONPATH": module_path()}
    environment.pop(failpoints.VARIABLE, None)
    if failpoint:
        environment[failpoints.VARIABLE] = failpoint
    with log.open("ab") as errors:
        return subprocess.Popen(
            python_command(*arguments),
            stdin=stdin,
            stdout=stdout,
            stderr=errors,
            env=environment,
            process_group=0,
        )


def adopt_parent() -> None:
    """To be called first in a child that `spawn` started; does nothing in a process that a person started."""
    parent = os.environ.pop("CONSORTIUM_PARENT", "")
    if parent:
        _adopted["CONSORTIUM_PARENT"] = parent
        die_with_parent(int(parent))


def parent_environment() -> dict[str, str]:
    """What a program that takes this process's place needs so that it is adopted, too."""
    return dict(_adopted)


def ask_to_stop(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, once, also to one that is paused."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
            process.send_signal(signal.SIGCONT)


def wait_for(process: subprocess.Popen[bytes], wait_s: float) -> int:
    """Its exit code; SIGKILL to the whole group if it has not ended after `wait_s`."""
    try:
        return process.wait(wait_s)
    except subprocess.TimeoutExpired:
        kill(process)
        return process.wait()


def stop(process: subprocess.Popen[bytes], wait_s: float = 5.0) -> int:
    """SIGTERM, and SIGKILL to the whole group after `wait_s`. Returns the exit code."""
    ask_to_stop(process)
    return wait_for(process, wait_s)


def kill(process: subprocess.Popen[bytes]) -> None:
    """`kill -9` of the process and its group; returns when it is gone."""
    if isinstance(process, Elsewhere):
        process.kill()
    elif process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def exec_with_parent(arguments: Sequence[str]) -> None:
    """Become another program that ends with the parent (the request survives exec)."""
    adopt_parent()
    os.execv(arguments[0], list(arguments))


if __name__ == "__main__":
    exec_with_parent(sys.argv[1:])
