"""A month ends: do the books of each institution come to agree with the ledger, and is it told who says nothing?

All clocks pass to May. One hospital's books of April are wrong at first, and it states them anew when the ledger tells
in what; one settlement of April was reversed in April. The other hospital says nothing: it is told of on its day, and
the bureau closes the month by the ledger.

    consortium run scenarios/systems/reconciliation.py --on simulator
"""

from consortium.core.calendar import DAY_US
from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

MEMBERS = (
    MemberSpec("bureau", "bureau"),
    MemberSpec("hospital-1", "hospital"),
    MemberSpec("hospital-2", "hospital"),
    MemberSpec("regulator", "regulator"),
)

SCENARIO = Scenario(
    name="reconciliation",
    members=MEMBERS,
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    versions={"settlement": 3, "offsite": 1, "reconciliation": 1},
    workload=Workload(
        "regions", {"persons": 14, "wrong_fen": 100, "is_silent": True, "is_closed": True, "corrected": 1}
    ),
    faults=(
        *(Fault("clock_jump", one.name, at_us=9_000_000, options={"wall_us": 31 * DAY_US}) for one in MEMBERS),
        *(Fault("clock_jump", one.name, at_us=15_000_000, options={"wall_us": 12 * DAY_US}) for one in MEMBERS),
    ),
    stop=Stop(when_done=True, limit_us=120_000_000),
)
