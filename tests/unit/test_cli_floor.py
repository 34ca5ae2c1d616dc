"""The floor that a person stands on: a terminal that fails changes no verdict, and what is printed can be used."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from consortium.commands import app as cli
from consortium.commands.folders import save_ledger, save_vault
from consortium.commands.list import read_listed
from consortium.commands.tables import Column, show_table
from consortium.lab.checks.claims import judge
from consortium.lab.measures.measures import measure
from consortium.lab.pages.results import write_results
from consortium.runs.folder import lock_refused, write_simulated
from nodes.process.store import SqliteRows
from tests.optional import needs
from tests.unit.lab.made_up_run import made_up_run

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run, with a blank and Chinese letters in its path."""
    folder = tmp_path_factory.mktemp("a run") / "运行 1"
    run = made_up_run()
    write_simulated(folder, run, save_ledger, save_vault)
    write_results(folder, run, judge(run), measure(run.trace))
    return folder


def started(*words: object, **environment: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "consortium", *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_a_reader_that_goes_away_changes_no_status(kept: Path) -> None:
    with started("check", kept) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()  # nobody reads: the first write fails
        said = process.stderr.read()
        assert process.wait(60) == 0, said
        assert said == b""


def test_an_encoding_without_chinese_letters_gets_english_and_is_told(kept: Path) -> None:
    process = started("--lang", "zh", "check", kept, PYTHONIOENCODING="ascii", COLUMNS="20")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert b"holds" in out and b"Traceback" not in err
    assert b"ascii has no letters for it: English" in err
    assert b"??" not in out


@needs("linux")  # which has a /dev/full
def test_a_full_disk_behind_stdout_is_told_and_is_exit_2() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "consortium", "--version"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 2
    assert b"could not be written: No space left on device" in done.stderr


def say(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        cli.main([str(word) for word in words])
    said = capsys.readouterr()
    assert isinstance(left.value.code, int)
    return left.value.code, said.out, said.err


def test_json_is_one_document_and_nothing_else(
    kept: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    status, out, _ = say(capsys, "list", "--json")
    listed = json.loads(out)["scenarios"]
    assert status == 0 and {"name", "path", "question", "members", "virtual_seconds_max"} == set(listed[0])
    status, out, _ = say(capsys, "check", kept, "--json")
    assert status == 0 and json.loads(out) == json.loads((kept / "verdict.json").read_bytes())
    status, out, _ = say(capsys, "verify", kept / "nodes" / "depot", "--json")
    found = json.loads(out)
    assert status == 1 and found["is_sound"] is False and found["fault"].startswith("height ")
    other = kept.with_name("other")
    shutil.copytree(kept, other, dirs_exist_ok=True)
    status, out, _ = say(capsys, "compare", kept, other, "--json")
    found = json.loads(out)
    assert status == 0 and len(found["runs"]) == 2 and found["settings"] == []
    assert {"name", "unit", "what", "values", "ratios"} == set(found["figures"][0])
    status, out, err = say(capsys, "compare", kept, other, "--json", "--out", "x")
    assert status == 2 and out == "" and "--json" in err


def test_list_is_narrowed_by_folder_and_by_word(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    names = [each["name"] for each in json.loads(say(capsys, "list", "attacks", "--json")[1])["scenarios"]]
    assert names and all(name.startswith("attacks/") for name in names)
    few = json.loads(say(capsys, "list", "--filter", "snapshot", "--json")[1])["scenarios"]
    assert 0 < len(few) < len(names)
    assert all("snapshot" in f"{each['name']} {each['question']}".casefold() for each in few)
    status, _, err = say(capsys, "list", "--filter", "zebra")
    assert status == 2 and "no scenario speaks of 'zebra'" in err


@pytest.mark.parametrize(
    ("members", "count"),
    [
        ("(M('a'), M('b'))", 2),
        ("tuple(M(f'n-{i}') for i in range(1, 8))", 7),
        ("tuple(M(name) for name in NAMES)", 3),
        ("(*(M(n) for n in NAMES), M('d'))", 4),
        ("tuple(M(i) for i in range(N))", 5),
        ("made()", None),
        ("tuple(M(i) for i in range(9) if i % 2)", None),
    ],
)
def test_the_size_of_a_scenario_is_read_without_running_it(tmp_path: Path, members: str, count: int | None) -> None:
    path = tmp_path / "s.py"
    path.write_text(
        f'"""Why?"""\nraise SystemExit(3)\nNAMES = ("a", "b", "c")\nN = 5\n'
        f"SCENARIO = Scenario(members={members}, stop=Stop(limit_us=12_000_000))\n"
    )
    listed = read_listed("s", path)
    assert (listed.members, listed.seconds_max) == (count, 12.0)


@pytest.mark.parametrize("width", [1, 20, 40, 80, 200])
def test_a_table_cuts_no_word_at_any_width(width: int) -> None:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    rows = [("attacks/slow_leader", "4", "what does that cost the others?")]
    show_table(console, (Column("scenario"), Column("members", True), Column("question")), rows)
    said = str(console.file.getvalue())  # type: ignore[attr-defined]
    letters = "".join(said.split())
    assert "attacks/slow_leader" in letters and "whatdoesthatcosttheothers?" in letters and "…" not in letters


def test_a_printed_command_can_be_pasted(kept: Path) -> None:
    lines = [line.strip() for line in (kept / "README.md").read_text(encoding="utf-8").splitlines()]
    printed = [shlex.split(line, comments=True) for line in lines if line.startswith("consortium ")]
    assert [words[1] for words in printed] == ["check", "report", "verify", "view", "ask", "prove"]
    assert all(Path(words[2].removesuffix("/nodes/NAME")) == kept for words in printed)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def crashed_copy(kept: Path, folder: Path) -> Path:
    """A run whose node depot was killed: its last writes are in the log beside the ledger."""
    shutil.copytree(kept, folder)
    ledger = folder / "nodes" / "depot" / "ledger.sqlite"
    rows = SqliteRows(ledger)
    rows._writer.execute("DELETE FROM meta WHERE key = x'00'")
    rows._writer.execute("INSERT INTO meta VALUES (x'00', x'01')")
    wal, main = Path(f"{ledger}-wal").read_bytes(), ledger.read_bytes()
    rows.close()
    ledger.write_bytes(main)
    Path(f"{ledger}-wal").write_bytes(wal)
    return ledger


def test_verify_writes_nothing_beside_a_ledger_with_a_log(
    kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = crashed_copy(kept, tmp_path / "crashed")
    before = digests(tmp_path / "crashed")
    assert "ledger.sqlite-wal" in " ".join(before)
    say(capsys, "verify", ledger)
    assert digests(tmp_path / "crashed") == before
    reader = SqliteRows(ledger, read_only=True)
    assert reader.get("meta", b"\x00") == b"\x01", "what is in the log alone is read"
    reader.close()


def test_a_ledger_that_was_copied_without_its_log_is_told_so(
    kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = crashed_copy(kept, tmp_path / "crashed")
    Path(f"{ledger}-wal").unlink()
    trace = tmp_path / "crashed" / "trace.jsonl"
    text = trace.read_text(encoding="utf-8")
    assert "was not copied with it" not in say(capsys, "check", tmp_path / "crashed")[2], "nothing is missing yet"
    more = '{"t_us":99000000,"node":"depot","kind":"executed","height":9999,"transactions":1,"refused":0}\n'
    trace.write_text(text + more, encoding="utf-8")
    err = say(capsys, "check", tmp_path / "crashed")[2]
    assert "but its node executed 9999: its log (ledger.sqlite-wal) was not copied with it" in err
    assert say(capsys, "check", kept)[2] == "", "a ledger that its node closed lacks nothing"


def test_figures_are_drawn_elsewhere_from_a_folder_that_is_read_only(
    kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests(kept)
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (kept, os.W_OK) and may(path, mode))
    status, out, err = say(capsys, "report", kept, "--figures", tmp_path / "drawn")
    assert status == 0, err
    assert "figures: " in out and "is read-only" in err
    assert digests(kept) == before and (tmp_path / "drawn" / "figures.html").is_file()


def test_a_file_system_without_locks_is_told_apart_from_a_lock_that_is_taken() -> None:
    import errno

    assert lock_refused(Path("x"), OSError(errno.EAGAIN, "again"), "taken") == "taken"
    assert "without locks (No locks available)" in lock_refused(
        Path("x"), OSError(errno.ENOLCK, "No locks available"), "taken"
    )
