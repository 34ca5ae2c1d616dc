"""The leader falls silent, and the next one says a NEW-VIEW that does not follow: how long until the third leads?"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import BehaviourSpec, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="bad_new_view",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 8)),
    faults_tolerated=2,
    parameters=Parameters(batch_transactions_max=20, batch_delay_us=5_000, idle_seal_us=500_000),
    workload=Workload(
        "settlement_load", {"transactions": 700, "bundle": 2, "outstanding": 60, "interval_us": 80000, "persons": 20}
    ),
    behaviours=(
        BehaviourSpec("silent", "node-1", from_us=1_000_000),
        BehaviourSpec("bad_new_view", "node-2"),
    ),
    stop=Stop(limit_us=60_000_000, stall_us=30_000_000),
)
