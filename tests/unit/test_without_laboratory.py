"""A node, its broker and the commands of a standing consortium do without the laboratory's libraries (extra `lab`)."""

import subprocess
import sys
import tomllib
from pathlib import Path

from consortium.commands.laboratory import LIBRARIES

HIDING = """
import sys
from importlib.machinery import PathFinder
class Hiding(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {hidden} else super().find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(PathFinder)] = Hiding
"""
PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


def without_laboratory(program: str) -> subprocess.CompletedProcess[str]:
    hiding = HIDING.replace("{hidden}", repr(set(LIBRARIES)))
    return subprocess.run(
        [sys.executable, "-c", hiding + program], capture_output=True, text=True, check=False, cwd=PYPROJECT.parent
    )


def consortium(*words: str) -> subprocess.CompletedProcess[str]:
    return without_laboratory(f"from consortium.commands.app import main\nmain({list(words)!r})")


def test_whatever_runs_in_a_container_is_imported_without_them() -> None:
    """Every module of `nodes` but the calibration, which is the laboratory's."""
    program = """
import importlib, pathlib
for path in sorted(pathlib.Path("nodes").rglob("*.py")):
    parts = path.with_suffix("").parts
    if "calibration" not in parts:
        importlib.import_module(".".join(part for part in parts if part != "__init__"))
print("all of it")
"""
    done = without_laboratory(program)
    assert done.stdout == "all of it\n", done.stderr


def test_a_command_that_needs_them_says_in_one_sentence_what_to_install() -> None:
    for words in (["report", "runs/RUN", "--figures", "x"], ["sweep", "claim_day"]):
        done = consortium(*words)
        assert done.returncode == 2
        assert done.stdout == ""
        assert "pip install 'consortium[lab]'" in done.stderr
        assert done.stderr.count("\n") == 1


def test_the_list_of_commands_says_which_are_not_here() -> None:
    done = consortium("--help")
    assert done.returncode == 0, done.stderr
    assert "verify-proof" in done.stdout
    assert "Not here" in done.stdout


def test_the_libraries_of_the_laboratory_are_those_of_its_extra_and_no_others_need_them() -> None:
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    named = [requirement.partition(">")[0].lower() for requirement in project["optional-dependencies"]["lab"]]
    assert sorted(named) == sorted(LIBRARIES)
    assert not [line for line in project["dependencies"] if line.lower().startswith(tuple(LIBRARIES))]
