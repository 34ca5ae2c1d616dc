"""A member that votes for two batches at every height: is it caught, and does it change anything?"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import BehaviourSpec, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="double_votes",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    faults_tolerated=1,
    parameters=Parameters(batch_transactions_max=20, batch_delay_us=5_000, idle_seal_us=500_000),
    workload=Workload(
        "settlement_load", {"transactions": 400, "bundle": 2, "outstanding": 60, "interval_us": 80000, "persons": 20}
    ),
    behaviours=(BehaviourSpec("double_votes", "node-4", from_us=500_000),),
    stop=Stop(limit_us=60_000_000, stall_us=30_000_000),
)
