"""Nobody pays for two orders in time: who tells, how often, and is it paid then?

The bureau forgets the payments of two tenders. When everybody has gone home, all clocks go forward by 32 days: the
payments are overdue, and whoever has duties finds that by itself. The bureau dies at midnight, so that the regulator
rings; both look again when it is back. Each payment is told once, and the bureau pays when it is told.
"""

from consortium.core.calendar import DAY_US
from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

MEMBERS = (
    MemberSpec("bureau", "bureau", settings={"hosts": ["agent"]}),
    MemberSpec("hospital", "hospital"),
    MemberSpec("pharmacy", "pharmacy"),
    MemberSpec("regulator", "regulator"),
    MemberSpec("supplier", "supplier"),
)

SCENARIO = Scenario(
    name="overdue",
    members=MEMBERS,
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    workload=Workload(
        "claim_day",
        {
            "claims_max": 40,
            "duration_us": 8_000_000,
            "second_claims": 0,
            "stranger_claims": 0,
            "reused_packs": 0,
            "lapsed": 0,
            "changed": 0,
            "forgotten_payments": 2,
        },
    ),
    faults=(
        *(Fault("clock_jump", member.name, at_us=15_000_000, options={"wall_us": 32 * DAY_US}) for member in MEMBERS),
        Fault("kill", "bureau", at_us=15_000_000),
        Fault("restart", "bureau", at_us=45_000_000),
    ),
    stop=Stop(when_done=True, limit_us=150_000_000),
)
