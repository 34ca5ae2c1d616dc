"""A leader that is up and says nothing: how long until the others do without it?

From 1 s on the leader of view 0 keeps quiet, and at 3 s it speaks again: it must find its place as a backup.
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import BehaviourSpec, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="silent",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    faults_tolerated=1,
    parameters=Parameters(batch_transactions_max=20, batch_delay_us=5_000, idle_seal_us=500_000),
    workload=Workload(
        "settlement_load", {"transactions": 400, "bundle": 2, "outstanding": 60, "interval_us": 80000, "persons": 20}
    ),
    behaviours=(BehaviourSpec("silent", "leader", from_us=1_000_000, to_us=3_000_000),),
    stop=Stop(limit_us=60_000_000, stall_us=30_000_000),
)
