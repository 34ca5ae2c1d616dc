"""Folders that version 0.1 wrote are judged and reported by today's commands as they stand; what would execute their
chain again is refused in one sentence that names the version that does, and so are folders of a later format."""

from __future__ import annotations

import csv
import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from consortium import __version__
from consortium.commands import app
from consortium.lab import load
from consortium.simulation.costs.profile import ProfileError, load_profile
from nodes.errors import UserError
from nodes.process.inputs import read_inputs
from nodes.process.settings import NodeFolder, read_settings
from nodes.process.store import SqliteRows
from tests.optional import needs

OLD = Path(__file__).resolve().parents[2] / "fixtures" / "v0_1"
Say = Callable[..., tuple[object, str]]


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("v0_1")
    for archive in sorted(OLD.glob("*.tar.xz")):
        with tarfile.open(archive) as tar:
            tar.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.3 and older have none
            tar.extractall(folder)
    return folder


@pytest.fixture
def old(unpacked: Path, tmp_path: Path) -> Path:
    """Copies, for commands write into a run's folder."""
    for folder in sorted(unpacked.iterdir()):
        shutil.copytree(folder, tmp_path / folder.name)
    return tmp_path


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run `consortium` with these words: the exit status, and all that it said on one line."""

    def run(*words: object) -> tuple[object, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            app.main([str(word) for word in words])
        captured = capsys.readouterr()
        return left.value.code, " ".join((captured.out + captured.err).split())

    return run


def doctor(path: Path, **fields: object) -> None:
    content = msgspec.json.decode(path.read_bytes())
    path.write_bytes(msgspec.json.encode({**content, **fields}))


def figures_of(folder: Path) -> dict[str, tuple[str, str]]:
    """By name: value and unit."""
    with (folder / "measures.csv").open(newline="", encoding="utf-8") as file:
        return {row["name"]: (row["value"], row["unit"]) for row in csv.DictReader(file)}


@pytest.mark.parametrize("name", ["simulated", "recorded"])
def test_a_run_of_the_first_version_is_judged_and_reported(old: Path, say: Say, name: str) -> None:
    status, told = say("check", old / name)
    assert status in (0, None) and "All checks hold." in told
    before = figures_of(old / name)
    assert say("report", old / name)[0] in (0, None)
    assert re.search(r"All \d+ checks hold\.", (old / name / "report.html").read_text(encoding="utf-8"))
    assert before.items() <= figures_of(old / name).items(), "what was measured then is measured so today"


REFUSED = "of format 1, which consortium 0.1 executes; this version executes format 3"


@pytest.mark.parametrize(
    "words",
    [
        ("verify", "simulated/nodes/hospital-1"),
        ("verify", "recorded/nodes/hospital-1"),
        ("replay", "recorded", "hospital-1"),
        ("prove", "simulated", "header", "3"),
    ],
    ids=" ".join,
)
def test_a_chain_of_the_first_version_is_not_executed_again_and_the_version_that_does_is_named(
    old: Path, say: Say, words: tuple[str, ...]
) -> None:
    status, told = say(words[0], old / words[1], *words[2:])
    assert status == 2 and told.endswith(REFUSED) and "Traceback" not in told and told.count(".") < 12


def test_a_node_of_a_run_of_the_first_version_does_not_start(old: Path) -> None:
    folder = NodeFolder(old / "recorded", "hospital-1")
    with pytest.raises(UserError, match=REFUSED):
        read_inputs(folder, read_settings(folder.settings))


def test_a_ledger_of_the_first_version_is_opened_to_read_and_never_to_write(old: Path) -> None:
    path = old / "recorded" / "nodes" / "hospital-1" / "ledger.sqlite"
    rows = SqliteRows(path, read_only=True)
    assert rows.get("meta", b"head")
    rows.close()
    with pytest.raises(UserError, match=r"ledger of format 1, which consortium 0\.1 executes"):
        SqliteRows(path)


def test_runs_of_the_first_version_are_compared(old: Path, say: Say) -> None:
    status, told = say("compare", old / "simulated", old / "recorded", "--out", old / "compared")
    assert status in (0, None) and "simulated: All checks hold." in told
    assert (old / "compared" / "comparison.html").is_file()


@needs("pandas", "pyarrow")
def test_a_sweep_of_the_first_version_is_drawn_and_loaded(old: Path, say: Say) -> None:
    assert say("report", old / "swept")[0] in (0, None)
    assert "n = 7" in (old / "swept" / "report.html").read_text(encoding="utf-8")
    assert len(load(old / "swept")) == 4
    assert set(load(old / "simulated")["name"]) >= {"throughput", "latency_p50"}


def test_a_profile_of_the_first_version_is_read(tmp_path: Path) -> None:
    assert load_profile(OLD / "profile.json").cores == 2
    shutil.copy(OLD / "profile.json", tmp_path / "profile.json")
    doctor(tmp_path / "profile.json", format=99)
    with pytest.raises(ProfileError, match="profile of format 99; this version reads format 1"):
        load_profile(tmp_path / "profile.json")


@pytest.mark.parametrize(
    "words", [("check",), ("report",), ("compare", "recorded"), ("replay", "hospital-1")], ids=lambda words: words[0]
)
def test_a_run_of_a_later_format_is_refused_in_one_sentence(old: Path, say: Say, words: tuple[str, ...]) -> None:
    doctor(old / "simulated" / "verdict.json", format=99, version="7.1")
    folders = [old / "simulated", *(old / word if word == "recorded" else word for word in words[1:])]
    status, told = say(words[0], *folders)
    assert status == 2, told
    assert told.endswith(
        f"run of format 99, written by consortium 7.1; this is consortium {__version__}, which reads format 1"
    )
    assert "Traceback" not in told


def test_a_run_that_says_its_format_itself_is_believed_before_its_verdict(old: Path, say: Say) -> None:
    (old / "simulated" / "format.json").write_text('{"format": 99, "version": "7.1"}')
    assert "run of format 99, written by consortium 7.1" in say("check", old / "simulated")[1]
    (old / "simulated" / "format.json").unlink()
    (old / "simulated" / "verdict.json").unlink()  # of a run of 0.1 that was cut off
    assert say("check", old / "simulated")[0] in (0, None)


def test_a_sweep_of_a_later_format_is_refused_in_one_sentence(old: Path, say: Say) -> None:
    doctor(old / "swept" / "plan.json", format=99, version="7.1")
    status, told = say("report", old / "swept")
    assert status == 2 and "sweep of format 99, written by consortium 7.1" in told and "Traceback" not in told
