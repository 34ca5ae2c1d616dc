"""A hospital that nobody knew is admitted and comes with an empty disk: how long until it votes?

It is in no genesis file. The others admit it with its keys; then its node is started with the proof of today's members,
fetches the ledger, asks what votes of it there are, and votes.
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

ADMIT = {
    "by": "hospital-1",
    "at_us": 2_000_000,
    "action": "admit",
    "name": "newcomer",
    "role": "hospital",
    "kind": "validator",
}

SCENARIO = Scenario(
    name="membership_join",
    members=(
        *(
            MemberSpec(f"hospital-{index}", "hospital", settings={"hosts": ["loader", "steward"]})
            for index in range(1, 5)
        ),
        MemberSpec("newcomer", "hospital", settings={"hosts": ["steward"]}, joins=True),
    ),
    faults_tolerated=1,
    parameters=Parameters(checkpoint_interval=8, window=16, batch_delay_us=20_000),
    workload=Workload("membership", {"transactions": 800, "interval_us": 50_000, "persons": 50, "deeds": [ADMIT]}),
    faults=(Fault("restart", "newcomer", at_us=5_000_000),),
    stop=Stop(limit_us=60_000_000),
)
