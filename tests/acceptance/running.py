"""Runs the commands of rows in a folder of its own, each distinct command once.

A command that names `runs/NAME` needs that run: it is made first, by the command of the page that says `--out
runs/NAME`, else by `consortium run SCENARIO --on simulator --out runs/NAME` with the scenario whose file has that name.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from consortium.scenario.find import scenario_files
from tests.acceptance.reading import ROOT, PageFault, Row, Shown

SECONDS_MAX = 1_200
PASSED, FAILED = "passed", "failed"
_RUN = re.compile(r"\bruns/([a-z0-9_]+)")
_OUT = re.compile(r"--out runs/([a-z0-9_]+)")


class Ran(NamedTuple):
    """What a command left. `printed`: both of its outputs, white space folded: widths of columns do not matter."""

    leaves: int
    printed: str
    seconds: float


class Judged(NamedTuple):
    """What came of a row: `outcome` is how it stands where no command shows it. `why`: the first fault."""

    row: Row
    outcome: str
    seconds: float
    why: str


def runs_named(command: str) -> list[str]:
    """The runs that a command reads."""
    own = set(_OUT.findall(command))
    return sorted({name for name in _RUN.findall(command) if name not in own})


def maker_of(run: str, rows: Iterable[Row]) -> str:
    """The command that makes `runs/<run>`. Raises PageFault where nothing does."""
    for row in rows:
        for shown in row.shown:
            if run in _OUT.findall(shown.command):
                return shown.command
    found = [name for name, path in scenario_files() if path.stem == run]
    if len(found) != 1:
        raise PageFault(f"runs/{run}: {len(found)} scenarios have that name, and no command of the page makes it")
    return f"consortium run {found[0]} --on simulator --out runs/{run}"


def makers_of(rows: Sequence[Row], page: Sequence[Row]) -> list[str]:
    """What must have run before the commands of these rows, each once, in the order of the page."""
    named = [run for row in rows for shown in row.shown for run in runs_named(shown.command)]
    return list(dict.fromkeys(maker_of(run, page) for run in named))


def run_command(command: str, folder: Path) -> Ran:
    """`consortium` runs in the folder; what belongs to a checkout (make, pytest, python) in the checkout."""
    words = shlex.split(command)
    program, *rest = words
    typed = {"consortium": [sys.executable, "-m", "consortium"], "pytest": [sys.executable, "-m", "pytest", "-m", ""]}
    argv = [*typed.get(program, [sys.executable] if program == "python" else [program]), *rest]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LANGUAGE": "en", "COLUMNS": "160", "NO_COLOR": "1"}
    began = time.monotonic()
    try:
        done = subprocess.run(
            argv,
            cwd=folder if program == "consortium" else ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Ran(-1, f"it did not end within {SECONDS_MAX} s", time.monotonic() - began)
    return Ran(done.returncode, " ".join(done.stdout.decode(errors="replace").split()), time.monotonic() - began)


def fault_of(shown: Shown, ran: Ran) -> str:
    """What of a command is not as its row says; empty where all is."""
    if ran.leaves != shown.leaves:
        return f"`{shown.command}` left {ran.leaves}, not {shown.leaves}: …{ran.printed[-300:]}"
    if " ".join(shown.says.split()) not in ran.printed:
        return f"`{shown.command}` did not say {shown.says!r}: …{ran.printed[-300:]}"
    return ""


class Acceptance:
    """Runs rows in `folder`. `page`: all rows of the page, among which makers of runs are found."""

    def __init__(self, page: Sequence[Row], folder: Path, jobs: int = 1) -> None:
        self._page, self._folder, self._jobs = page, folder, jobs
        (folder / "scenarios").symlink_to(ROOT / "scenarios")  # commands name data in it
        self._ran: dict[str, Ran] = {}
        self._lock, self._locks = Lock(), dict[str, Lock]()

    def judge(self, rows: Sequence[Row]) -> list[Judged]:
        """Raises PageFault where a command reads a run that nothing makes."""
        with ThreadPoolExecutor(self._jobs) as pool:
            list(pool.map(self._run, makers_of(rows, self._page)))
            return list(pool.map(self._judged, rows))

    def _run(self, command: str) -> Ran:
        """What the command left; whoever asks for it meanwhile waits for the one that runs."""
        with self._lock:
            lock = self._locks.setdefault(command, Lock())
        with lock:
            if command not in self._ran:
                self._ran[command] = run_command(command, self._folder)
            return self._ran[command]

    def _judged(self, row: Row) -> Judged:
        """The commands of a row run in its order."""
        if not row.is_to_run:
            return Judged(row, row.stands, 0.0, row.why)
        ran = [self._run(shown.command) for shown in row.shown]
        faults = [fault for shown, each in zip(row.shown, ran, strict=True) if (fault := fault_of(shown, each))]
        seconds = sum(each.seconds for each in ran)
        return Judged(row, FAILED if faults else PASSED, seconds, faults[0] if faults else "")
