"""Clocks that run a tenth fast and a tenth slow: do timers still agree well enough?"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="clock_drift",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    faults_tolerated=1,
    parameters=Parameters(batch_transactions_max=20, batch_delay_us=5_000, idle_seal_us=500_000),
    workload=Workload(
        "settlement_load", {"transactions": 600, "bundle": 2, "outstanding": 60, "interval_us": 80000, "persons": 20}
    ),
    faults=(
        Fault("clock_drift", "node-2", at_us=300_000, options={"wall_ppm": 100_000, "monotonic_ppm": 100_000}),
        Fault("clock_drift", "node-3", options={"wall_ppm": -100_000, "monotonic_ppm": -100_000}),
        Fault("kill", "leader", after_us=1_000_000),
        Fault("restart", "last", after_us=2_000_000),
    ),
    stop=Stop(limit_us=60_000_000, stall_us=30_000_000),
)
