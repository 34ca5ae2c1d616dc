"""A node comes back with an empty disk: does it get the ledger back, and vote only when no lost vote binds it?"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="empty_disk",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    faults_tolerated=1,
    parameters=Parameters(batch_transactions_max=20, batch_delay_us=5_000, idle_seal_us=500_000),
    workload=Workload(
        "settlement_load", {"transactions": 600, "bundle": 2, "outstanding": 60, "interval_us": 80000, "persons": 20}
    ),
    faults=(
        Fault("kill", "node-4", at_us=1_500_000),
        Fault("restart", "last", after_us=500_000, options={"disk": "empty"}),
    ),
    stop=Stop(limit_us=60_000_000, stall_us=30_000_000),
)
