"""The leader dies and one VIEW-CHANGE lies about what was prepared: does the new view keep every promise of the old?

n = 7: one member is killed, two lie: one with forged certificates, one by leaving out its own.
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import BehaviourSpec, Fault, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="poisoned_view_change",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 8)),
    faults_tolerated=2,
    parameters=Parameters(batch_transactions_max=20, batch_delay_us=5_000, idle_seal_us=500_000),
    workload=Workload(
        "settlement_load", {"transactions": 700, "bundle": 2, "outstanding": 60, "interval_us": 80000, "persons": 20}
    ),
    behaviours=(
        BehaviourSpec("poisoned_view_change", "node-6", options={"provoke_us": 200_000}),
        BehaviourSpec("poisoned_view_change", "node-7", options={"lie": "omit"}),
    ),
    faults=(
        Fault("pause", "node-1", at_us=1_200_000),
        Fault("resume", "node-1", after_us=2_500_000),
    ),
    stop=Stop(limit_us=60_000_000, stall_us=30_000_000),
)
