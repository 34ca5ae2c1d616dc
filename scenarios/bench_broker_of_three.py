"""One of three brokers dies under 200 transactions a second: do users notice?

With `--broker mosquitto,mosquitto,mosquitto`. With one broker nothing dies, which is what to compare with."""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

SECONDS = 60
SCENARIO = Scenario(
    name="broker_of_three",
    members=tuple(MemberSpec(f"node-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    parameters=Parameters(batch_delay_us=10_000),
    workload=Workload(
        "settlement_load",
        {"transactions": 200 * SECONDS, "bundle": 5, "outstanding": 2_000, "interval_us": 100_000, "persons": 20},
    ),
    faults=(
        Fault("broker_kill", at_us=SECONDS // 2 * 1_000_000, options={"number": 2}),
        Fault("broker_restart", after_us=SECONDS // 4 * 1_000_000, options={"number": 2}),
    ),
    stop=Stop(limit_us=240_000_000, stall_us=30_000_000),
)
