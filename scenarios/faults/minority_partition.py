"""The leader and one other are cut off from five: do the five go on, and do the two come back?"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="minority_partition",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 8)),
    faults_tolerated=2,
    parameters=Parameters(batch_transactions_max=20, batch_delay_us=5_000, idle_seal_us=500_000),
    workload=Workload(
        "settlement_load", {"transactions": 840, "bundle": 2, "outstanding": 60, "interval_us": 80000, "persons": 20}
    ),
    faults=(
        Fault("partition", at_us=1_000_000, groups=(("node-1", "node-2"),)),
        Fault("heal", after_us=4_000_000),
    ),
    stop=Stop(limit_us=60_000_000, stall_us=30_000_000),
)
