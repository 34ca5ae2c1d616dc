"""A member asks for views up to 2^53: does anybody run after it, or overflow?"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import BehaviourSpec, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="view_inflation",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    faults_tolerated=1,
    parameters=Parameters(batch_transactions_max=20, batch_delay_us=5_000, idle_seal_us=500_000),
    workload=Workload(
        "settlement_load", {"transactions": 400, "bundle": 2, "outstanding": 60, "interval_us": 80000, "persons": 20}
    ),
    behaviours=(BehaviourSpec("view_inflation", "node-4", from_us=300_000, options={"every_us": 50_000}),),
    stop=Stop(limit_us=60_000_000, stall_us=30_000_000),
)
