"""A member that is not told all blocks again, for a snapshot or for their number, ends its working day like everybody
else."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from consortium.core.genesis import Parameters
from consortium.ledger import chain
from consortium.scenario.load import load_scenario
from consortium.scenario.scenario import Fault, Stop, Workload
from tests.sampling import sampled
from tests.simulated_runs import failures, simulated

SCENARIOS = Path(__file__).parents[2] / "scenarios"


MEMBERS = ("hospital-1", "pharmacy-1", "bureau", "regulator", "supplier")


@pytest.mark.parametrize("who", sampled(MEMBERS, 1, always=("hospital-1",)))
def test_a_member_that_missed_blocks_and_began_at_a_snapshot_is_done_and_every_claim_is_answered(who: str) -> None:
    """Regression (adversarial tester, finding 12): the day of hospital and pharmacy ended with "no progress". The
    member is killed once more afterwards, so that its role also begins at the snapshot."""
    options = {"data": str(SCENARIOS / "data" / "synthea_40"), "claims_max": 40, "duration_us": 20_000_000}
    scenario = msgspec.structs.replace(
        load_scenario(SCENARIOS / "claim_day.py"),
        parameters=Parameters(snapshot_gap=20, checkpoint_interval=4, window=8),
        suite="keyed-hash",
        workload=Workload("claim_day", options),
        faults=(
            Fault("kill", who, at_us=3_000_000),
            Fault("restart", "last", at_us=12_000_000),
            Fault("kill", who, at_us=14_000_000),
            Fault("restart", "last", at_us=14_500_000),
        ),
        stop=Stop(limit_us=100_000_000, stall_us=40_000_000),
    )
    run = simulated(scenario)
    if who != "supplier":  # its absence leaves the others too little to do
        assert [note["node"] for note in run.trace if note["kind"] == "snapshot"] == [who]
    assert failures(run) == []


@pytest.mark.parametrize("who", sampled(MEMBERS[:4], 1, always=("pharmacy-1",)))
def test_a_member_that_boots_is_told_the_newest_blocks_alone_and_does_nothing_twice(
    who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Boot must not grow with the chain: three blocks are told here, and every transaction still takes effect once."""
    monkeypatch.setattr(chain, "TOLD_MAX", 3)
    told: list[int] = []
    tell = chain.Ledger.receipted
    monkeypatch.setattr(chain.Ledger, "receipted", lambda self, height: told.append(height) or tell(self, height))  # type: ignore[func-returns-value]
    options = {"data": str(SCENARIOS / "data" / "synthea_40"), "claims_max": 40, "duration_us": 8_000_000}
    faults = [(Fault("kill", who, at_us=at_us), Fault("restart", "last", after_us=300_000)) for at_us in TIMES_US]
    scenario = msgspec.structs.replace(
        load_scenario(SCENARIOS / "claim_day.py"),
        parameters=Parameters(checkpoint_interval=4, window=8),
        suite="keyed-hash",
        workload=Workload("claim_day", options),
        faults=tuple(fault for pair in faults for fault in pair),
        stop=Stop(limit_us=100_000_000, stall_us=40_000_000),
    )
    run = simulated(scenario)
    assert len(told) == 3 * len(TIMES_US)
    assert failures(run) == []


TIMES_US = (2_000_000, 4_000_000, 6_500_000)
