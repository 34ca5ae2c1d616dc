"""Four become seven while they work: does service go on when the members change?

Three observers are made validators, one and then two, by votes of those who are; one validator renews its voting key.
Each change waits for its activation: the old members seal their last block, then the new ones go on in view 0.
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

HOSTS = {"hosts": ["loader", "steward"]}
OBSERVERS = {"hosts": ["steward"]}

SCENARIO = Scenario(
    name="membership_change",
    members=(
        *(MemberSpec(f"hospital-{index}", "hospital", settings=HOSTS) for index in range(1, 5)),
        *(MemberSpec(f"hospital-{index}", "hospital", "observer", OBSERVERS) for index in range(5, 8)),
    ),
    faults_tolerated=1,
    parameters=Parameters(checkpoint_interval=8, window=16, batch_delay_us=20_000),
    workload=Workload(
        "membership",
        {
            "transactions": 1_200,
            "interval_us": 50_000,
            "persons": 50,
            "deeds": [
                {
                    "by": "hospital-1",
                    "at_us": 2_000_000,
                    "action": "appoint",
                    "name": "hospital-5",
                    "kind": "validator",
                },
                {
                    "by": "hospital-2",
                    "at_us": 7_000_000,
                    "action": "appoint",
                    "name": "hospital-6",
                    "kind": "validator",
                },
                {
                    "by": "hospital-3",
                    "at_us": 7_000_000,
                    "action": "appoint",
                    "name": "hospital-7",
                    "kind": "validator",
                },
                {"by": "hospital-4", "at_us": 11_000_000, "action": "rekey", "purposes": ["vote"]},
            ],
        },
    ),
    stop=Stop(limit_us=60_000_000),
)
