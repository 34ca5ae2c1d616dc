"""One traitor too many: f+1 of seven conspire. Is the fork found, and are they named, and nobody else?

The positive control of all that is promised for f traitors, and what `accomplices` becomes with a third: the leader
orders two batches, and two accomplices help it to tell each camp what it wants to hear. Here the right answer is exit
status 1: the check «agreement» fails, and names at least f+1 = 3 culprits by their signatures.
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import BehaviourSpec, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="fork",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 8)),
    faults_tolerated=2,
    parameters=Parameters(batch_transactions_max=20, batch_delay_us=5_000, idle_seal_us=500_000),
    workload=Workload(
        "settlement_load", {"transactions": 280, "bundle": 2, "outstanding": 60, "interval_us": 80000, "persons": 20}
    ),
    behaviours=(
        BehaviourSpec(
            "equivocating_leader",
            "leader",
            from_us=1_000_000,
            options={"groups": [["node-2", "node-4", "node-5"], ["node-3", "node-6", "node-7"]]},
        ),
        BehaviourSpec("double_votes", "f+1", from_us=1_000_000, options={"accomplice": True}),
    ),
    stop=Stop(limit_us=12_000_000, stall_us=5_000_000),
)
