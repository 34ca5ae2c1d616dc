"""A run ends when work waits and nothing moves, not when there is nothing to do."""

from __future__ import annotations

from msgspec.structs import replace

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload
from consortium.simulation.run import simulate

IDLE = Scenario(
    name="idle",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    parameters=Parameters(idle_seal_us=200_000),
    workload=Workload("settlement_load", {"transactions": 8, "persons": 5}),
    suite="keyed-hash",
    stop=Stop(when_done=False, limit_us=60_000_000, stall_us=5_000_000),
)


def test_an_idle_consortium_is_not_taken_for_one_that_stands_still() -> None:
    """Regression: it was stopped after `stall_us`, though nothing waited."""
    ran = simulate(IDLE)
    assert ran.ended_us >= 60_000_000 - 50_000


def test_work_that_waits_without_a_quorum_stands_still() -> None:
    """The positive control."""
    faults = (Fault("kill", "node-1", at_us=10_000), Fault("kill", "node-2", at_us=10_000))
    ran = simulate(replace(IDLE, faults=faults))
    assert ran.is_stalled and ran.ended_us < 30_000_000
