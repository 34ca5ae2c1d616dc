"""The members vote for larger batches while the load grows beyond small ones: from which height on does it help?

Batches of two, with 20 ms from member to member, cannot carry the load. A member proposes batches of up to 100 and a
shorter timer; the others agree; the change begins with the next epoch, at one height for everybody.

    consortium run scenarios/parameters_change.py --on simulator
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Link, MemberSpec, Network, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="parameters_change",
    members=tuple(
        MemberSpec(f"hospital-{index}", "hospital", settings={"hosts": ["loader", "steward"]}) for index in range(1, 5)
    ),
    faults_tolerated=1,
    parameters=Parameters(
        checkpoint_interval=8, window=16, batch_transactions_max=2, batches_in_flight=2, batch_delay_us=40_000
    ),
    network=Network(Link("normal", 20_000, 2_000)),
    workload=Workload(
        "membership",
        {
            "transactions": 1_000,
            "interval_us": 40_000,
            "persons": 50,
            "deeds": [
                {
                    "by": "hospital-1",
                    "at_us": 500_000,
                    "action": "tune",
                    "tuning": {"batch_transactions_max": 100, "timer_base_us": 500_000},
                }
            ],
        },
    ),
    stop=Stop(limit_us=90_000_000),
)
