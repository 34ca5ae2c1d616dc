from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import ClassVar

import msgspec
import pytest

from consortium.commands.folders import open_vault, save_vault
from consortium.core.machine import Rows
from consortium.lab.checks.claims import judge
from consortium.lab.measures.measures import measure
from consortium.lab.pages.report import build_report, yuan
from consortium.lab.pages.results import write_results
from consortium.runs.folder import RunFolderError, claim_folder, load_run, write_simulated
from consortium.runs.run import Run
from consortium.runs.trace import fingerprint
from nodes.process.store import SqliteRows
from tests.unit.lab.made_up_run import made_up_run


@pytest.fixture(scope="module")
def run() -> Run:
    return made_up_run()


@pytest.fixture(scope="module")
def page(run: Run) -> str:
    return build_report(run, judge(run), measure(run.trace))


def test_the_report_needs_no_network_no_script_and_no_other_file(page: str) -> None:
    assert not re.search(r"<(script|link|iframe|object)\b", page)
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert not re.search(r"@import|url\(", page)


def test_the_report_says_that_its_policy_numbers_are_illustrative(page: str) -> None:
    assert "illustrative policy numbers" in page.lower()


def test_the_report_shows_every_picture_with_words_for_those_who_do_not_see_it(page: str) -> None:
    alts = re.findall(r'<img src="data:image/svg\+xml;base64,[^"]+" alt="([^"]+)"', page)
    for word in ("Committed transactions", "Latency over time", "Distribution", "phase", "leader", "fund", "CPU"):
        assert any(word in alt for alt in alts), word


def test_the_report_is_whole_html(page: str) -> None:
    class Balance(HTMLParser):
        stack: ClassVar[list[str]] = []

        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in ("meta", "img", "br"):
                self.stack.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert self.stack.pop() == tag

    Balance().feed(page)
    assert Balance.stack == []


def test_a_failed_check_is_shown_first_and_in_words(run: Run) -> None:
    bent = replace(run, trace=[record for record in run.trace if record["kind"] != "ended"])
    text = build_report(bent, judge(bent), measure(bent.trace))
    asked = sum(verdict.is_asked for verdict in judge(run))
    assert f"1 of {asked} checks fail: progress" in text
    assert "the run was cut short" in text


def test_words_of_a_scenario_cannot_become_markup(run: Run) -> None:
    scenario = msgspec.structs.replace(run.scenario, question="<script>alert(1)</script>")
    text = build_report(replace(run, scenario=scenario), [], measure(run.trace))
    assert "<script>" not in text


def test_the_report_of_a_run_that_did_nothing_can_be_drawn(run: Run) -> None:
    empty = replace(run, trace=[run.trace[0]], ledgers={})
    assert "made_up_day" in build_report(empty, judge(empty), measure(empty.trace))


def test_money_is_told_to_the_fen() -> None:
    assert [yuan(0), yuan(5), yuan(-123_450), yuan(9_007_199_254_740_993)] == [
        "0.00",
        "0.05",
        "-1,234.50",
        "90,071,992,547,409.93",
    ]


# --- the folder -------------------------------------------------------------------------------------------------------


def save(path: Path, rows: Rows) -> None:
    from consortium.commands.folders import save_ledger

    save_ledger(path, rows)


def test_a_run_read_from_its_folder_is_the_run_that_was_written(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    claim_folder(out)
    write_simulated(out, run, save, save_vault)
    verdicts = judge(run)
    write_results(out, run, verdicts, measure(run.trace))
    again = load_run(out, lambda path: SqliteRows(path, read_only=True), open_vault)
    assert again.scenario == run.scenario
    assert again.genesis == run.genesis
    assert fingerprint(again.trace) == fingerprint(run.trace)
    assert judge(again) == verdicts
    assert sorted(again.ledgers) == sorted(run.ledgers)


@pytest.mark.parametrize("place", ["local", "simulator"])
def test_the_readme_explains_every_file_of_the_folder(run: Run, tmp_path: Path, place: str) -> None:
    out = tmp_path / "run"
    told = replace(run, trace=[{**r, "on": place} if r["kind"] == "run" else r for r in run.trace])
    write_simulated(out, told, save, save_vault)
    write_results(out, told, judge(told), measure(told.trace))
    readme = (out / "README.md").read_text()
    for path in out.rglob("*"):
        if path.is_file() and path.name != "README.md":
            name = (
                str(path.relative_to(out)).replace(path.parent.name + "/", "NAME/")
                if "nodes" in path.parts
                else path.name
            )
            assert f"`{name}`" in readme, name


def test_verdict_json_tells_each_check_and_the_exit_status(run: Run, tmp_path: Path) -> None:
    bent = replace(run, trace=[{**r, "verdict": "no progress"} if r["kind"] == "ended" else r for r in run.trace])
    write_simulated(tmp_path, bent, save)
    write_results(tmp_path, bent, judge(bent), measure(bent.trace))
    verdict = msgspec.json.decode((tmp_path / "verdict.json").read_bytes())
    assert (verdict["outcome"], verdict["exit_status"]) == ("no-progress", 3)
    assert {check["name"]: check["holds"] for check in verdict["checks"]}["progress"] is False


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(RunFolderError, match="not empty"):
        claim_folder(tmp_path)
    with pytest.raises(RunFolderError, match="is a file"):
        claim_folder(tmp_path / "mine")


@pytest.mark.parametrize("missing", ["scenario.json", "genesis.json", "trace.jsonl"])
def test_a_folder_that_is_no_runs_is_refused_naming_what_it_lacks(run: Run, tmp_path: Path, missing: str) -> None:
    write_simulated(tmp_path, replace(run, ledgers={}), save)
    (tmp_path / missing).unlink()
    with pytest.raises(RunFolderError, match=missing):
        load_run(tmp_path, lambda path: SqliteRows(path, read_only=True))
