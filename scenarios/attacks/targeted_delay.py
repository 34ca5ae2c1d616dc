"""One member serves the others at once and one of them late: does the late one keep up, and is nobody deposed for it?

The leader speaks 0.3 s late to one member.
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import BehaviourSpec, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="targeted_delay",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    faults_tolerated=1,
    parameters=Parameters(batch_transactions_max=20, batch_delay_us=5_000, idle_seal_us=500_000),
    workload=Workload(
        "settlement_load", {"transactions": 400, "bundle": 2, "outstanding": 60, "interval_us": 80000, "persons": 20}
    ),
    behaviours=(
        BehaviourSpec("targeted_delay", "leader", from_us=500_000, options={"to": ["node-3"], "delay_us": 300_000}),
    ),
    stop=Stop(limit_us=60_000_000, stall_us=30_000_000),
)
