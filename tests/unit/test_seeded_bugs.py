"""The catalogue of seeded bugs does not rot, and its runner tells a caught bug from a broken patch. `make seeded-bugs`
runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.seeded_bugs.bug import SeededBug
from tests.seeded_bugs.catalogue import BUGS
from tests.seeded_bugs.trial import CONSENSUS_TESTS, ROOT, read_report


@pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])
def test_every_seeded_bug_still_fits_todays_source(bug: SeededBug) -> None:
    assert bug.seed((ROOT / bug.file).read_text(encoding="utf-8")), bug.name
    assert bug.rule.endswith(".") and "(" in bug.rule, "a sentence, and the section that says so"
    assert bug.tests and all((ROOT / test.partition("::")[0]).exists() for test in bug.tests)


def names_that_mean_nothing(patched: dict[str, str], folder: Path) -> list[str]:
    """Of these sources, by name: those that use a name which is not there, so that any test at all would fail."""
    for name, source in patched.items():
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821", "--output-format", "concise"]
    said = subprocess.run([*command, str(folder)], capture_output=True, text=True, check=False)
    assert said.returncode in (0, 1), said.stderr
    return sorted({Path(line.partition(":")[0]).stem for line in said.stdout.splitlines() if "F821" in line})


def test_no_seeded_bug_uses_a_name_that_is_not_there(tmp_path: Path) -> None:
    """Was: `make seeded-bugs` alone told of one whose line had moved away from its names."""
    patched = {bug.name: bug.seed((ROOT / bug.file).read_text(encoding="utf-8")) for bug in BUGS}
    control = {"a-control": "def share() -> int:\n    return count\n"}
    assert names_that_mean_nothing(patched | control, tmp_path) == ["a-control"]


def test_there_are_enough_and_each_has_a_name_of_its_own() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 32
    assert all((ROOT / test).exists() for test in CONSENSUS_TESTS)


def test_a_bug_whose_place_is_gone_or_not_the_only_one_is_named() -> None:
    bug = SeededBug("a-name", "A rule (of ours).", "file.py", "x = 1", "x = 2", ("tests",))
    assert bug.seed("x = 1\n") == "x = 2\n"
    for source, broken in (("", bug), ("x = 1\nx = 1\n", bug), ("x = 1\n", bug._replace(new="x ="))):
        with pytest.raises(ValueError, match="a-name"):
            broken.seed(source)


def promises() -> list[str]:
    """The rows of the table of promises in docs/consensus.md."""
    page = (ROOT / "docs" / "consensus.md").read_text(encoding="utf-8")
    table = page.partition("## What is promised")[2].partition("## What is not promised")[0]
    return [line for line in table.splitlines() if line.startswith("| ") and "`" in line]


@pytest.mark.parametrize("row", promises(), ids=[row[2:40] for row in promises()])
def test_every_promise_names_tests_that_exist_and_bugs_that_these_catch(row: str) -> None:
    named = re.findall(r"`([^`]+)`", row)
    tests = [name for name in named if name.endswith(".py")]
    files = {path.name for path in (ROOT / "tests").rglob("*.py")}
    assert tests and all((ROOT / name).exists() if "/" in name else name in files for name in tests)
    known = {bug.name: bug for bug in BUGS}
    bugs = [known[name] for name in re.findall(r"`([a-z0-9-]+)`", row.rsplit("|", 2)[1])]
    shown = {Path(name).name for name in tests}
    assert bugs and all(shown & {Path(test.partition("::")[0]).name for test in bug.tests} for bug in bugs)


REPORT = """<testsuites><testsuite tests="2"><testcase classname="tests.unit.test_a" name="test_one"/>
<testcase classname="tests.unit.test_a" name="test_two">{}</testcase></testsuite></testsuites>"""


@pytest.mark.parametrize(
    ("inside", "status", "test", "fault"),
    [
        ("", 0, "", ""),
        ('<failure message="AssertionError: assert 1 == 2"/>', 1, "tests/unit/test_a.py::test_two", ""),
        ('<failure message="NameError: no such name"/>', 1, "tests/unit/test_a.py::test_two", "the patch itself is"),
        ('<error message="collection failure"/>', 2, "tests/unit/test_a.py::test_two", "the patch itself is broken"),
        ("", 5, "", "pytest could not run"),
        ("", 1, "", "no test ran"),
    ],
)
def test_only_a_failing_claim_counts_as_catching(
    tmp_path: Path, inside: str, status: int, test: str, fault: str
) -> None:
    path = tmp_path / "report.xml"
    path.write_text(REPORT.format(inside))
    said = read_report(path, status, "the last line")
    assert said.test == test and said.fault.startswith(fault) and bool(said.fault) == bool(fault)
    assert said.passed == (2 if not test and not fault else 0)
