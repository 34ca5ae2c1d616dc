"""Do all checks hold when random nodes die by `kill -9` under load again and again, and how soon is service back?

Four validators as local processes. One at a time is killed, half of the times the leader, and started again; the next
one dies when all are level. The load goes on at its pace. The timer of a leader is 1 s.

    consortium run scenarios/faults/kill_storm.py
    consortium run scenarios/faults/kill_storm.py --set faults.0.options.kills=300 \
        --set workload.options.transactions=15000 --set workload.options.interval_us=500000 \
        --set stop.limit_us=3000000000
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="kill_storm",
    members=tuple(MemberSpec(f"hospital-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    faults_tolerated=1,
    parameters=Parameters(timer_base_us=1_000_000, idle_seal_us=500_000),
    workload=Workload("settlement_load", {"transactions": 5_000, "bundle": 2, "interval_us": 80_000, "persons": 100}),
    faults=(Fault("kill_storm", at_height=10, options={"kills": 20, "wait_us": 600_000, "down_us": 600_000}),),
    stop=Stop(limit_us=300_000_000),
)
