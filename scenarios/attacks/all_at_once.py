"""Two traitors with every vice that two can have: does anything that an honest member was promised break?"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import BehaviourSpec, Fault, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="all_at_once",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 8)),
    faults_tolerated=2,
    parameters=Parameters(batch_transactions_max=20, batch_delay_us=5_000, idle_seal_us=500_000),
    workload=Workload(
        "settlement_load", {"transactions": 700, "bundle": 2, "outstanding": 60, "interval_us": 80000, "persons": 20}
    ),
    behaviours=(
        BehaviourSpec("equivocating_leader", "leader", from_us=1_000_000),
        BehaviourSpec("double_votes", "leader", from_us=1_000_000),
        BehaviourSpec("view_inflation", "node-2", from_us=500_000),
        BehaviourSpec("bad_new_view", "node-2"),
        BehaviourSpec("lying_catch_up", "node-2"),
        BehaviourSpec("replayed_messages", "node-2", from_us=500_000),
    ),
    faults=(
        Fault("kill", "node-7", at_us=1_500_000),
        Fault("restart", "last", after_us=1_500_000),
    ),
    stop=Stop(limit_us=60_000_000, stall_us=30_000_000),
)
