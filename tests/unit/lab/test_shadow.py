"""What the ledger computed beside the old system's file: equal, different, on one side alone; and faulty files."""

from __future__ import annotations

from pathlib import Path

import pytest

from consortium.contracts.governance.rollout import ROLLOUTS
from consortium.contracts.insurance.funds import get_balance
from consortium.core.errors import UserError
from consortium.lab.shadow import Paid, as_csv, compare, read_old, sums_of, yuan
from consortium.ledger.state import Reader, State
from consortium.scenario.load import load_scenario
from tests.simulated_runs import sound

A = Paid("H1", "H1-1", (1_250, 0, 7))
B = Paid("H1", "H1-2", (100, 20, 3))
C = Paid("H2", "H2-1", (0, 0, 500))


def test_what_is_written_is_read_as_it_was() -> None:
    assert read_old(as_csv([A, B, C]), "old.csv") == [A, B, C]
    assert read_old("\ufeff" + as_csv([A]), "old.csv") == [A]


def test_bills_are_beside_one_another_whatever_their_spelling() -> None:
    old = [A._replace(bill_no="h1-1"), B._replace(amounts_fen=(99, 20, 4)), Paid("H1", "H1-9", (1, 1, 1))]
    lines = compare([A, B, C], old)
    assert {line.bill_no: line.verdict for line in lines} == {
        "H1-1": "equal",
        "H1-2": "differs",
        "H1-9": "old system alone",
        "H2-1": "ledger alone",
    }
    assert sums_of(lines)["H1"] == ((1_350, 20, 10), (1_350, 21, 12))
    assert [line.bill_no for line in compare([A, B, C], old, "H2")] == ["H2-1"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bill_no\n1\n", "no column fixmedins_code"),
        (as_csv([A]).replace("12.50", "12.505"), "old.csv:2: fund_pay_sumamt"),
        (as_csv([A]).replace("12.50", ""), "expected yuan"),
        (as_csv([A, A]), "stands there twice"),
        (as_csv([A]).replace("H1-1", ""), "is no number of a bill"),
    ],
)
def test_a_faulty_file_is_told_with_its_line(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        read_old(text, "old.csv")


def test_yuan_are_written_to_the_fen() -> None:
    assert [yuan(fen) for fen in (0, 7, 1_250, -5)] == ["0.00", "0.07", "12.50", "-0.05"]


def test_nothing_is_paid_in_shadow_and_the_pilot_is() -> None:

    run = sound(load_scenario(Path(__file__).parents[3] / "scenarios" / "systems" / "shadow.py"))
    assert run.fullest is not None
    state = Reader(State(run.fullest.rows))
    rollout = state.get(ROLLOUTS, "H650200")
    assert rollout is not None and rollout.stage == "live" and rollout.written_off_fen > 0
    assert get_balance(state, "paid/H650100") > 0 and get_balance(state, "paid/H650200") == 0
