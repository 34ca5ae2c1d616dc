"""`consortium analyse` over a finished run: what it sums is what the ledger paid."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from consortium.commands import app as cli
from consortium.commands.analyse import _by_month, _forecast, _town_and_country
from tests.finished_run import finished_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finished_run(tmp_path_factory.mktemp("analysed") / "run")


def say(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as left:
        cli.main(list(words))
    return int(left.value.code or 0), capsys.readouterr().out


def test_regions_and_months_add_up_to_what_persons_were_paid(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = say(capsys, "analyse", str(run), "--json")
    found: dict[str, Any] = json.loads(out)
    _, told = say(capsys, "view", str(run), "statement", "--json")
    paid_fen = sum(row["fund_pay_sumamt"] for row in json.loads(told)["tables"]["year"])
    assert status == 0 and paid_fen > 0
    for table in ("region", "month", "town_and_country"):
        assert sum(row["fund_pay_fen"] for row in found[table]) == paid_fen, table
    assert {row["account"] for row in found["funds"]} >= {"fund/employee-pool", "fund/medical-aid"}
    assert say(capsys, "analyse", str(run))[0] == 0
    assert say(capsys, "analyse", str(run), "--ahead", "0")[0] == 2


def test_a_month_without_any_service_is_a_month() -> None:
    rows = [{"month": 202611, "fund_pay_fen": 5}, {"month": 202702, "fund_pay_fen": 7}]
    assert dict(_by_month(rows)) == {202611: 5, 202612: 0, 202701: 0, 202702: 7}
    assert _forecast([5, 5, 5, 99], 2) == [{"months": 2, "expected_fen": 10, "low_fen": 10, "high_fen": 10}]
    assert _forecast([5, 5, 99], 2) == []


def test_country_is_what_who_asks_calls_so() -> None:
    rows = [
        {"region": "a-county", "settled": 1, "fund_pay_fen": 10},
        {"region": "b", "settled": 2, "fund_pay_fen": 30},
        {"region": "c", "settled": 0, "fund_pay_fen": 0},
    ]
    by_name = {row["kind"]: row["fund_pay_fen"] for row in _town_and_country(rows, ())}
    assert by_name == {"country": 10, "town": 30}
    assert {row["kind"]: row["of_each_fen"] for row in _town_and_country(rows, ("b",))} == {"country": 15, "town": 10}
