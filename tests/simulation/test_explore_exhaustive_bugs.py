"""Bugs seeded into a copy of the source are found by an exhaustive search of a small scope, by a shortest trace."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.seeded_bugs.catalogue import BUGS
from tests.seeded_bugs.trial import ROOT


def searched(tree: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What the command of this tree says."""
    start = "import sys; from consortium.commands.app import main; sys.argv[0] = 'consortium'; main()"
    scope = [part for word in words for part in ("--scope", word)]
    command = [sys.executable, "-c", start, "explore", "--exhaustive", *scope]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=280, check=False)


@pytest.mark.parametrize(
    ("name", "words", "claim", "acts"),
    [
        ("second-order-of-a-view-voted-for", ("views=1", "liar=m0"), "votes once", 2),
        ("prepare-said-before-it-is-durable", ("views=1", "liar=m0", "crashes=1"), "votes once", 4),
        ("damaged-log-votes-on", ("views=1", "lost=m0"), "votes once", 4),
    ],
)
def test_a_seeded_bug_is_found_by_a_shortest_trace(
    name: str, words: tuple[str, ...], claim: str, acts: int, tmp_path: Path
) -> None:
    bug = next(bug for bug in BUGS if bug.name == name)
    shutil.copytree(ROOT / "consortium", tmp_path / "consortium", ignore=shutil.ignore_patterns("__pycache__"))
    place = tmp_path / bug.file
    place.write_text(bug.seed(place.read_text(encoding="utf-8")), encoding="utf-8")
    said = searched(tmp_path, *words)
    assert said.returncode == 1, said.stdout + said.stderr
    assert f"\n{claim}: " in said.stdout
    assert len(re.findall(r"^ +\d+\. (?!.* boots: )", said.stdout, re.M)) == acts, said.stdout
