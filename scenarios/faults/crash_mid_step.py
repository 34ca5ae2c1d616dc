"""A node dies between two outputs of one step, five times: is what it had said and not kept ever missed?"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="crash_mid_step",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    faults_tolerated=1,
    parameters=Parameters(batch_transactions_max=20, batch_delay_us=5_000, idle_seal_us=500_000),
    workload=Workload(
        "settlement_load", {"transactions": 600, "bundle": 2, "outstanding": 60, "interval_us": 80000, "persons": 20}
    ),
    faults=(
        Fault("kill", "node-2", at_us=800_000, options={"outputs": 1}),
        Fault("restart", "last", after_us=500_000),
        Fault("kill", "node-3", after_us=300_000, options={"outputs": 2}),
        Fault("restart", "last", after_us=500_000),
        Fault("kill", "node-4", after_us=300_000, options={"outputs": 3}),
        Fault("restart", "last", after_us=500_000),
        Fault("kill", "node-1", after_us=300_000, options={"outputs": 4}),
        Fault("restart", "last", after_us=500_000),
        Fault("kill", "node-2", after_us=300_000, options={"outputs": 5}),
        Fault("restart", "last", after_us=500_000),
    ),
    stop=Stop(limit_us=60_000_000, stall_us=30_000_000),
)
