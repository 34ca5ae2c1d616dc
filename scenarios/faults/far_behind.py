"""A node was away for 5,000 blocks of 20 transactions: how soon is it back, while the others go on under load?

One of four validators dies near the beginning and comes back when the others have executed 5,000 blocks. The load goes
on at its pace meanwhile. Its trace says `catching_up` and `caught_up`; the run ends when all heads are equal.

    consortium run scenarios/faults/far_behind.py --broker mosquitto
    consortium run scenarios/faults/far_behind.py --set faults.1.at_height=500 --set workload.options.transactions=12000
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="far_behind",
    members=(
        MemberSpec("hospital-1", "hospital", settings={"hosts": ["loader"]}),
        MemberSpec("hospital-2", "hospital", settings={"hosts": ["loader"]}),
        MemberSpec("hospital-3", "hospital", settings={"hosts": ["loader"]}),
        MemberSpec("regulator", "regulator"),
    ),
    faults_tolerated=1,
    parameters=Parameters(batch_transactions_max=20, timer_base_us=4_000_000, idle_seal_us=500_000),
    workload=Workload(
        "settlement_load", {"transactions": 114_000, "bundle": 20, "interval_us": 60_000, "persons": 200}
    ),
    faults=(Fault("kill", "regulator", at_height=20), Fault("restart", "last", at_height=5_020)),
    stop=Stop(limit_us=600_000_000),
)
