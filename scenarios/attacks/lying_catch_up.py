"""A member comes back after 2 s and asks a liar first: does it believe wrong blocks, heights, certificates?"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import BehaviourSpec, Fault, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="lying_catch_up",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 8)),
    faults_tolerated=2,
    parameters=Parameters(batch_transactions_max=20, batch_delay_us=5_000, idle_seal_us=500_000),
    workload=Workload(
        "settlement_load", {"transactions": 700, "bundle": 2, "outstanding": 60, "interval_us": 80000, "persons": 20}
    ),
    behaviours=(BehaviourSpec("lying_catch_up", "node-1,node-2"),),
    faults=(
        Fault("kill", "node-7", at_us=800_000),
        Fault("restart", "last", after_us=2_000_000),
    ),
    stop=Stop(limit_us=60_000_000, stall_us=30_000_000),
)
