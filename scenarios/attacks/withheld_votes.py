"""f members that keep their votes to themselves: does the quorum stand without them?"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import BehaviourSpec, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="withheld_votes",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 8)),
    faults_tolerated=2,
    parameters=Parameters(batch_transactions_max=20, batch_delay_us=5_000, idle_seal_us=500_000),
    workload=Workload(
        "settlement_load", {"transactions": 700, "bundle": 2, "outstanding": 60, "interval_us": 80000, "persons": 20}
    ),
    behaviours=(BehaviourSpec("withheld_votes", "node-6,node-7", from_us=500_000),),
    stop=Stop(limit_us=60_000_000, stall_us=30_000_000),
)
