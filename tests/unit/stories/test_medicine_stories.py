"""Devices, packs and vaccinations are told to whoever may read them: what was done with each, and when."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from consortium.commands.app import app
from consortium.commands.folders import save_ledger
from consortium.roles.supplier import compute_trace_codes
from consortium.runs.folder import write_simulated
from consortium.scenario.load import load_scenario
from consortium.scenario.workloads.devices import FORCEPS
from tests.simulated_runs import sound

SYSTEMS = Path(__file__).parents[3] / "scenarios" / "systems"


def run_of(name: str, folder: Path) -> Path:
    write_simulated(folder, sound(load_scenario(SYSTEMS / f"{name}.py")), save_ledger)
    return folder


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_of("device", tmp_path_factory.mktemp("device") / "run")


def test_an_instrument_is_told_with_every_use_and_cycle(devices: Path) -> None:
    done = CliRunner().invoke(app, ["show", str(devices), "device", f"{FORCEPS}/FC-001", "--json"])
    told = json.loads(done.output)
    kept = [(one["what"], one["bill_no"], one["is_passed"]) for one in told["uses_and_cycles"]]
    assert kept == [
        ("sterilise", "", True),
        ("use", "h650100-0000", False),
        ("sterilise", "", False),
        ("sterilise", "", True),
        ("use", "h650100-0001", False),
    ]
    assert [step["operation"] for step in told["steps"]][:2] == ["device.register", "device.transfer"]


def test_a_device_of_another_is_told_to_nobody_else(devices: Path) -> None:
    asked = ["show", str(devices), "device", f"{FORCEPS}/FC-001", "--member", "hospital-2"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 1 and "not-yours" in done.output


def test_a_pack_is_told_with_the_days_of_its_lot(tmp_path: Path) -> None:
    code = compute_trace_codes("o-suspected-002", 2)[1]
    done = CliRunner().invoke(app, ["show", str(run_of("lot_faults", tmp_path / "run")), "code", code])
    assert "2024-01-01" in done.output and "2027-12-31" in done.output
    assert "quarantine" in done.output, "what befell its lot is told, too"


def test_a_series_is_told_with_what_came_after_a_dose_and_a_lot_with_its_doses(tmp_path: Path) -> None:
    run = str(run_of("vaccination", tmp_path / "run"))
    lot = json.loads(CliRunner().invoke(app, ["show", run, "lot", "lot-v-1", "--json"]).output)
    assert [one["dose_no"] for one in lot["doses"]] == [f"H650100:000{person}.1" for person in (0, 2, 4, 6)]
    series = f"{lot['doses'][0]['pseudonym']}/vac-measles-2"
    told = CliRunner().invoke(app, ["show", run, "vaccination", series]).output
    assert "anaphylaxis !" in told and "2026-04-29" in told
    hidden = CliRunner().invoke(app, ["show", run, "lot", "lot-v-1", "--json", "--member", "supplier"]).output
    assert "doses" not in json.loads(hidden), "a producer is told who holds packs, and of no dose"
