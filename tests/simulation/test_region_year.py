"""A region's year in its small form: every system has work in it, all of it is done, all checks hold, and what patients
told stays with their hospitals."""

from __future__ import annotations

from collections import Counter

import pytest

from consortium.lab.checks.claims import judge
from consortium.roles.hospital import HospitalTasks
from consortium.runs.run import Run
from consortium.scenario.assemble import prepare
from consortium.scenario.inputs import encode_work
from consortium.scenario.workloads.region_care import PATIENT_NOTE
from consortium.simulation.run import Simulation
from scenarios.region_year import year
from tests.canaries import Canary, Net

VISITS = 80
SMALL = {"persons": 80, "visits": VISITS, "policies": 3, "applicants": 4, "cash": 2, "records": 4, "erased": 2,
         "heirs": 10, "wrong": 6, "padded": 1}  # fmt: skip
EXPECTED = {
    "account_carry", "agreement", "bill", "channel", "enrolment", "gift", "identity", "institution", "lot_quality",
    "patient_claim", "procurement", "reconciliation", "record", "second_payer", "settlement", "trace_code",
}  # fmt: skip


@pytest.fixture(scope="module")
def frames() -> list[bytes]:
    return []


@pytest.fixture(scope="module")
def simulation(frames: list[bytes]) -> Simulation:
    """Fourteen members instead of 28: the same year takes half as long."""
    scenario = year(hospitals=4, pharmacies=2, **SMALL)
    simulation = Simulation(scenario, watch=lambda seen: frames.append(seen.payload))
    assert simulation.run().is_done
    return simulation


def test_every_system_has_work_in_a_regions_year(simulation: Simulation) -> None:
    ledger = simulation.nodes["bureau"].host.parts.ledger
    took_effect: Counter[str] = Counter()
    for height in range(1, ledger.head_height + 1):
        block = ledger.receipted(height)
        assert block is not None
        took_effect.update(outcome.contract for outcome in block.outcomes if outcome.receipt.is_ok)
    assert set(took_effect) >= EXPECTED
    assert took_effect["agreement"] >= 12 * 6, "every month of every institution was judged"


def test_all_checks_hold_over_a_regions_year(simulation: Simulation) -> None:
    ledgers = {name: node.disk.rows for name, node in simulation.nodes.items()}
    vaults = {name: node.disk.boxes for name, node in simulation.nodes.items()}
    run = Run(simulation.scenario, simulation.genesis, simulation.trace, ledgers, vaults=vaults)
    assert [(one.name, one.failures) for one in judge(run) if one.failed] == []


def test_what_patients_told_is_in_no_frame_trace_or_ledger(simulation: Simulation, frames: list[bytes]) -> None:
    net = Net([Canary("text", PATIENT_NOTE.format(serial)) for serial in range(VISITS)])
    assert net.caught(b"\n".join(frames)) == set()
    assert net.caught("\n".join(map(repr, simulation.trace)).encode()) == set()
    for name, node in simulation.nodes.items():
        rows = [value for _, value in node.disk.rows.each("batch")] if name == "bureau" else []
        votes = [record for block in node.disk.votes for record, _ in block]
        assert net.caught(b"\n".join([*rows, *votes])) == set(), name
    work = prepare(simulation.scenario, bytes(32)).work
    holders = [name for name, own in work.items() if net.caught(encode_work(own))]
    assert holders and all(work[name].of(HospitalTasks).visits for name in holders), "the control: hospitals have it"
