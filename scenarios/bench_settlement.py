"""How many settlements a second can four validators on this machine agree on, and where does the CPU go?

Four validators as local processes; each submits a quarter of 40,000 settlement transactions of about 500 bytes that
were signed before the run. Every node verifies every signature, keeps every block durably and computes a state root
for each. At the end: committed tx/s, CPU microseconds a transaction by cost, and the ceiling that this machine's own
measured costs would allow.

    consortium run scenarios/bench_settlement.py --broker mosquitto
    consortium run scenarios/bench_settlement.py --broker mosquitto --set workload.options.bundle=100
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="bench_settlement",
    members=tuple(MemberSpec(f"hospital-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    faults_tolerated=1,
    parameters=Parameters(
        batch_transactions_max=500,
        batch_delay_us=20_000,
        timer_base_us=4_000_000,
        pool_transactions_max=200_000,
        idle_seal_us=500_000,
    ),
    workload=Workload("settlement_load", {"transactions": 40_000, "bundle": 1, "outstanding": 1_500}),
    stop=Stop(limit_us=240_000_000),
)
