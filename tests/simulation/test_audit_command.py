"""`consortium audit`: the package of a case convinces with the genesis alone, and nothing in it can be changed
unseen."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest

from consortium.commands import app
from consortium.contracts.oversight.finding_records import FINDINGS
from nodes.past import open_past

SCENARIO = Path(__file__).parents[2] / "scenarios" / "systems" / "oversight.py"


def said(capsys: pytest.CaptureFixture[str] | None, *words: str) -> tuple[object, str]:
    with pytest.raises(SystemExit) as left:
        app.main(words)
    told = ("", "") if capsys is None else capsys.readouterr()
    return left.value.code, told[0] + told[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("audit") / "run"
    assert said(None, "run", str(SCENARIO), "--on", "simulator", "--out", str(out))[0] == 0
    return out


@pytest.fixture(scope="module")
def number(folder: Path) -> str:
    past = open_past(folder, "regulator")
    found = {finding.rule: number for number, finding in past.ledger.reader.range(FINDINGS, "", "~")}
    past.rows.close()
    return found["overlapping_stays"]


@pytest.fixture
def case(folder: Path, number: str, tmp_path: Path) -> Path:
    assert said(None, "audit", str(folder), "finding", number, "--out", str(tmp_path / "case"))[0] == 0
    return tmp_path / "case"


def entries(case: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = msgspec.json.decode((case / "case.json").read_bytes())["proofs"]
    return found


def test_a_case_is_the_finding_and_all_that_it_names(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [entry["word"] for entry in entries(case)]
    assert [words.count(each) for each in ("finding", "claim", "bill", "institution", "account", "person")] == [
        1,
        2,
        2,
        2,
        1,
        1,
    ]
    assert words.count("transaction") == words.count("receipt") > 10
    status, told = said(capsys, "audit", str(case))
    assert status == 0 and f"all {len(words)} proofs hold" in told
    for part in ('"stage":"closed"', "payment-held", "regulator said finding.decide"):
        assert part in told


def test_what_was_changed_is_told(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (case / entry["file"] for entry in entries(case)[:2])
    whole = first.read_bytes()
    first.write_bytes(whole[:-1] + bytes((whole[-1] ^ 1,)))
    assert "is not the file that was written" in said(capsys, "audit", str(case))[1]
    first.write_bytes(second.read_bytes())
    manifest = msgspec.json.decode((case / "case.json").read_bytes())
    manifest["proofs"][0]["sha256"] = manifest["proofs"][1]["sha256"]  # whoever bends a file bends the list, too
    (case / "case.json").write_bytes(msgspec.json.encode(manifest))
    status, told = said(capsys, "audit", str(case))
    assert status == 1 and f"is not of finding {manifest['key']}" in told
    first.unlink()
    status, told = said(capsys, "audit", str(case))
    assert status == 1 and "is not there" in told


def test_another_chains_genesis_proves_nothing_of_it(
    case: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "genesis.json"
    genesis = msgspec.json.decode((folder / "genesis.json").read_bytes())
    other.write_bytes(msgspec.json.encode({**genesis, "name": "another"}))
    status, told = said(capsys, "audit", str(case), "--genesis", str(other))
    assert status == 1 and "proofs prove nothing" in told
    assert said(capsys, "audit", str(case), "--genesis", str(folder / "genesis.json"))[0] == 0


def test_what_cannot_be_audited_is_said(
    folder: Path, number: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ("--out", str(tmp_path / "x"))
    assert "there is no finding f" in said(capsys, "audit", str(folder), "finding", "f", *out)[1]
    assert "nothing is told as 'fund'" in said(capsys, "audit", str(folder), "fund", "f", *out)[1]
    assert "expected the ID" in said(capsys, "audit", str(folder), "finding")[1]
    status, told = said(capsys, "audit", str(folder), "finding", number, "--member", "hospital-1", *out)
    assert status == 1 and "a hospital audits nobody" in told and not (tmp_path / "x").exists()
    (tmp_path / "x").mkdir()
    assert "exists already" in said(capsys, "audit", str(folder), "finding", number, *out)[1]
    assert said(capsys, "audit", str(tmp_path / "x"))[0] == 2
    shutil.rmtree(tmp_path / "x")
