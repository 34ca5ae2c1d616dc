"""A leader that proposes as late as it may without losing its place: what does that cost?

From 1 s on every proposal comes three quarters of the timer late. Nobody can prove anything; service crawls.
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import BehaviourSpec, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="slow_leader",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    faults_tolerated=1,
    parameters=Parameters(batch_transactions_max=20, batch_delay_us=5_000, idle_seal_us=500_000),
    workload=Workload(
        "settlement_load", {"transactions": 240, "bundle": 2, "outstanding": 60, "interval_us": 80000, "persons": 20}
    ),
    behaviours=(BehaviourSpec("slow_leader", "leader", from_us=1_000_000, to_us=4_000_000),),
    stop=Stop(limit_us=60_000_000, stall_us=30_000_000),
)
