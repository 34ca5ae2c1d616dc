"""All but one keep the newest blocks alone, and one of them loses its disk: from whom does it get its ledger?"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

KEPT = 24  # blocks: the least that a window of 16 and checkpoints each 8 heights allow

SCENARIO = Scenario(
    name="archive",
    members=tuple(
        MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}, keep_blocks=KEPT if index < 4 else 0)
        for index in range(1, 5)
    ),
    faults_tolerated=1,
    parameters=Parameters(
        checkpoint_interval=8, window=16, batch_transactions_max=20, batch_delay_us=5_000, idle_seal_us=500_000
    ),
    workload=Workload(
        "settlement_load", {"transactions": 600, "bundle": 2, "outstanding": 60, "interval_us": 80_000, "persons": 20}
    ),
    faults=(
        Fault("kill", "node-2", at_height=60),
        Fault("restart", "last", after_us=500_000, options={"disk": "empty"}),
    ),
    stop=Stop(limit_us=60_000_000, stall_us=30_000_000),
)
