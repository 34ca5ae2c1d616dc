"""One standing consortium under load, whose nodes change from an older version of the program to this one, one at a
time: nothing is lost, and nobody is shut out.

The older version is the newest tag whose format is ours; else the last commit whose program differs from this one's; or
what CONSORTIUM_OLDER_VERSION names. It lies in a folder of its own, with the libraries that are installed here.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from consortium.commands.folders import load_told
from consortium.contracts.insurance.bill import Number
from consortium.core.codec import encode
from consortium.core.crypto import SUITES
from consortium.core.format import FORMAT
from consortium.core.transaction import Bundles, decode_call
from consortium.lab.checks.ledgers import executed_in
from consortium.runs.run import blocks
from nodes.deploy.look import ask_status
from nodes.process.door_client import ask_door
from nodes.process.door_frames import DoorClosed, DoorError, door_path
from nodes.process.settings import NodeFolder
from tests.optional import needs

pytestmark = [pytest.mark.live, pytest.mark.drill, needs("history")]  # `make drill`

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("bureau", "hospital-1", "hospital-2", "regulator")
HOSPITALS = NAMES[1:3]
MAIN = "from consortium.commands.app import main; main()"


def _git(*words: str) -> str:
    return subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True).stdout.strip()


def _older() -> str:
    """The commit of the older version."""
    if named := os.environ.get("CONSORTIUM_OLDER_VERSION"):
        return named
    for tag in _git("tag", "--sort=-creatordate").split():
        if _format_of(tag) == FORMAT:
            return tag
    last = _git("log", "-2", "--format=%H", "--", "consortium", "nodes").split()
    return last[-1]


def _format_of(commit: str) -> int:
    """Of its chain; 1 where it has no file that says so."""
    if not _git("ls-tree", commit, "consortium/core/format.py"):
        return 1
    found = re.search(r"^FORMAT = (\d+)", _git("show", f"{commit}:consortium/core/format.py"), re.M)
    assert found is not None
    return int(found[1])


class Version:
    """A version of the program in its folder."""

    def __init__(self, source: Path) -> None:
        self.environment = {**os.environ, "PYTHONPATH": str(source)}

    def run(self, *words: str | Path) -> str:
        said = subprocess.run(
            [sys.executable, "-P", "-c", MAIN, *map(str, words)],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.returncode == 0, f"{words}: {said.stdout}{said.stderr}"
        return said.stdout

    def node(self, folder: Path, name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "nodes", str(folder), name],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@pytest.fixture
def versions(tmp_path: Path) -> tuple[Version, Version]:
    """The older one, and this one."""
    commit = _older()
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", commit, "consortium", "nodes", "scenarios"], capture_output=True, check=True
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(tmp_path / "older", filter="data")
    return Version(tmp_path / "older"), Version(ROOT)


class Load:
    """Wishes at whichever hospital answers, until it is told to end. `given`: what a node said that it has taken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_over = threading.Event()
        self.given: list[str] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._is_over.wait(0.05):
            number += 1
            member = HOSPITALS[number % 2]
            bill = f"i-{member}-{number}"
            call = ["bill", "number", encode(Number(f"i-{member}", bill))]
            door = door_path(NodeFolder(self._folder, member))
            with contextlib.suppress(DoorClosed, DoorError, OSError):  # it is being changed: nothing was taken
                ask_door(door, "wish", reference=f"number:{bill}", calls=[call])
                self.given.append(bill)


def _wait(holds: Callable[[], bool], seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.1)


def _height(folder: Path, name: str) -> int:
    told = ask_status(NodeFolder(folder, name))
    return -1 if told is None or not told["is_live"] else int(told["height"])


def _executed(folder: Path) -> list[str]:
    """The bills of all that were numbered with success, as the fullest ledger has them."""
    run = load_told(folder)
    fullest = run.fullest
    assert fullest is not None
    bundles = Bundles(run.genesis.chain, SUITES[run.genesis.suite]())
    found = []
    for block in blocks(fullest.rows):
        for executed in executed_in(block, bundles, is_trusted=True) if block.height else ():
            call = decode_call(executed.transaction)
            if (call.contract, call.operation) == ("bill", "number") and executed.receipt.is_ok:
                found.append(bytes(call.arguments).decode("latin-1"))
    return found


@pytest.fixture
def stood(versions: tuple[Version, Version], tmp_path: Path) -> Iterator[Path]:
    """A consortium that the older version has made and brought up."""
    folder = tmp_path / "c"
    versions[0].run("up", "--dir", folder, "--members", "bureau=1,hospital=2,regulator=1")
    yield folder
    for version in versions:
        with contextlib.suppress(AssertionError):
            version.run("down", "--dir", folder)


def test_nodes_change_to_this_version_one_at_a_time_under_load_and_nothing_is_lost(
    versions: tuple[Version, Version], stood: Path
) -> None:
    older, newer = versions
    changed: list[subprocess.Popen[bytes]] = []
    try:
        with Load(stood) as load:
            _wait(lambda: len(load.given) > 20)
            for name in NAMES:
                older.run("kill", name, "--dir", stood)
                goal = max(_height(stood, other) for other in NAMES)
                changed.append(newer.node(stood, name))
                _wait(lambda: _height(stood, name) >= goal, 60)  # noqa: B023 - it is asked at once
                so_far = len(load.given)
                _wait(lambda: len(load.given) > so_far + 20)  # noqa: B023
        _wait(lambda: len({_height(stood, name) for name in NAMES}) == 1)
    finally:
        for process in changed:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(30) for process in changed]
    assert codes == [0, 0, 0, 0]
    older.run("down", "--dir", stood)
    newer.run("up", "--dir", stood)
    with Load(stood) as after:
        _wait(lambda: len(after.given) > 20)
    _wait(lambda: len({_height(stood, name) for name in NAMES}) == 1)
    newer.run("down", "--dir", stood)
    told = newer.run("check", stood)
    assert "A SAFETY CHECK FAILED" not in told
    executed = _executed(stood)
    lost = [bill for bill in load.given if not any(bill in each for each in executed)]
    assert lost == [] and len(executed) == len(set(executed)) >= len(set(load.given))
    run = load_told(stood)
    assert not run.records.of_kind("shut_out"), "a message that only one version knows is no offence"
    assert not run.records.of_kind("diverged", "rules_missing", "contract_failed")
