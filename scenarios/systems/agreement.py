"""Two hospitals have agreements for the year: does the ledger pay the one that kept it, and suspend the other, by
itself?

The second hospital bills more than its lines bear out, which the bureau finds. When all clocks have passed to May,
April is judged by what the ledger counted: the first hospital is paid its bonus, the second is suspended until a human
decides.

    consortium run scenarios/systems/agreement.py --on simulator
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
    name="agreement",
    members=MEMBERS,
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    versions={"settlement": 3, "offsite": 1, "agreement": 1},
    workload=Workload("regions", {"persons": 8, "is_agreed": True, "padded": 1}),
    faults=tuple(Fault("clock_jump", one.name, at_us=9_000_000, options={"wall_us": 31 * DAY_US}) for one in MEMBERS),
    stop=Stop(when_done=True, limit_us=120_000_000),
)
