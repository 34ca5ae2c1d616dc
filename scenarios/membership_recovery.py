"""A validator loses its disk: how long does it only watch, and what does a new voting key change?

Its votes are lost with the disk: it fetches the ledger and observes, until what the others sealed lies beyond all that
it may have voted. Under this load that comes first. Its recovery key, kept elsewhere, registers a new voting key; the
epoch that begins with it is one in which nobody can have seen a vote of it. It helps also where nothing is sealed.
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="membership_recovery",
    members=tuple(
        MemberSpec(f"hospital-{index}", "hospital", settings={"hosts": ["loader", "steward"]}) for index in range(1, 5)
    ),
    faults_tolerated=1,
    parameters=Parameters(checkpoint_interval=8, window=16, batch_delay_us=20_000),
    workload=Workload(
        "membership",
        {
            "transactions": 800,
            "interval_us": 50_000,
            "persons": 50,
            "deeds": [{"by": "hospital-2", "at_us": 6_000_000, "action": "recover"}],
        },
    ),
    faults=(
        Fault("kill", "hospital-2", at_us=3_000_000),
        Fault("restart", "last", after_us=1_000_000, options={"disk": "empty"}),
    ),
    stop=Stop(limit_us=60_000_000),
)
