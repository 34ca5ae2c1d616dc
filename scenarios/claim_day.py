"""One working day of seven organisations: what happens when the leader dies in the middle of it?

The claims of the sample (scenarios/data), a procurement round, dispensing by trace code, premiums; and bills claimed
twice, packs scanned twice, visits after lapse and death, which must be refused. The leader is killed and comes back.
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="claim_day",
    members=(
        MemberSpec("bureau", "bureau", settings={"hosts": ["agent"]}),
        MemberSpec("hospital-1", "hospital"),
        MemberSpec("hospital-2", "hospital"),
        MemberSpec("pharmacy-1", "pharmacy"),
        MemberSpec("pharmacy-2", "pharmacy"),
        MemberSpec("regulator", "regulator"),
        MemberSpec("supplier", "supplier"),
    ),
    faults_tolerated=2,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    workload=Workload("claim_day", {"data": "scenarios/data/synthea_40", "duration_us": 40_000_000}),
    faults=(
        Fault("kill", "leader", at_us=15_000_000),
        Fault("restart", "last", after_us=8_000_000),
    ),
    stop=Stop(when_done=True, limit_us=170_000_000),
)
