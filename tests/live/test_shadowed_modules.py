"""A user's own files bear any name: none in the working directory takes the place of a module that we mean."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from consortium.core.genesis import Parameters
from consortium.runs.folder import encode_scenario
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

pytestmark = pytest.mark.live
ROOT = Path(__file__).resolve().parents[2]
ENTRY = "from consortium.__main__ import main; main()"
OURS = ("random.py", "nodes.py", "json.py", "asyncio.py", "msgspec.py", "pickle.py", "tempfile.py")
AS_MODULE = ("-m", "consortium")
AS_SCRIPT = ("-P", "-c", ENTRY)  # as the installed `consortium` is started: the working directory is not on its path


SMALL = Scenario(
    name="small",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    parameters=Parameters(timer_base_us=5_000_000),
    workload=Workload("settlement_load", {"transactions": 16, "bundle": 2, "persons": 5}),
    stop=Stop(limit_us=100_000_000),
)


def shadowed(folder: Path, names: Sequence[str]) -> Path:
    """A working directory in which each of these modules, if it is imported, ends whatever imports it."""
    for name in names:
        (folder / name).write_text(f"raise RuntimeError('{name} of the working directory was imported')\n")
    (folder / "small.json").write_bytes(encode_scenario(SMALL))
    return folder


def python(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONSAFEPATH"}
    environment["PYTHONPATH"] = str(ROOT)
    command = [sys.executable, *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("start", "names"),
    [
        pytest.param(AS_MODULE, OURS, id="module"),
        pytest.param(AS_SCRIPT, (*OURS, "consortium.py"), id="script", marks=pytest.mark.nightly),
    ],
)
def test_a_local_run_takes_no_module_from_the_working_directory(
    tmp_path: Path, start: tuple[str, ...], names: tuple[str, ...]
) -> None:
    folder = shadowed(tmp_path, names)
    done = python(folder, *start, "run", "small.json", "--out", "out")
    assert done.returncode == 0, done.stdout + done.stderr
    logs = "".join(path.read_text() for path in (folder / "out").rglob("log.txt"))
    assert "was imported" not in logs + done.stderr


def test_workers_take_no_module_from_the_working_directory(tmp_path: Path) -> None:
    words = ("explore", "--seeds", "2", "--processes", "2", "--out", "out")
    done = python(shadowed(tmp_path, OURS), *AS_MODULE, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "was imported" not in done.stderr


def test_a_node_started_by_hand_takes_no_module_from_the_working_directory(tmp_path: Path) -> None:
    names = [name for name in OURS if name != "nodes.py"]  # Python itself finds that one in the place of ours
    done = python(shadowed(tmp_path, names), "-m", "nodes", "nowhere", "node-1")
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert "name the folder of a run" in done.stderr


def test_positive_control_such_a_module_ends_what_imports_it(tmp_path: Path) -> None:
    done = python(shadowed(tmp_path, OURS), "-c", "import random")
    assert done.returncode == 1 and "random.py of the working directory was imported" in done.stderr
