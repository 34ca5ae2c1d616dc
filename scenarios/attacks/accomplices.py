"""An equivocating leader with one accomplice, who tells each half what it wants to hear: f = 2, so do they fail?

n = 7. A third traitor would fork the ledger, as scenarios/attacks/fork.py shows.
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import BehaviourSpec, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="accomplices",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 8)),
    faults_tolerated=2,
    parameters=Parameters(batch_transactions_max=20, batch_delay_us=5_000, idle_seal_us=500_000),
    workload=Workload(
        "settlement_load", {"transactions": 700, "bundle": 2, "outstanding": 60, "interval_us": 80000, "persons": 20}
    ),
    behaviours=(
        BehaviourSpec("equivocating_leader", "leader", from_us=1_000_000),
        BehaviourSpec("double_votes", "leader,node-2", from_us=1_000_000, options={"accomplice": True}),
    ),
    stop=Stop(limit_us=60_000_000, stall_us=30_000_000),
)
