"""A user's own files from a folder outside the package: each kind is found, run, named in the run's folder, and never
run because somebody sent it."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from consortium.commands import app
from consortium.commands.folders import open_ledger
from consortium.commands.new import kinds, write_new
from consortium.commands.workers import in_processes
from consortium.core.contract import Context
from consortium.core.errors import UserError
from consortium.lab.figures.drawing import Shown, drawings
from consortium.lab.figures.paper import draw_svg
from consortium.lab.measures.distributions import distributions
from consortium.lab.measures.measures import measure
from consortium.plugins.load import current, load_folders, unload
from consortium.plugins.record import check_record, read_record, write_record
from consortium.plugins.source import PluginError
from consortium.runs.folder import load_run
from consortium.runs.trace import read_trace
from consortium.scenario.find import find_scenario, scenario_files
from consortium.scenario.load import apply_sets, load_scenario
from consortium.simulation.run import Simulated, simulate
from tests.plugins_kit import FILES, write_plugins

ROOT = Path(__file__).parents[2]
PACKAGE, EXTENDING = ROOT / "consortium", ROOT / "docs" / "extending.md"
CALLED = {"distribution of delays": "distribution", "act of fate": "act", "process of arrivals": "arrivals"}
USED_ON_A_RUN = ("check", "command", "figure", "measure", "resource", "rule", "table", "view")
SEEN_IN_TRACE = {"role": "fresh-saw", "protocol": "fresh_decided", "act": "fault"}


@pytest.fixture(autouse=True)
def _nothing_stays_in_use() -> Iterator[None]:
    yield
    unload()


def _run(name: str, *sets: str) -> Simulated:
    return simulate(apply_sets(load_scenario(find_scenario(name)), sets))


def _said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as left:
        app.main(words)
    told = capsys.readouterr()
    return left.value.code, told.out, told.err


# --- one of each kind -------------------------------------------------------------------------------------------------


def test_a_contract_a_role_and_a_workload_from_outside_run_and_the_new_role_votes(tmp_path: Path) -> None:
    load_folders([write_plugins(tmp_path / "mine")])
    run = _run("car_park")
    assert run.is_done
    permits = {(note["plate"], note["role"]) for note in run.trace if note["kind"] == "permit"}
    assert permits == {(f"car-of-gate-{index}", "attendant") for index in range(1, 5)}
    assert any(record["kind"] == "epoch" for record in run.trace), "members of the new role passed the proposal"


def test_a_distribution_and_a_protocol_from_outside_run(tmp_path: Path) -> None:
    load_folders([write_plugins(tmp_path / "mine", "coin", "sequencer")])
    small = ("workload.options.transactions=40", "protocol=sequencer", "network.default.distribution=coin")
    assert _run("low_load", *small, "network.default.deviation_us=500").is_done


def test_a_behaviour_from_outside_costs_a_leader_its_place(tmp_path: Path) -> None:
    load_folders([write_plugins(tmp_path / "mine", "mute")])
    mute = 'behaviours=[{"name": "mute", "target": "leader"}]'
    honest, bent = _run("attacks/silent", "behaviours=[]"), _run("attacks/silent", mute)
    views = [max(record.get("view", 0) for record in run.trace) for run in (honest, bent)]
    assert honest.is_done and bent.is_done and views[0] == 0 < views[1]


def test_an_act_a_check_a_measure_a_figure_and_a_command_from_outside_are_at_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, run = str(write_plugins(tmp_path / "mine")), tmp_path / "run"
    faults = (
        'faults=[{"act": "nap", "target": "gate-4", "at_us": 1000000}, '
        '{"act": "wake_up", "target": "gate-4", "after_us": 500000}]'
    )
    words = ["run", "car_park", "--on", "simulator", "--set", faults, "--out", str(run), "--plugins", mine]
    status, told, _ = _said(capsys, *words)
    assert status == 0 and "a permit a gate" in told
    trace = read_trace(run / "trace.jsonl")
    assert {record["act"] for record in trace if record["kind"] == "fault"} == {"nap", "wake_up"}
    seen = sum(record["kind"] == "permit" for record in trace)
    assert f"permits_seen,{seen},1," in (run / "measures.csv").read_text()
    drawn = tmp_path / "figures"
    assert _said(capsys, "report", str(run), "--figures", str(drawn), "--plugins", mine)[0] == 0
    assert (drawn / "emptiness.svg").is_file()
    assert _said(capsys, "--plugins", mine, "greet", "you")[:2] == (0, "hello you\n")

    (tmp_path / "strict").mkdir()
    strict = FILES["permit_a_gate"].replace("car-of", "lorry-of").replace("a permit a gate", "a lorry a gate")
    (tmp_path / "strict" / "strict.py").write_text(strict)
    status, told, _ = _said(capsys, "check", str(run), "--plugins", mine, "--plugins", str(tmp_path / "strict"))
    assert status == 3 and "no permit was granted by gate-1" in told, "a check from outside can fail"


def _kinds_in_the_table() -> dict[str, str]:
    """The kinds of docs/extending.md, each with its fixed word."""
    rows = re.findall(r"^\| ([a-z ]+) \| `([A-Z]+)\b.*$", EXTENDING.read_text("utf-8"), re.MULTILINE)
    assert len(rows) > 10, "the table of kinds was not found"
    return dict(rows)


def test_each_kind_that_is_found_by_a_word_stands_in_the_table_and_has_a_template() -> None:
    sources = [path.read_text("utf-8") for path in PACKAGE.rglob("*.py")]
    words = {word for text in sources for word in re.findall(r"\boffered(?:_\w+)?\([\w.\"]+, \"([A-Z]+)\"", text)}
    told = _kinds_in_the_table()
    beside = {"DRAWINGS", "PRIVATE"}  # they stand beside ACTS and CONTRACT in one file
    assert words - beside == set(told.values()) - {"SCENARIO"}
    assert {CALLED.get(kind, kind) for kind in told} == set(kinds())


@pytest.mark.parametrize("kind", [kind for kind in kinds() if kind not in USED_ON_A_RUN])
def test_each_template_runs_as_it_comes_out(kind: str, tmp_path: Path) -> None:
    written = write_new(kind, "fresh", tmp_path / "mine")
    loaded = load_folders([tmp_path / "mine"])
    scenario = [name for name, path in scenario_files() if path in written]
    assert len(loaded.plugins) == (0 if kind == "scenario" else 1)
    run = _run(*scenario)
    assert run.is_done
    if kind in SEEN_IN_TRACE:
        assert SEEN_IN_TRACE[kind] in {record["kind"] for record in run.trace}


def test_the_templates_of_what_is_used_on_a_run_work_as_they_come_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in USED_ON_A_RUN:
        write_new(kind, f"fresh_{kind}", tmp_path / "mine")
    plugins, out = ("--plugins", str(tmp_path / "mine")), str(tmp_path / "run")
    small = ("--set", "workload.options.transactions=40")
    status, told, _ = _said(capsys, "run", "low_load", "--on", "simulator", *small, "--out", out, *plugins)
    assert status == 0 and re.search(r"^fresh_check +holds ", told, re.MULTILINE)
    assert "fresh_measure_block_size," in (tmp_path / "run" / "measures.csv").read_text()
    status, told, _ = _said(capsys, *plugins, "fresh_command", out)
    assert status == 0 and "  executed\n" in told
    assert _said(capsys, *plugins, "fresh_command", str(tmp_path))[0] == 2
    status, told, _ = _said(capsys, *plugins, "view", out, "fresh_view")
    assert status == 0 and "settlement.issue_and_claim" in told
    status, told, _ = _said(capsys, *plugins, "rules", "--rule", "fresh_rule", "--set", "fresh_rule.fen=7")
    assert status == 0 and "bureau, regulator" in told and "fen = 7" in told
    for form, name in (("fhir", "Organization.ndjson"), ("nhsa", "fresh_table.csv")):
        status, told, _ = _said(capsys, *plugins, "export", out, "--format", form, "--out", str(tmp_path / form))
        assert status == 0 and (tmp_path / form / name).read_text().count("H650102") >= 1
    kept = load_run(tmp_path / "run", open_ledger)
    found = distributions(kept.trace)
    figure = next(each for each in drawings() if each.name == "fresh_figure")
    (picture,) = figure.of_runs([Shown("low load", kept, found, measure(kept.trace, found))], "a source")
    assert "<svg" in draw_svg(picture)


def test_the_contract_out_of_its_template_answers_the_owner_of_an_entry_and_refuses_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_new("contract", "fresh", tmp_path / "mine")
    plugins, out = ("--plugins", str(tmp_path / "mine")), str(tmp_path / "run")
    assert _said(capsys, "run", "fresh_trial", "--on", "simulator", "--out", out, *plugins)[0] == 0
    status, told, _ = _said(capsys, "ask", out, "hospital-1", "fresh.get", '{"key": "first"}', *plugins)
    assert status == 0 and "hello" in told
    for key in ("first", "second"):
        status, told, words = _said(capsys, "ask", out, "hospital-2", "fresh.get", f'{{"key": "{key}"}}', *plugins)
        assert status == 1 and "not-yours: hospital-2 has no such record" in told + words


def test_a_template_fills_no_file_that_exists_and_takes_no_name_that_cannot_be_one(tmp_path: Path) -> None:
    write_new("contract", "fresh", tmp_path)
    with pytest.raises(UserError, match=r"fresh\.py exists already"):
        write_new("contract", "fresh", tmp_path)
    for name in ("Fresh", "two words", "class", "1st"):
        with pytest.raises(UserError, match="lower-case"):
            write_new("contract", name, tmp_path)
    with pytest.raises(UserError, match="there is a template for act, "):
        write_new("contrct", "fresh", tmp_path)


# --- what cannot be used ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"a.py": "x = 1\ndef f(:\n"}, r"a\.py:2: not Python: "),
        ({"a.py": "x = 1\n\nraise ValueError('no luck')\n"}, r"a\.py:3: ValueError: no luck"),
        ({"a.py": "raise SystemExit(5)\n"}, r"a\.py:1: SystemExit: 5"),
        ({"a.py": "from b import X\n", "b.py": "X = 1\n"}, r"a\.py:1: .*with `from \.b import …`"),
        ({"a-b.py": "x = 1\n"}, r"a-b\.py: a plug-in is imported by its name"),
        ({"a.txt": "x"}, r"no \.py file lies in it"),
    ],
)
def test_a_mistake_in_a_plug_in_is_one_sentence_with_file_and_line(
    files: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(PluginError, match=sentence) as caught:
        load_folders([tmp_path])
    assert "\n" not in str(caught.value)
    assert current().digests == {}, "nothing of it is in use"


def test_two_values_and_two_files_of_one_name_are_refused_and_a_missing_folder_too(tmp_path: Path) -> None:
    write_plugins(tmp_path / "one", "parking")
    (tmp_path / "one" / "again.py").write_text(FILES["parking"])
    with pytest.raises(PluginError, match=r"parking\.py: its [A-Z]+ is named 'parking.*', and so is .*again\.py"):
        load_folders([tmp_path / "one"])
    write_plugins(tmp_path / "acts", "nap")
    (tmp_path / "acts" / "siesta.py").write_text(FILES["nap"])
    with pytest.raises(PluginError, match=r"siesta\.py: its ACTS is named '[a-z_]+', and so is .*nap\.py"):
        load_folders([tmp_path / "acts"])
    write_plugins(tmp_path / "unread")
    (tmp_path / "unread" / "mem.py").symlink_to("/proc/self/mem")
    with pytest.raises(PluginError, match=r"mem\.py: "):
        load_folders([tmp_path / "unread"])
    write_plugins(tmp_path / "two", "coin")
    write_plugins(tmp_path / "three", "coin")
    with pytest.raises(PluginError, match="have one name"):
        load_folders([tmp_path / "two", tmp_path / "three"])
    with pytest.raises(PluginError, match="there is no such folder"):
        load_folders([tmp_path / "four"])


def test_a_plug_in_called_as_a_module_of_python_shadows_nothing(tmp_path: Path) -> None:
    (tmp_path / "random.py").write_text("WORD = 1\n")
    load_folders([tmp_path])
    assert sys.modules["random"] is random
    code = "import sys; from pathlib import Path; from consortium.plugins.load import load_folders; "
    code += f"load_folders([Path({str(tmp_path)!r})]); import random; random.random()"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# --- what a run's folder says of them ---------------------------------------------------------------------------------


def test_a_run_folder_names_and_copies_its_plug_ins_and_the_copy_is_not_run_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, run, mark = write_plugins(tmp_path / "mine"), tmp_path / "run", tmp_path / "was-run"
    with (mine / "parking.py").open("a") as file:
        file.write(f"from pathlib import Path\nPath({str(mark)!r}).touch()\n")
    words = ["run", "car_park", "--on", "simulator", "--out", str(run)]
    assert _said(capsys, *words, "--plugins", str(mine))[0] == 0
    assert set(read_record(run)) == {f"{name}.py" for name in FILES} - {"car_park.py"}
    assert (run / "plugins" / "parking.py").read_bytes() == (mine / "parking.py").read_bytes()

    mark.unlink()
    node = str(run / "nodes" / "gate-1")
    for command in (["check", str(run)], ["report", str(run)], ["verify", node]):
        status, _, sentence = _said(capsys, *command)
        assert status == 2 and "parking.py" in sentence and f"--plugins {run / 'plugins'}" in sentence
        assert sentence.count("\n") == 1 and not mark.exists(), "code that lies in a run's folder was run"
    assert _said(capsys, "check", str(run), "--plugins", str(run / "plugins"))[0] == 0
    assert mark.exists()
    assert _said(capsys, "--plugins", str(mine), "verify", node)[0] == 0

    with (mine / "parking.py").open("a") as file:
        file.write("# another one now\n")
    status, _, sentence = _said(capsys, "verify", node, "--plugins", str(mine))
    assert status == 2 and "parking.py differs" in sentence


def test_a_run_without_plug_ins_has_no_word_of_them_and_others_may_look_at_it(tmp_path: Path) -> None:
    write_record(tmp_path)
    assert list(tmp_path.iterdir()) == []
    load_folders([write_plugins(tmp_path / "mine", "coin")])
    check_record(tmp_path)


# --- other processes --------------------------------------------------------------------------------------------------


def _words_of(name: str) -> list[str]:
    """In a worker: which plug-ins are in use, and where a scenario of theirs lies."""
    return [*current().digests, find_scenario(name).name]


def test_workers_have_exactly_the_plug_ins_of_whoever_sent_the_work(tmp_path: Path) -> None:
    folder = write_plugins(tmp_path / "mine", "coin", "car_park")
    load_folders([folder])
    (folder / "coin.py").write_text("raise ValueError('the bytes that were read are sent')")
    found = [result for result in in_processes(_words_of, ["car_park"], 1) if result is not None]
    assert found == [["coin.py", "car_park.py"]]


def test_a_sweep_with_plug_ins_runs_in_workers_and_goes_on_with_the_same_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, out = write_plugins(tmp_path / "mine"), str(tmp_path / "sweep")
    words = ["sweep", "car_park", "--vary", "parameters.batch_delay_us=0,5000", "--out", out]
    assert _said(capsys, *words, "--plugins", str(mine))[0] == 0
    assert (tmp_path / "sweep" / "plugins" / "parking.py").is_file()
    with (mine / "parking.py").open("a") as file:
        file.write("# another one now\n")
    status, _, sentence = _said(capsys, *words, "--plugins", str(mine))
    assert status == 2 and "parking.py differs" in sentence


def test_an_installed_package_brings_plug_ins_by_its_entry_points(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = tmp_path / "parking_lot-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: parking-lot\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[consortium.plugins]\nparking = parking_lot_plugin\n")
    (tmp_path / "parking_lot_plugin.py").write_text(FILES["parking"])
    monkeypatch.syspath_prepend(str(tmp_path))
    loaded = load_folders([])
    assert list(loaded.digests) == ["parking_lot_plugin"]
    from consortium.contracts import load_contracts

    with pytest.raises(Exception, match="not-permitted"):
        load_contracts()["parking"].execute(None, "grant", None, Context(b"", 0, 0, b"", "", "genesis", 0))  # type: ignore[arg-type]


# --- the command line -------------------------------------------------------------------------------------------------


def test_the_option_stands_before_or_behind_the_command_and_in_its_help(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = str(write_plugins(tmp_path / "mine", "parking", "attendant", "permits", "car_park"))
    for words in (["--plugins", mine, "list"], ["list", "--plugins", mine]):
        assert "car_park" in _said(capsys, *words)[1]
    assert "car_park" not in _said(capsys, "list")[1], "a later call without the option has none of them"
    assert "--plugins" in _said(capsys, "run", "--help")[1]
