"""The broker dies for two seconds: is anything lost that was taken?"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="broker_death",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    faults_tolerated=1,
    parameters=Parameters(batch_transactions_max=20, batch_delay_us=5_000, idle_seal_us=500_000),
    workload=Workload(
        "settlement_load", {"transactions": 600, "bundle": 2, "outstanding": 60, "interval_us": 80000, "persons": 20}
    ),
    faults=(
        Fault("broker_kill", at_us=1_000_000),
        Fault("broker_restart", after_us=2_000_000),
    ),
    stop=Stop(limit_us=60_000_000, stall_us=30_000_000),
)
