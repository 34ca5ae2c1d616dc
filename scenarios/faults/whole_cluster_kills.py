"""Is anything lost when all members die by `kill -9` at one moment under load, fifteen times, with no repair by hand?

Four validators as local processes. All are killed at once and started again; the next time they die when all are level.
The load goes on at its pace. The timer of a leader is 1 s.

    consortium run scenarios/faults/whole_cluster_kills.py --broker mosquitto
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="whole_cluster_kills",
    members=tuple(MemberSpec(f"hospital-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    faults_tolerated=1,
    parameters=Parameters(timer_base_us=1_000_000, idle_seal_us=500_000),
    workload=Workload("settlement_load", {"transactions": 1_600, "bundle": 2, "interval_us": 400_000, "persons": 100}),
    faults=(Fault("cluster_kills", at_height=10, options={"kills": 15, "wait_us": 600_000, "down_us": 600_000}),),
    stop=Stop(limit_us=300_000_000),
)
