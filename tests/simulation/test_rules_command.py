"""`consortium rules`: who may run what, on whose knowledge, and how good it was."""

from __future__ import annotations

import csv
from pathlib import Path

import msgspec
import pytest

from consortium.commands import app
from consortium.commands.rules_report import write_report
from consortium.rules.periodic import Period, Table
from consortium.scenario.load import load_scenario
from consortium.scenario.workloads.labelled_claims import labels_of

STUDY = Path(__file__).parents[2] / "scenarios" / "studies" / "labelled_claims.py"
SMALL = ("--set", "workload.options.cases=2", "--set", "workload.options.ordinary=5")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rules") / "run"
    with pytest.raises(SystemExit) as left:
        app.main(["run", str(STUDY), "--on", "simulator", "--out", str(out), *SMALL])
    assert left.value.code == 0
    return out


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as left:
        app.main(["rules", *words])
    told = capsys.readouterr()
    return left.value.code, told.out + told.err


def test_the_bureau_runs_all_and_is_told_how_good_they_are(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, told = said(capsys, str(folder), "--member", "bureau", "--labelled", "--json")
    content = msgspec.json.decode(told)
    assert content["not_run"] == [] and len(content["scores"]) == 17
    assert status == (0 if all(score["passes"] for score in content["scores"]) else 1)
    assert {each["rule"] for each in content["findings"]} == {each["rule"] for each in content["scores"]}
    assert all(score["labels"] >= score["found"] >= 1 for score in content["scores"])


def test_the_regulator_runs_what_ledger_and_lines_show(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, told = said(capsys, str(folder))
    assert status == 0 and "overlapping_stays" in told
    assert "not run, for regulator may not or lacks what they need: readmission" in told
    assert said(capsys, str(folder), "--member", "hospital-1")[0] == 1


def test_labels_may_be_ones_own(folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file, rule = tmp_path / "truth.csv", ("--rule", "overlapping_stays")
    labels = [one for one in labels_of(load_scenario(folder / "scenario.json")) if one.rule == "overlapping_stays"]
    for kept, status in ((labels, 0), (labels[:1], 1)):
        with file.open("w", newline="") as text:
            writer = csv.writer(text)
            writer.writerow(("rule", "records"))
            writer.writerows((one.rule, " ".join(one.records)) for one in kept)
        assert said(capsys, str(folder), "--labels", str(file), *rule)[0] == status
    assert said(capsys, str(folder), *rule, "--set", "overlapping_stays.nights=99")[0] == 0
    file.write_text("nothing\n1\n")
    assert said(capsys, str(folder), "--labels", str(file))[0] == 2


def test_a_report_is_a_page_and_its_tables(folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = (str(folder), "--member", "bureau", "--report")
    assert said(capsys, *words, str(tmp_path / "all"))[0] == 0
    assert said(capsys, *words, str(tmp_path / "march"), "--from", "20260301", "--to", "20260331")[0] == 0
    whole, march = (_table(tmp_path / name / "institutions.csv") for name in ("all", "march"))
    claims = [sum(int(row["claims"]) for row in rows) for rows in (whole, march)]
    assert claims[0] > claims[1] > 0 and len(whole) == len(march)
    found = _table(tmp_path / "all" / "found.csv")
    assert len(found) == sum(int(row["findings"]) for row in _table(tmp_path / "all" / "rules.csv"))
    assert len(found) > len(_table(tmp_path / "march" / "found.csv"))
    page = (tmp_path / "all" / "report.html").read_text(encoding="utf-8")
    for table in ("institutions", "rules", "found", "findings", "holds", "incidents"):
        assert (tmp_path / "all" / f"{table}.csv").is_file()
    assert "Findings on the ledger" in page and "<script" not in page
    assert "exists already" in said(capsys, *words, str(tmp_path / "all"))[1]
    assert "is after --to" in said(capsys, *words, str(tmp_path / "x"), "--from", "20260401", "--to", "20260331")[1]
    assert "must be a day" in said(capsys, *words, str(tmp_path / "x"), "--from", "20261301")[1]


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))


def test_a_cell_of_a_table_is_no_formula(tmp_path: Path) -> None:
    table = Table("t", "T", ("why", "amount_fen"), (("=1+1", -5),))
    write_report(tmp_path / "r", "<b>", Period(), [table])
    assert (tmp_path / "r" / "t.csv").read_text() == "why,amount_fen\n'=1+1,-5\n"
    page = (tmp_path / "r" / "report.html").read_text()
    assert "&lt;b&gt;" in page and "-0.05" in page


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--rule", "x"), "there is no rule 'x'; there are above_stock"),
        (("--set", "x=1"), "expected RULE.PARAMETER=JSON"),
        (("--set", "readmission.to_days=[1"), "the value is no JSON"),
        (("--set", "readmission.days=1"), "it has from_days, to_days, cycles, families"),
        (("nowhere",), "is not the folder of a run"),
        (("nowhere", "--labelled"), "nowhere"),
    ],
)
def test_what_is_wrong_is_said(words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = said(capsys, *words)
    assert status == 2 and told in out


def test_without_a_run_the_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    status, told = said(capsys, "--json")
    rules = {one["rule"]: one for one in msgspec.json.decode(told)["rules"]}
    assert status == 0 and rules["readmission"]["parameters"]["to_days"] == 15
    assert rules["readmission"]["roles"] == ["bureau"] and rules["far_apart"]["roles"] == ["bureau", "regulator"]
    assert said(capsys, "--rule", "readmission")[1].count("to_days = 15") == 1
