"""The leader's wall clock jumps an hour ahead: who orders now, and what time does the ledger show?"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="clock_jump",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    faults_tolerated=1,
    parameters=Parameters(batch_transactions_max=20, batch_delay_us=5_000, idle_seal_us=500_000),
    workload=Workload(
        "settlement_load", {"transactions": 600, "bundle": 2, "outstanding": 60, "interval_us": 80000, "persons": 20}
    ),
    faults=(
        Fault("clock_jump", "leader", at_us=1_000_000, options={"wall_us": 3_600_000_000}),
        Fault("clock_jump", "node-3", after_us=500_000, options={"wall_us": -5_000_000, "monotonic_us": 2_000_000}),
    ),
    stop=Stop(limit_us=60_000_000, stall_us=30_000_000),
)
