"""The worked cases through the importer: tables in, a run, ExplanationOfBenefit out, to the fen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from consortium.commands import app as cli
from consortium.commands.folders import save_ledger
from consortium.runs.folder import write_simulated
from consortium.scenario.load import load_scenario
from tests.simulated_runs import failures, simulated
from tests.worked_cases_kit import CASES, amounts_of

SCENARIO = Path(__file__).parents[2] / "scenarios" / "systems" / "worked_cases.py"


def test_bills_out_of_tables_are_paid_to_the_fen_and_told_so_in_fhir(tmp_path: Path) -> None:
    run = simulated(load_scenario(SCENARIO))
    assert failures(run) == []
    write_simulated(tmp_path / "run", run, save_ledger)
    with pytest.raises(SystemExit) as left:
        cli.main(["export", str(tmp_path / "run"), "--out", str(tmp_path / "out")])
    assert not left.value.code
    lines = (tmp_path / "out" / "ExplanationOfBenefit.ndjson").read_text(encoding="utf-8").splitlines()
    found = [amounts_of(json.loads(line)) for line in lines]
    assert len(found) == len(CASES)
    for case in CASES:
        same = [each for each in found if case.right.items() <= each.items()]
        assert len(same) == 1, case.name
