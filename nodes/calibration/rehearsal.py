"""A rehearsal: short runs of real local processes, and the same in the simulator with the profile so far.

Steps that are measured one after another in one process run with warm caches. Real nodes share the machine, and nodes
with little to do are cold. How much more CPU they use than the profile says, busy and idle, is measured here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median

from msgspec.structs import replace

from consortium.core.genesis import Parameters
from consortium.lab.measures.measures import cpu_costs
from consortium.runs.trace import Record, TraceReader
from consortium.scenario.network.model import as_local_processes
from consortium.scenario.scenario import MemberSpec, Scenario, Workload
from consortium.simulation.costs.profile import PPM, Profile
from consortium.simulation.run import Simulation
from nodes.calibration.bus import spread_of
from nodes.conduct.conductor import run_local
from nodes.errors import UserError


def _scenario(name: str, options: dict[str, int]) -> Scenario:
    return Scenario(
        name=name,
        members=tuple(
            MemberSpec(f"hospital-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)
        ),
        parameters=Parameters(batch_delay_us=20_000, timer_base_us=4_000_000, idle_seal_us=500_000),
        workload=Workload("settlement_load", {"persons": 50, **options}),
    )


IDLE = _scenario("rehearsal_idle", {"transactions": 80, "bundle": 1, "interval_us": 200_000})
# busy with transactions in full batches, and busy with messages about small ones: the caches see another mix
BUSY = (
    _scenario("rehearsal_full", {"transactions": 6_000, "bundle": 1, "outstanding": 750}),
    _scenario("rehearsal_small", {"transactions": 2_000, "bundle": 1, "outstanding": 30}),
)


def rehearse(profile: Profile, folder: Path, repeats: int, tell: Callable[[str], None]) -> Profile:
    """The profile with `busy_ppm` and `idle_ppm`, and with `noise` where these disagree more. Raises UserError."""
    plain = replace(profile, busy_ppm=PPM, idle_ppm=PPM)
    tell("a busy consortium of four processes")
    factors: list[list[int]] = []
    for scenario in BUSY:
        spent_us = _simulated_us(scenario, plain)
        runs = [folder / f"{scenario.name}-{i}" for i in range(repeats)]
        factors.append([PPM * _real_us(scenario, profile.broker, run) // spent_us for run in runs])
    busy = round(sum(median(each) for each in factors) / len(factors))
    tell("an idle consortium of four processes")
    spent_us = _simulated_us(IDLE, plain)
    cold_us = max(1, _simulated_us(IDLE, replace(plain, idle_ppm=2 * PPM)) - spent_us)
    real_us = [_real_us(IDLE, profile.broker, folder / f"idle-{i}") for i in range(repeats)]
    idle = busy + round((PPM * median(real_us) - busy * spent_us) / cold_us)  # what is not cold costs as when busy
    noise = round(max(profile.noise, *map(spread_of, factors), spread_of(real_us)), 3)
    return replace(profile, busy_ppm=busy, idle_ppm=max(busy, idle), noise=noise)


def _real_us(scenario: Scenario, broker: str, folder: Path) -> int:
    """The CPU of real nodes."""
    outcome = run_local(scenario, folder, broker, lambda _: None)
    if outcome.verdict != "done":
        raise UserError(f"the rehearsal did not come to its end: {outcome.sentence}")
    return _cpu_us(list(TraceReader(folder / "trace.jsonl")))


def _simulated_us(scenario: Scenario, profile: Profile) -> int:
    """The CPU of simulated ones."""
    simulation = Simulation(replace(scenario, network=as_local_processes(scenario.network)), profile=profile)
    return max(1, _cpu_us(simulation.run().trace))


def _cpu_us(trace: list[Record]) -> int:
    return sum(costs.get("cpu_us", 0) for costs in cpu_costs(trace).values())
