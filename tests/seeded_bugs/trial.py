"""One trial: a copy of the tree, perhaps with a bug in it, and what our tests say of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from .bug import SeededBug

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = (".git", ".venv", "runs", "build", "dist", "__pycache__", ".hypothesis", "*.egg-info", ".*_cache", "htmlcov")
NARROW_SECONDS_MAX = 180.0
WIDE_SECONDS_MAX = 900.0

# What speaks of consensus, the quickest first: for a bug that the tests expected to catch it do not.
CONSENSUS_TESTS = (
    "tests/unit/pbft",
    "tests/unit/protocols",
    "tests/unit/hotstuff",
    "tests/unit/core",
    "tests/unit/node",
    "tests/unit/ledger",
    "tests/unit/contracts/test_governance.py",
    "tests/unit/nodes/test_carrier.py",
    "tests/unit/nodes/test_store.py",
    "tests/unit/nodes/test_vote_log.py",
    "tests/unit/behaviours",
    "tests/property/test_pbft_hostile_messages.py",
    "tests/property/test_ledger_hostile.py",
    "tests/property/test_ledger_verify.py",
    "tests/simulation",
)

# The patch is at fault, not caught: what a name that is not there raises.
PATCH_FAULTS = (
    "SyntaxError",
    "IndentationError",
    "ImportError",
    "ModuleNotFoundError",
    "NameError",
    "UnboundLocalError",
)

LAUNCH = """
import sys, consortium, nodes, pytest
tree = sys.argv[1]
for room in (consortium, nodes):
    if not room.__file__.startswith(tree):
        sys.exit(f"{room.__file__} is not of the copy {tree}")
sys.exit(pytest.main(sys.argv[2:]))
"""

_running: dict[int, subprocess.Popen[bytes]] = {}


class Said(NamedTuple):
    """What pytest said: `passed` of the tests passed; `test` failed first, with these words. `fault`: why this is no
    judgement at all (nothing could be collected, no time left)."""

    passed: int
    test: str
    words: str
    fault: str


class Verdict(NamedTuple):
    """`test` caught the bug, "" if none did; `is_wide`: only after the tests expected to had passed."""

    bug: SeededBug
    test: str
    words: str
    fault: str
    is_wide: bool
    seconds: float

    @property
    def is_caught(self) -> bool:
        return bool(self.test) and not self.fault


def try_bug(bug: SeededBug) -> Verdict:
    """Seed it, and run the tests until one fails. Raises ValueError where its place in the source is gone."""
    began = time.monotonic()
    seeded = bug.seed((ROOT / bug.file).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="seeded-bug-") as folder:
        tree = _copy(Path(folder))
        (tree / bug.file).write_text(seeded, encoding="utf-8")
        said, is_wide = _run(tree, bug.tests, NARROW_SECONDS_MAX), False
        if not said.test and not said.fault:
            said, is_wide = _run(tree, CONSENSUS_TESTS, WIDE_SECONDS_MAX), True
    return Verdict(bug, said.test, said.words, said.fault, is_wide, time.monotonic() - began)


def try_nothing(tests: Sequence[str]) -> Said:
    """The positive control: the same tests on a copy with no bug in it."""
    with tempfile.TemporaryDirectory(prefix="seeded-bug-") as folder:
        return _run(_copy(Path(folder)), tests, WIDE_SECONDS_MAX)


def end_all() -> None:
    """Kill what still runs."""
    for process in list(_running.values()):
        _kill(process)


def _copy(folder: Path) -> Path:
    tree = folder.resolve() / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*LEFT_OUT), symlinks=True)
    return tree


def _run(tree: Path, tests: Sequence[str], seconds_max: float) -> Said:
    report = tree.parent / "report.xml"
    report.unlink(missing_ok=True)
    options = ["-x", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCH, str(tree), *options, *tests],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    _running[process.pid] = process
    try:
        output = process.communicate(timeout=seconds_max)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        return Said(0, "", "", f"the tests did not end within {seconds_max:.0f} s")
    finally:
        _kill(process)
        _running.pop(process.pid, None)
    return read_report(report, process.returncode, output)


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.wait()


def read_report(report: Path, status: int, output: str) -> Said:
    """Judgement one run of pytest by its JUnit report and its exit status."""
    if status not in (0, 1, 2) or not report.exists():
        last = output.strip().splitlines()[-1:] or ["it said nothing"]
        return Said(0, "", "", f"pytest could not run: {last[0][:200]}")
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    for case in cases:
        found = next((child for child in case if child.tag in ("failure", "error")), None)
        if found is None:
            continue
        words = (found.get("message") or "").strip().splitlines()[0:1] or [""]
        name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name', '')}"
        is_fault = words[0] == "collection failure" or words[0].startswith(PATCH_FAULTS)
        return Said(0, name, words[0], f"the patch itself is broken: {words[0]}" if is_fault else "")
    passed = sum(all(child.tag not in ("skipped", "failure", "error") for child in case) for case in cases)
    if status != 0 or not passed:
        return Said(0, "", "", "no test ran")
    return Said(passed, "", "", "")
