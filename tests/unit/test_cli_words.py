"""What a person gets for what they typed: exit status, one sentence, never a traceback."""

from __future__ import annotations

import errno
import re
import shutil
import sqlite3
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from consortium import __version__
from consortium.commands import app as cli
from consortium.commands import run as running
from consortium.commands.folders import save_ledger
from consortium.core.machine import Apply
from consortium.lab.checks.claims import judge
from consortium.lab.measures.measures import measure
from consortium.lab.pages.results import write_results
from consortium.runs import folder as run_folder
from consortium.runs.folder import write_simulated
from consortium.runs.run import Run
from consortium.runs.trace import write_trace
from nodes.process.store import SqliteRows
from tests.unit.lab.made_up_run import made_up_run

SMALL = '''"""Does a small consortium start?

More words."""
from consortium.scenario.scenario import MemberSpec, Scenario
SCENARIO = Scenario(name="small", members=(MemberSpec("a", "regulator"), MemberSpec("b", "regulator")))
'''


class Said:
    def __init__(self, status: object, out: str, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Run `consortium` with these words in a folder that holds a sound and a misspelt scenario."""
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "small.py").write_text(SMALL)
    (tmp_path / "scenarios" / "misspelt.py").write_text(SMALL.replace('"a", "regulator"', '"a", "hospitl"'))
    (tmp_path / "scenarios" / "loaded.py").write_text(
        SMALL.replace("import M", "import Workload, M")
        .replace('e="sm', 'e="w_', 1)
        .replace("SCENARIO = Scenario(", "SCENARIO = Scenario(workload=Workload('settlement_load'), ")
    )
    (tmp_path / "leaves.py").write_text("raise SystemExit(5)")
    (tmp_path / "beside.py").write_text(SMALL)
    monkeypatch.chdir(tmp_path)

    def saying(*words: object) -> Said:
        with pytest.raises(SystemExit) as left:
            cli.main([str(word) for word in words])
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Said(left.value.code, said.out, said.err)

    return saying


class Made(NamedTuple):
    """A run and the folder that it left: written once, copied for each test."""

    run: Run
    folder: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    run, folder = made_up_run(), tmp_path_factory.mktemp("made") / "run"
    write_simulated(folder, run, save_ledger)
    write_results(folder, run, judge(run), measure(run.trace))
    return Made(run, folder)


def keep(made: Made, folder: Path) -> Path:
    return shutil.copytree(made.folder, folder)


def test_version_and_help(say) -> None:  # type: ignore[no-untyped-def]
    assert say("--version").out == f"consortium {__version__}\n"
    for words in ([], ["run"], ["check"], ["verify"], ["report"], ["import"]):
        helped = say(*words, "--help")
        assert (helped.status == 0 and "Examples:" in helped.out) or "Example:" in helped.out


def test_list_shows_each_scenario_with_its_question(say) -> None:  # type: ignore[no-untyped-def]
    said = say("list")
    assert said.status == 0
    assert "small" in said.out and "Does a small consortium start?" in said.out and "More words" not in said.out


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run", "smal", "--on", "simulator"], "Did you mean 'small'?"),
        (["run", "nowhere/x.py"], "there is no scenario"),
        (["run", "small", "--on", "moon"], "expected `local`, `docker` or `simulator`"),
        (["run", "small", "--on", "simulator", "--broker", "mosquitto"], "real processes"),
        (["run", "small", "--on", "simulator", "--set", "parameters.windw=3"], "windw"),
        (["run", "misspelt", "--on", "simulator"], "did you mean 'hospital'"),
        (["run", "small", "--on", "simulator", "--set", "faults_tolerated=1"], "at least 4 validators"),
        (["check", "nowhere"], "no such folder"),
        (["report", "scenarios"], "has no scenario.json"),
        (["verify", "nowhere.sqlite"], "there is no nowhere.sqlite: name a ledger.sqlite"),
        (["verify", "nowhere.sqlite", "--at-least", "-1"], "--at-least"),
        (["import", "nowhere"], "no such folder"),
        (["run", "beside", "--on", "simulator"], "did you mean ./beside.py?"),
        (["import", "scenarios", "--out", "nowhere/x.json"], "nowhere/x.json: there is no folder nowhere"),
        (["run", "small", "--on", "simulator", "--seed", "-3"], "seed=-3"),
        (["run", "leaves.py", "--on", "simulator"], "SystemExit: 5"),
        (["run", "small", "--on", "simulator", "--set", "members.².name=x"], "'²' is not one of 0…1"),
        (["explore", "--minutes", "nan"], "--minutes and --seeds are above 0"),
        (["explore", "--first", "²", "--seeds", "1"], "--first ²: expected a number"),
        (["explore", "--replay", "²"], "expected a seed"),
        (["sweep", "leaves.py", "--repeat", "2"], "SystemExit: 5"),
        (["run", "small", "--on", "simulator", "--set", "name=../../x"], "name '../../x'"),
        (["run", "small", "--on", "simulator", "--set", "stop.limit_us=0"], "stop.limit_us=0: expected 1 or more"),
        (["run", "small", "--on", "simulator", "--out", "/proc/nowhere/x"], "/proc/nowhere"),
        (["run", "loaded", "--on", "simulator", "--set", "workload.options.transaction=5"], "mean 'transactions'?"),
        (["run", "loaded", "--on", "simulator", "--set", "workload.options.transactions=many"], "$.transactions"),
        (["run", "loaded", "--on", "simulator", "--set", "workload.options.persons=0"], "persons=0: expected 1"),
        (["run", "small", "--on", "simulator", "--set", "members.0.settings.outstanding=1"], "'outstanding_max'?"),
    ],
)
def test_a_mistake_is_one_sentence_on_stderr_and_exit_2(say, words: list[str], expected: str) -> None:  # type: ignore[no-untyped-def]
    said = say(*words)
    assert said.status == 2
    assert said.err.startswith("consortium: ") and expected in said.err
    assert said.err.count("\n") == 1
    assert not Path("runs").exists(), "nothing half-written"


@pytest.mark.parametrize("words", [["run"], ["run", "small", "--sed", "1"], ["fly"], ["run", "small", "--seed", "x"]])
def test_wrong_usage_is_exit_2(say, words: list[str]) -> None:  # type: ignore[no-untyped-def]
    assert say(*words).status == 2


def test_a_folder_that_holds_something_is_never_written_into(say) -> None:  # type: ignore[no-untyped-def]
    said = say("run", "small", "--on", "simulator", "--out", "scenarios")
    assert said.status == 2 and "not empty" in said.err
    assert sorted(path.name for path in Path("scenarios").iterdir()) == ["loaded.py", "misspelt.py", "small.py"]


def test_checking_a_sound_run_is_exit_0_and_a_doctored_one_exit_1(say, made: Made, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = keep(made, tmp_path / "made")
    assert say("check", folder).status == 0
    ledger = SqliteRows(folder / "nodes" / "depot" / "ledger.sqlite")
    ledger.commit([Apply(0, (("block", (40).to_bytes(8, "big"), b"another"),))])
    ledger.close()
    said = say("check", folder)
    assert said.status == 1
    assert "height 40" in said.out and "FAILS" in said.out


def test_a_run_without_the_ledgers_of_its_members_is_not_judged(say, made: Made, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = keep(made, tmp_path / "made")
    shutil.rmtree(folder / "nodes" / "depot")
    said = say("check", folder)
    assert said.status == 2 and "no ledger of depot" in said.err
    shutil.rmtree(folder / "nodes")
    said = say("check", folder)
    assert said.status == 2 and "no ledger of bureau, depot" in said.err


def test_a_run_that_executed_nothing_is_told_as_not_checked(say) -> None:  # type: ignore[no-untyped-def]
    said = say("run", "small", "--on", "simulator", "--out", "empty")
    assert said.status == 3
    assert "NOTHING WAS CHECKED" in said.out and "All checks hold" not in said.out
    said = say("check", "empty")
    assert said.status == 3 and "not checked" in said.out and "not asked" in said.out
    assert "NOTHING WAS CHECKED" in said.out.splitlines()[-1], "check ends as run does"
    assert "`consortium run empty --on simulator` repeats it" in Path("empty/README.md").read_text()


def test_two_runs_in_one_second_get_folders_of_their_own(say, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(running, "new_folders", lambda _: [Path("runs/x"), Path("runs/x-2")])
    say("run", "small", "--on", "simulator")
    say("run", "small", "--on", "simulator")
    assert (Path("runs/x/verdict.json").is_file(), Path("runs/x-2/verdict.json").is_file()) == (True, True)


def test_an_error_after_the_folder_was_taken_leaves_none(say, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    def full(path: Path, trace: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(run_folder, "write_trace", full)
    said = say("run", "small", "--on", "simulator", "--out", "a/b")
    assert said.status == 2 and "a/b/trace.jsonl: No space left on device" in said.err
    assert not Path("a").exists()


def test_a_second_ctrl_c_is_told_and_leaves_a_readme_that_tells_it_too(say, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    def interrupted(folder: Path, result: Run) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "finish", interrupted)
    said = say("run", "small", "--on", "simulator", "--out", "cut")
    assert said.status == 130 and "cut is not finished" in said.err
    assert "has not come to its end" in Path("cut/README.md").read_text()


def test_a_run_that_was_cut_off_is_judged_by_the_nodes_own_traces(say, made: Made, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = keep(made, tmp_path / "made")
    for name in made.run.ledgers:
        own = [record for record in made.run.trace if record["node"] == name]
        write_trace(folder / "nodes" / name / "trace.jsonl", own)
    (folder / "trace.jsonl").unlink()
    said = say("check", folder)
    assert said.status == 3 and "the nodes' own traces are joined" in said.err
    assert "Stopped before its end." in said.out and re.search("agreement +holds", said.out)


def test_a_run_that_ended_without_progress_is_exit_3(say, made: Made, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = keep(made, tmp_path / "made")
    trace = (folder / "trace.jsonl").read_bytes().replace(b'"verdict":"done"', b'"verdict":"no progress"')
    (folder / "trace.jsonl").write_bytes(trace)
    assert say("check", folder).status == 3


def test_report_writes_the_page_again(say, made: Made, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = keep(made, tmp_path / "made")
    (folder / "report.html").unlink()
    assert say("report", folder).status == 0
    assert (folder / "report.html").read_text().startswith("<!doctype html>")


def test_verify_names_the_height_and_the_record_of_a_fault(say, made: Made, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = keep(made, tmp_path / "made")  # no real certificates in it: not sound
    said = say("verify", folder / "nodes" / "depot")
    assert said.status == 1
    assert said.out.startswith("NOT SOUND: height ")


def test_verify_names_the_place_where_a_file_is_damaged(say, made: Made, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = keep(made, tmp_path / "made")
    path = folder / "nodes" / "depot" / "ledger.sqlite"
    with sqlite3.connect(path) as opened:
        (root,) = opened.execute("SELECT rootpage FROM sqlite_master WHERE name = 'receipt'").fetchone()
    opened.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * 8_192)
        file.write(b"\xa5" * 8_192)
    said = say("verify", folder / "nodes" / "depot")
    assert said.status == 1
    assert "table receipt" in said.out and "malformed" in said.out


@pytest.mark.parametrize(("data", "words"), [(b"", "is empty"), (b"PDF" * 99, "no SQLite file")])
def test_verify_of_what_is_no_database_is_the_users_mistake(say, made: Made, tmp_path: Path, data, words) -> None:  # type: ignore[no-untyped-def]
    folder = keep(made, tmp_path / "made")
    (folder / "other").write_bytes(data)
    said = say("verify", folder / "other")
    assert said.status == 2 and words in said.err and "ledger.sqlite" in said.err


def test_verify_of_a_file_that_is_no_ledger_is_the_users_mistake(say, made: Made, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = keep(made, tmp_path / "made")
    assert say("verify", folder / "nodes" / "depot", "--genesis", folder / "scenario.json").status == 2
    (tmp_path / "broken.json").write_text("{")
    assert "not a genesis file" in say("verify", folder / "nodes" / "depot", "--genesis", "broken.json").err


def test_a_broken_line_of_input_is_named_and_ends_the_import_where_it_is_strict(say, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    source = tmp_path / "fhir"
    source.mkdir()
    for kind in ("Patient", "Organization", "Coverage", "Claim"):
        (source / f"{kind}.ndjson").write_text("")
    (source / "Patient.ndjson").write_text('{"resourceType":"Patient","id":"1","birthDate":"2000-01-01"}\n{nonsense\n')
    said = say("import", source, "--strict", "--out", "records.json")
    assert said.status == 2
    assert "Patient.ndjson:2" in said.err
    assert not Path("records.json").exists()
    said = say("import", source, "--out", "records.json")
    assert said.status == 0
    assert "refused: 1 × unparsable-line" in said.out and "Patient.ndjson:2" in said.out
    assert Path("records.json").exists()


def test_import_tells_counts_and_writes_records_without_names(say, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    source = tmp_path / "fhir"
    source.mkdir()
    for kind in ("Organization", "Coverage", "Claim"):
        (source / f"{kind}.ndjson").write_text("")
    person = {"resourceType": "Patient", "id": "1", "birthDate": "2000-01-01", "name": [{"family": "Smith"}]}
    (source / "Patient.ndjson").write_bytes(msgspec.json.encode(person) + b"\n")
    said = say("import", source, "--out", "records.json")
    assert said.status == 0 and "persons" in said.out and "refused: 0 records" in said.out
    assert "Smith" not in Path("records.json").read_text()
    assert say("import", source, "--out", "records.json").status == 2, "an existing file is kept"


@pytest.mark.nightly
def test_compare_puts_runs_side_by_side(say, made: Made, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    keep(made, tmp_path / "one")
    keep(made, tmp_path / "two")
    said = say("compare", "one", "two", "--out", "both")
    assert said.status == 0 and "latency" in said.out and "The scenarios are the same" in said.out
    assert (tmp_path / "both" / "comparison.html").is_file()
    assert {path.suffix for path in (tmp_path / "both" / "figures").iterdir()} == {".svg", ".png"}
    refused = say("compare", "one", "two", "--out", "both")
    assert refused.status == 2 and "is not empty" in refused.err


def test_compare_refuses_what_is_no_run(say, made: Made, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    keep(made, tmp_path / "one")
    for words, sentence in (
        (("one",), "one run cannot be compared"),
        (("one", "nowhere"), "there is no such folder"),
        (("one", "scenarios"), "is not the folder of a run"),
        (("one", "one"), "named twice"),
    ):
        refused = say("compare", *words)
        assert refused.status == 2 and sentence in refused.err


@pytest.mark.nightly
def test_report_draws_figures_of_a_run(say, made: Made, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    keep(made, tmp_path / "one")
    said = say("report", "one", "--figures", "drawn")
    assert said.status == 0 and "figures: drawn" in said.out
    assert (tmp_path / "drawn" / "figures.html").is_file() and (tmp_path / "drawn" / "latency-cdf.png").is_file()


def test_report_refuses_a_sweep_that_is_not_finished(say, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "plan.json").write_text("{}")
    refused = say("report", "half")
    assert refused.status == 2 and "not finished" in refused.err


def test_a_validation_and_a_sequence_are_refused_in_words(say, made: Made, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    keep(made, tmp_path / "one")
    for words, sentence in (
        (("compare", "--validate", "nowhere.py"), "expected a Python file"),
        (("compare", "one", "--validate", "nowhere.py"), "not both"),
        (("compare", "--validate", "x.py", "--members", "four"), "expected numbers"),
        (("compare", "one", "two", "--profile", "p.json"), "belong to --validate"),
        (("report", "one", "--profile", "p.json"), "is for --height"),
        (("report", "one", "--height", "100000"), "this run executed heights"),
    ):
        refused = say(*words)
        assert refused.status == 2 and sentence in refused.err
