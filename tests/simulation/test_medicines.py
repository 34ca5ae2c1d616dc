"""Devices, vaccinations and the cold chain in whole runs: what is refused, what is stopped, what people then see."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from consortium.contracts.medicines.device_records import DEVICES
from consortium.contracts.medicines.lot_quality_records import LOT_QUALITY
from consortium.contracts.medicines.vaccination_records import DOSES
from consortium.core.contract import StateReader
from consortium.ledger.state import Reader, State
from consortium.runs.run import Run
from consortium.scenario.load import ScenarioError, load_scenario
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Workload
from consortium.scenario.workloads import devices, vaccinations
from consortium.scenario.workloads.workload import WorkloadSpec
from consortium.views import load_views
from tests.simulated_runs import outcomes, sound
from tests.views_kit import rows_of

SYSTEMS = Path(__file__).parents[2] / "scenarios" / "systems"
NAMES = ("device", "vaccination", "cold_chain")
DEVICE, VACCINATION, COLD_CHAIN = (load_scenario(SYSTEMS / f"{name}.py") for name in NAMES)
AWAY = (Fault("kill", "hospital-1", at_us=4_100_000), Fault("restart", "hospital-1", after_us=1_000_000))


def run_of(scenario: Scenario, faults: tuple[Fault, ...] = ()) -> tuple[Run, StateReader, Counter[tuple[str, str]]]:
    run = sound(scenario, faults=(*faults, *scenario.faults))
    assert run.fullest is not None
    done = Counter((one.operation, one.receipt.code) for one in outcomes(run))
    return run, Reader(State(run.fullest.rows)), done


@pytest.mark.parametrize("faults", [(), AWAY], ids=["all there", "a hospital is away meanwhile"])
def test_pieces_are_used_once_and_a_recalled_lot_goes_back(faults: tuple[Fault, ...]) -> None:
    run, state, done = run_of(DEVICE, faults)
    assert done["use", "ok"] == 6 + 2 and done["use", "device-not-ready"] == 2 and done["use", "device-recalled"] == 2
    assert done["sterilise", "ok"] == 3
    stages = Counter(one.stage for _, one in state.range(DEVICES, "", "~"))
    assert stages == {"stocked": 10, "used": 6, "soiled": 1}
    rows = rows_of(load_views()["devices"], outcomes(run), "stock")
    first = {str(key[0]): row for key, row in rows.items() if key[2] == devices.LOTS[0]}
    assert {holder: row[:3] for holder, row in first.items()} == {
        "institution/H650100": (1, 2, "yes"),
        "institution/H650200": (1, 2, "yes"),
        "supplier/supplier": (2, 0, "yes"),
    }
    forceps = rows_of(load_views()["devices"], outcomes(run), "instrument")
    assert list(forceps.values()) == [("institution/H650100", "soiled", 2, 1, 2)]


def test_doses_are_refused_of_a_lot_that_was_stopped_and_the_late_are_told_of() -> None:
    run, state, done = run_of(VACCINATION)
    assert done["give", "ok"] == 8 + 3 and done["give", "lot-quarantined"] == 4
    told = [event.fields for one in outcomes(run) for event in one.receipt.events if event.kind == "notice"]
    why = Counter(str(one["why"]) for one in told)
    assert why == {"reaction-serious": 1, "dose-overdue": 5}, "four who were refused, and one who did not come"
    views, all_of = load_views(), outcomes(run)
    assert rows_of(views["coverage"], all_of, "coverage") == {("vac-measles-2", 2026): (5, 0, 0, 13)}
    lots = rows_of(views["vaccines"], all_of, "lot")
    assert {key[0]: row[:3] for key, row in lots.items()} == {"lot-v-1": (4, 1, 1), "lot-v-2": (7, 0, 0)}
    people = {one.pseudonym for _, one in state.range(DOSES, "", "~")}
    assert len(people) == 8
    tables = (("coverage", "coverage"), ("vaccines", "lot"), ("vaccines", "institution"))
    shown = "".join(str(rows_of(views[name], all_of, table)) for name, table in tables)
    assert not any(one in shown for one in people)


def test_a_reading_stops_its_lot_in_the_same_block_and_the_producer_and_regulator_release_it() -> None:
    run, state, done = run_of(COLD_CHAIN)
    assert done["record_temperature", "ok"] == 3 and done["record_temperature", "not-yours"] == 1
    assert done["quarantine", "ok"] == 0, "the reading stops it by itself"
    assert done["ask_release", "ok"] == done["release", "ok"] == 1
    assert done["give", "ok"] == 12
    quality = state.get(LOT_QUALITY, "lot-v-2")
    assert quality is not None and quality.stage == "sound"
    broken = [one for one in outcomes(run) if any(event.kind == "cold-chain-excursion" for event in one.receipt.events)]
    assert [event.kind for event in broken[0].receipt.events] == ["cold-chain-excursion", "lot-quarantined"]
    rows = rows_of(load_views()["cold_chain"], outcomes(run), "place")
    assert rows["lot-v-2", "fridge-H650200"][:4] == (2, 450, 1_250, 1_250)
    assert rows_of(load_views()["cold_chain"], outcomes(run), "stopped") == {
        ("lot-v-2",): ("cold-chain", "hospital-2", "sound")
    }


@pytest.mark.parametrize(
    ("workload", "scenario", "options", "words"),
    [
        (devices.WORKLOAD, DEVICE, {"stays": 1}, "from 2 to 100"),
        (vaccinations.WORKLOAD, VACCINATION, {"persons": 101}, "from 1 to 100"),
        (vaccinations.WORKLOAD, VACCINATION, {"persons": 1, "late": 2}, "fewer late"),
    ],
)
def test_a_scenario_that_lacks_something_is_told_so(
    workload: WorkloadSpec, scenario: Scenario, options: dict[str, int], words: str
) -> None:
    changed = msgspec.structs.replace(scenario, workload=Workload(workload.name, options))
    with pytest.raises(ScenarioError, match=words):
        workload.prepare(changed, bytes(32))
    alone = msgspec.structs.replace(changed, members=(MemberSpec("b", "bureau"),))
    with pytest.raises(ScenarioError, match="needs"):
        workload.prepare(alone, bytes(32))
