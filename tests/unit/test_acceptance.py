"""docs/requirements.md is whole, each of its commands can be typed, and `make acceptance` tells what fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.__main__ import main, told
from tests.acceptance.reading import PAGE, PARTLY, ROOT, PageFault, Row, Shown, read_rows
from tests.acceptance.running import FAILED, PASSED, Acceptance, Ran, fault_of, maker_of, makers_of, runs_named
from tests.unit.test_documents import faults_of_command

ROWS = read_rows(PAGE.read_text(encoding="utf-8"))
COMMANDS = sorted({shown.command for row in ROWS for shown in row.shown})


def row_of(last: str, stands: str = "works") -> Row:
    return read_rows(f"| 1 | something | {stands} | {last} |\n")[0]


def test_each_requirement_has_its_row_in_order() -> None:
    assert [row.number for row in ROWS] == list(range(1, 143))


def test_every_command_can_be_typed() -> None:
    typed = [command for command in COMMANDS if command.startswith(("consortium", "make"))]
    assert {command: fault for command in typed if (fault := faults_of_command(command))} == {}
    others = [word for command in COMMANDS if command not in typed for word in command.split() if "/" in word]
    assert [word for word in others if not (ROOT / word.partition("::")[0]).exists()] == []


def test_every_run_that_a_command_reads_has_one_that_makes_it() -> None:
    makers = makers_of(ROWS, ROWS)
    assert {maker: fault for maker in makers if (fault := faults_of_command(maker))} == {}
    assert [maker for maker in makers if runs_named(maker)] == [], "a run that is made out of another is not there yet"


def test_what_lacks_is_said_of_a_row_that_works_partly() -> None:
    assert [row.number for row in ROWS if row.stands == PARTLY and row.why.endswith(("`", '"'))] == []


@pytest.mark.parametrize(
    ("stands", "last"),
    [("works", "no command"), ("not yet", "`consortium list`"), ("wroks", "`consortium list`"), ("refused", "")],
)
def test_a_row_that_nobody_can_judge_is_refused(stands: str, last: str) -> None:
    with pytest.raises(PageFault, match="row 1: "):
        row_of(last, stands)


def test_a_row_says_what_a_command_prints_and_leaves() -> None:
    row = row_of('`consortium list` says "claim_day"; `consortium ask x` leaves 1; `bill` is no command')
    assert row.shown == (Shown("consortium list", "claim_day"), Shown("consortium ask x", leaves=1))


def test_a_run_is_made_by_the_page_or_by_the_scenario_of_its_name() -> None:
    row = row_of("`consortium run low_load --on simulator --seed 3 --out runs/third`; `consortium check runs/third`")
    assert maker_of("third", [row]).endswith("--seed 3 --out runs/third")
    assert maker_of("aid_and_gifts", [row]).startswith("consortium run systems/aid_and_gifts --on simulator ")
    with pytest.raises(PageFault, match="no command of the page makes it"):
        maker_of("fourth", [row])


def test_what_a_command_does_not_say_or_leave_is_a_fault() -> None:
    ran = Ran(0, "two words", 0.1)
    assert fault_of(Shown("x", "two  words"), ran) == ""
    assert "did not say" in fault_of(Shown("x", "other words"), ran)
    assert "left 0, not 1" in fault_of(Shown("x", leaves=1), ran)


def test_rows_pass_and_fail_by_what_their_commands_do(tmp_path: Path) -> None:
    """One run, made once, which two rows read; the control is a row whose words nobody says."""
    page = read_rows(
        '| 1 | held | works | `consortium check runs/offsite` says "All checks hold" |\n'
        '| 2 | told | works | `consortium show runs/offsite` says "nobody says this" |\n'
        '| 3 | bars | works | `consortium ask runs/offsite hospital-2 funds.balance \'{"account": "x"}\'` leaves 1 |\n'
        "| 4 | waits | not yet | nothing there |\n"
    )
    judged = Acceptance(page, tmp_path, jobs=2).judge(page)
    assert [one.outcome for one in judged] == [PASSED, FAILED, PASSED, "not yet"]
    assert "nobody says this" in told(judged[1]) and "\n" not in told(judged[0])


@pytest.mark.nightly
def test_a_row_of_the_page_is_run_by_its_number(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--rows", "44,59", "--keep", str(tmp_path / "kept")]) == 0
    assert "1 passed, 1 refused" in capsys.readouterr().out
    assert (tmp_path / "kept" / "runs" / "aid_and_gifts" / "report.html").is_file()
    assert main(["--rows", "59", "--keep", str(tmp_path / "kept")]) == 2, "what lies there is not written over"
    assert main(["--rows", "143"]) == 2
