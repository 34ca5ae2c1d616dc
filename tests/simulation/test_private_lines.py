"""Lines of bills: given over the bus, judged by two, held where a dishonest hospital padded its sums."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from consortium.core.codec import encode
from consortium.core.machine import Rows
from consortium.lab.checks.money import stored_balances
from consortium.runs.run import Run
from consortium.scenario.load import load_scenario
from consortium.scenario.scenario import Fault
from tests.simulated_runs import failures, findings, simulated

ROOT = Path(__file__).resolve().parents[2]
PADDED = 5


def count(rows: Rows, table: str) -> int:
    return len(rows.range("state", f"{table}\x00".encode(), f"{table}\x01".encode()))


@pytest.fixture(scope="module")
def run() -> Run:
    scenario = load_scenario(ROOT / "scenarios" / "systems" / "private_lines.py")
    return simulated(scenario)


def test_every_padded_bill_is_found_and_held_and_no_other(run: Run) -> None:
    assert failures(run) == []
    noted = findings(run, "lines-differ")
    found, by = {note["records"] for note in noted}, {note["node"] for note in noted}
    assert len(found) == PADDED and by == {"bureau", "regulator"}, "both see it, each by itself"
    rows = run.ledgers["regulator"]
    balances = stored_balances(rows)
    disputed = {name: fen for name, fen in balances.items() if name.startswith("disputed/")}
    words = [msgspec.msgpack.decode(raw) for _, raw in rows.range("state", b"lines_word\x00", b"lines_word\x01")]
    assert [word["what"] for word in words if word["stage"] == "disputed"] == ["sums"] * PADDED
    assert len(disputed) >= PADDED - 1 and all(fen > 0 for fen in disputed.values()), "of one the funds pay nothing"
    assert {name for name, fen in balances.items() if name.startswith("unconfirmed/") and fen} == set()
    assert count(rows, "hold") == PADDED and count(rows, "lines_word") > 80


def test_who_judges_was_given_the_lines_and_every_read_was_written_down(run: Run) -> None:
    issued = count(run.ledgers["bureau"], "lines_word")
    for judge_name in ("bureau", "regulator"):
        names = run.vaults[judge_name].names()
        assert sum(name.startswith("lines/") for name in names) == issued
        assert sum(name.startswith(".audit/") for name in names) == issued
    given = [name for hospital in ("hospital-1", "hospital-2") for name in run.vaults[hospital].names()]
    assert sum(name.startswith(".audit/") for name in given) == 2 * issued


def test_no_line_is_in_a_ledger_or_the_trace(run: Run) -> None:
    """Items of trace codes are, as what was sold; an item without a code is nowhere but in the catalogue."""
    rows = run.ledgers["bureau"]
    bills = [value for _, value in rows.range("state", b"bill\x00", b"bill\x01")]
    assert bills and not any(b"med_list_codg" in bill and b"pric" in bill for bill in bills)
    assert b"pric" not in encode([list(run.trace)])


def test_a_bureau_that_dies_among_its_readings_judges_each_bill_once(run: Run) -> None:
    faults = (Fault("kill", "bureau", at_us=4_000_000), Fault("restart", "bureau", after_us=2_000_000))
    again = simulated(msgspec.structs.replace(run.scenario, faults=faults))
    assert failures(again) == []
    assert count(again.ledgers["bureau"], "lines_word") == count(run.ledgers["bureau"], "lines_word")
