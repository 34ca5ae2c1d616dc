"""Records leave a run as files: whole for whoever may have them, single fields for others, held against the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from consortium.commands import app
from consortium.commands.folders import save_ledger, save_vault
from consortium.core.codec import encode
from consortium.core.disclosure import Disclosure
from consortium.core.unsealed import UNSEALED
from consortium.runs.folder import write_simulated
from consortium.runs.run import Run
from consortium.scenario.load import load_scenario
from consortium.scenario.workloads.trial import PROTOCOL_TEXT
from consortium.simulation.run import simulate

SYSTEMS = Path(__file__).parents[2] / "scenarios" / "systems"
RECORD, DATA = "record/hospital-1:r-0000", "dataset/sponsor:t-1/hospital-2/0001"
Say = Callable[..., tuple[int, str, str]]


def ran(name: str, folder: Path) -> Path:
    scenario = msgspec.structs.replace(load_scenario(SYSTEMS / f"{name}.py"), suite="keyed-hash")
    done = simulate(scenario)
    run = Run(scenario, done.genesis, done.trace, done.ledgers, vaults=done.vaults)
    write_simulated(folder, run, save_ledger, save_vault)
    return folder


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ran("exchange", tmp_path_factory.mktemp("exchange") / "run")


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ran("trial", tmp_path_factory.mktemp("trial") / "run")


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs a command; its status and what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            app.main([str(word) for word in words])
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return run


def test_a_record_is_shown_with_the_keys_of_whoever_keeps_it(exchange: Path, say: Say) -> None:
    status, out, _ = say("unseal", exchange, "hospital-2", RECORD, "--json")
    assert status == 0 and json.loads(out)["fields"]["diagnosis"] == "illness 0"
    for member, handle, words in (
        ("hospital-2", "record/hospital-1:r-0003", "had to let it go"),
        ("hospital-2", "record/hospital-1:r-0007", "keeps no record"),
        ("agent-9", RECORD, "no private store"),
    ):
        status, _, err = say("unseal", exchange, member, handle)
        assert status == 2 and words in err


def test_one_field_is_shown_and_nothing_of_the_others(exchange: Path, say: Say, tmp_path: Path) -> None:
    assert say("disclose", exchange, "hospital-2", RECORD, "diagnosis")[0] == 0
    file = tmp_path / "fields.disclosure"
    assert b"illness 0" in file.read_bytes() and b"Long Road" not in file.read_bytes()
    status, out, _ = say("verify-proof", file, exchange / "genesis.json")
    assert status == 0 and "diagnosis: illness 0" in out and "7 fields that are not" in out
    status, out, _ = say("verify-proof", file, exchange, "--json")
    assert json.loads(out)["shown"] == {"diagnosis": "illness 0"} and json.loads(out)["of"] == 8


def test_a_field_that_was_changed_convinces_nobody(exchange: Path, say: Say, tmp_path: Path) -> None:
    say("disclose", exchange, "hospital-1", RECORD, "diagnosis", "name", "--out", "two")
    told = msgspec.msgpack.decode((tmp_path / "two").read_bytes(), type=Disclosure)
    first, second = told.openings
    bends = {
        "value": (msgspec.structs.replace(first, value=encode("well")), second),
        "name": (msgspec.structs.replace(first, name="therapy"), second),
        "place": (msgspec.structs.replace(first, index=second.index), second),
        "twice": (first, first),
    }
    for name, openings in bends.items():
        (tmp_path / name).write_bytes(encode(msgspec.structs.replace(told, openings=openings)))
        status, out, _ = say("verify-proof", tmp_path / name, exchange)
        assert status == 1 and "PROVES NOTHING: the field" in out, name
    (tmp_path / "cut").write_bytes((tmp_path / "two").read_bytes()[:-1])
    assert say("verify-proof", tmp_path / "cut", exchange)[0] == 1


def test_what_cannot_be_disclosed_is_said(exchange: Path, say: Say) -> None:
    for handle, field, words in (
        (RECORD, "salary", "it has record_no"),
        ("lines/B-1", "x", "no ledger commits to single fields"),
        ("record/hospital-1:r-0003", "name", "keeps no record"),
    ):
        status, _, err = say("disclose", exchange, "hospital-1", handle, field)
        assert status == 2 and words in err


def test_data_of_a_trial_are_shown_to_be_unaltered(tried: Path, say: Say, tmp_path: Path) -> None:
    assert say("unseal", tried, "researcher", DATA, "--out", "data.record")[0] == 0
    assert say("prove", tried, "data-set", DATA.partition("/")[2], "--out", "data.proof")[0] == 0
    status, out, _ = say("verify-proof", "data.proof", tried, "--file", "data.record")
    assert status == 0 and "unaltered: data.record" in out
    unsealed = UNSEALED.decode((tmp_path / "data.record").read_bytes())
    altered = msgspec.structs.replace(unsealed, record=unsealed.record.replace(b"outcome 3", b"outcome 4"))
    assert altered != unsealed
    (tmp_path / "altered.record").write_bytes(encode(altered))
    status, out, _ = say("verify-proof", "data.proof", tried, "--file", "altered.record")
    assert status == 1 and "ALTERED" in out


def test_a_protocol_is_shown_to_be_the_one_that_was_registered(tried: Path, say: Say, tmp_path: Path) -> None:
    say("prove", tried, "trial", "sponsor:t-1", "--out", "trial.proof")
    for text, status, words in ((PROTOCOL_TEXT, 0, "as its protocol"), (PROTOCOL_TEXT + " ", 1, "ALTERED")):
        (tmp_path / "protocol.txt").write_text(text, encoding="utf-8")
        told, out, _ = say("verify-proof", "trial.proof", tried, "--file", "protocol.txt")
        assert told == status and words in out


def test_a_row_of_a_data_set_is_shown_alone(tried: Path, say: Say) -> None:
    names = list(json.loads(say("unseal", tried, "hospital-2", DATA, "--json")[1])["fields"])
    assert say("disclose", tried, "hospital-2", DATA, names[2], "--out", "row")[0] == 0
    out = say("verify-proof", "row", tried)[1]
    assert names[2] in out and "3 fields that are not" in out and f"{names[1]}: arm" not in out
