"""A machine may lack programs: that is asked for in one place, and hidden programs are hidden from our code too."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nodes.broker.broker import check_broker
from nodes.broker.mosquitto import MOSQUITTO_VARIABLE
from nodes.errors import UserError
from tests import optional

TESTS = Path(__file__).resolve().parents[1]
ASKING = {"which", "skip", "skipif", "importorskip", "find_spec", "geteuid", "getuid", "find_mosquitto"}


def askings(text: str) -> list[str]:
    """Names by which a source asks whether something is installed, or skips; "pytest.mark.skipif" is `skipif`."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, (ast.Name, ast.Attribute)):
            is_module = ast.unparse(node.value) in ("shutil", "os", "importlib.util", "pytest", "pytest.mark")
            if is_module and node.attr in ASKING:
                found.append(node.attr)
        elif isinstance(node, ast.ImportFrom):
            found.extend(alias.name for alias in node.names if alias.name in ASKING)
    return found


def test_no_test_looks_for_a_program_by_itself() -> None:
    own = {TESTS / "optional.py", Path(__file__).resolve()}
    files = [path for path in sorted(TESTS.rglob("*.py")) if path not in own]
    found = {str(path.relative_to(TESTS)): askings(path.read_text(encoding="utf-8")) for path in files}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "text",
    [
        "import shutil\nx = shutil.which('mosquitto')",
        "from shutil import which",
        "import pytest\n@pytest.mark.skipif(True, reason='')\ndef test_x(): ...",
        "import pytest\npytest.skip('no broker')",
        "from nodes.broker.mosquitto import find_mosquitto",
    ],
)
def test_the_look_for_such_places_finds_each_kind(text: str) -> None:
    assert len(askings(text)) == 1


def test_a_hidden_program_is_hidden_from_tests_and_from_our_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").symlink_to(sys.executable)
    (tmp_path / "docker").symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(optional.VARIABLE, raising=False)
    monkeypatch.setenv(MOSQUITTO_VARIABLE, "")  # set, so that what `hide` does to it is undone
    assert optional.has("docker") and shutil.which("docker"), "positive control: it is there"
    monkeypatch.setenv(optional.VARIABLE, "mosquitto,docker")
    optional.hide()
    assert not optional.has("docker") and not optional.has("mosquitto")
    assert shutil.which("docker") is None and shutil.which("other") is not None
    with pytest.raises(UserError, match="not installed"):
        check_broker("mosquitto")
    assert optional.needs("docker", "linux").args == (True,)
    assert optional.needs("docker").kwargs["reason"] == "docker is not installed"


def test_a_program_that_nobody_knows_cannot_be_hidden() -> None:
    environment = {**os.environ, optional.VARIABLE: "moskito"}
    words = [sys.executable, "-c", "import optional; optional.hide()"]
    done = subprocess.run(words, cwd=TESTS, env={**environment, "PYTHONPATH": f"{TESTS}:{TESTS.parent}"},
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode == 1 and "CONSORTIUM_WITHOUT knows mosquitto, chromium" in done.stderr
