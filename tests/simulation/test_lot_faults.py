"""The source of a fault is found by the regulator itself; what was made with it is stopped, and nothing else is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from consortium.contracts.medicines.lot_quality_records import LOT_QUALITY
from consortium.contracts.medicines.packs import LOTS, PACKS
from consortium.ledger.state import Reader, State
from consortium.scenario.load import ScenarioError, load_scenario
from consortium.scenario.scenario import Fault, MemberSpec
from consortium.scenario.workloads.lot_faults import PACKS as PACKS_A_LOT
from consortium.scenario.workloads.lot_faults import WORKLOAD
from tests.simulated_runs import findings, outcomes, sound

SCENARIO = load_scenario(Path(__file__).parents[2] / "scenarios" / "systems" / "lot_faults.py")
AWAY = (Fault("kill", "regulator", at_us=700_000), Fault("restart", "regulator", after_us=3_000_000))


@pytest.mark.parametrize("faults", [(), AWAY], ids=["all there", "the regulator is away meanwhile"])
def test_what_was_made_of_the_common_material_is_stopped_and_goes_back(faults: tuple[Fault, ...]) -> None:
    run = sound(SCENARIO, faults=faults)
    assert run.fullest is not None
    state = Reader(State(run.fullest.rows))
    quality = {lot_no: (one.stage, one.faults) for lot_no, one in state.range(LOT_QUALITY, "", "~")}
    assert quality == {
        "lot-o-faulty-000": ("quarantined", 1),
        "lot-o-faulty-001": ("quarantined", 1),
        "lot-o-sound-003": ("sound", 0),
        "lot-o-suspected-002": ("sound", 0),
    }
    assert [lot_no for lot_no, lot in state.range(LOTS, "", "~") if lot.is_recalled] == [
        "lot-o-faulty-000",
        "lot-o-faulty-001",
    ]
    held = Counter((pack.lot_no, pack.holder) for _, pack in state.range(PACKS, "", "~"))
    assert held["lot-o-faulty-000", "supplier/supplier"] == held["lot-o-faulty-001", "supplier/supplier"] == PACKS_A_LOT
    done = Counter((one.operation, one.receipt.code) for one in outcomes(run))
    assert done["quarantine", "ok"] == 3 and done["release", "ok"] == 1
    assert done["sell", "lot-quarantined"] == 1 and done["sell", "ok"] == 3
    assert any("material raw-7: 2 of 3 lots have faults" in note["records"] for note in findings(run, "common-source"))


@pytest.mark.parametrize(
    ("members", "options", "words"),
    [
        ((MemberSpec("b", "bureau"),), {}, "needs a 'pharmacy'"),
        (SCENARIO.members, {"sound": -1}, "no number below 0"),
        (SCENARIO.members, {"faulty": 201}, "1 to 200 lots"),
    ],
)
def test_a_scenario_that_lacks_something_is_told_so(
    members: tuple[MemberSpec, ...], options: dict[str, int], words: str
) -> None:
    workload = msgspec.structs.replace(SCENARIO.workload, options=options)
    with pytest.raises(ScenarioError, match=words):
        WORKLOAD.prepare(msgspec.structs.replace(SCENARIO, members=members, workload=workload), b"k" * 32)
