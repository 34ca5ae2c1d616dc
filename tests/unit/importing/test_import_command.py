"""`consortium import`: what it says of everything that it read, for a person and as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from consortium.commands import app as cli
from tests.unit.importing.test_fhir_folders import added, write
from tests.unit.test_fhir_reasons import GOOD

SAMPLE = Path(__file__).parents[3] / "scenarios" / "data" / "worked_cases"


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    def saying(*words: str, language: str = "en") -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            cli.main(["--lang", language, "import", *words])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return saying


def test_a_report_says_what_came_of_each_record_and_nothing_of_what_it_said(say: Any, tmp_path: Path) -> None:
    mark = {"identifier": [{"system": "urn:id", "value": "SECRET-7"}]}
    persons = [{**GOOD["Patient"], **mark}, {**GOOD["Patient"], **mark, "id": "anna-2"}, {"resourceType": "Patient"}]
    folder = write(tmp_path / "data", Patient=persons, Claim=[GOOD["Claim"], {**GOOD["Claim"], "id": "again"}])
    (folder / "notes.txt").write_text("x")
    status, out, _ = say(str(folder), "--report", str(tmp_path / "report.json"), "--out", str(tmp_path / "out.json"))
    assert status == 0 and "told again: 1 × claim (same-content), first at" in out
    assert "give it an id of 1 to 64" in out and "not read: notes.txt" in out
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["source"] == "fhir" and report["read"]["Patient"] == 3 and report["left_out"] == ["notes.txt"]
    assert report["taken"] | {"items": 0} == {
        "persons": 1, "coverages": 3, "providers": 1, "items": 0, "claims": 1, "prescriptions": 1
    }  # fmt: skip
    (refused,) = report["refused"]
    assert (refused["reason"], refused["count"], refused["element"]) == ("bad-id", 1, "id")
    assert refused["places"] == [refused["first"]] and refused["first"].endswith("Patient.ndjson:3")
    assert [each["why"] for each in report["same"]] == ["same-identifier", "same-content"]
    assert report["converted"] == [{"rule": "amount-USD", "count": 1, "fen": 90_000}]
    whole = (tmp_path / "report.json").read_text() + out
    for secret in ("SECRET-7", "Musterfrau", "1990-05-17", "anna-2"):
        assert secret not in whole


def test_a_person_reads_it_in_chinese_too(say: Any) -> None:
    status, out, _ = say(str(SAMPLE), language="zh")
    assert status == 0 and "拒绝" in out and "refused" not in out


def test_a_strict_import_ends_with_a_sentence_and_writes_nothing(say: Any, tmp_path: Path) -> None:
    folder = write(tmp_path / "data", **added("Patient", birthDate="17.5.1990"))
    status, _, error = say(str(folder), "--strict", "--out", str(tmp_path / "out.json"))
    assert status == 2 and "Patient.ndjson:2, birthDate: bad-date; write a day as 2026-05-01" in error
    assert "17.5.1990" not in error and not (tmp_path / "out.json").exists()


def test_a_folder_of_which_nothing_can_be_used_is_an_error_that_says_why(say: Any, tmp_path: Path) -> None:
    empty = write(tmp_path / "empty", **{kind: [] for kind in GOOD})
    status, _, error = say(str(empty))
    assert status == 2 and "nothing in it can be used: its files hold no record" in error
    useless = write(tmp_path / "useless", **{kind: [{"resourceType": kind}] for kind in GOOD})
    status, _, error = say(str(useless))
    assert status == 2 and "× bad-id (first at" in error


def test_wrong_words_are_told(say: Any, tmp_path: Path) -> None:
    assert say(str(tmp_path / "nowhere"))[0] == 2
    assert say(str(SAMPLE), "--format", "hl7")[0] == 2
    assert say(str(SAMPLE), "--format", "synthea")[0] == 2
    (tmp_path / "taken").write_text("x")
    assert "exists already" in say(str(SAMPLE), "--report", str(tmp_path / "taken"))[2]
