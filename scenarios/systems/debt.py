"""Hospitals were paid for what is then reversed: does the money come back, and what happens to one that does not repay?

The bureau pays out what becomes payable, and demands within 30 days what each hospital owes after a reversal. The first
repays at once. The second does not: when all clocks have passed the term it is told of, what is paid to it is held, and
it repays then.

    consortium run scenarios/systems/debt.py --on simulator
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
    name="debt",
    members=MEMBERS,
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    versions={"settlement": 3, "offsite": 1, "debt": 1},
    workload=Workload("regions", {"persons": 8, "days": 30, "corrected": 1, "corrected_away": 2}),
    faults=tuple(Fault("clock_jump", one.name, at_us=9_000_000, options={"wall_us": 31 * DAY_US}) for one in MEMBERS),
    stop=Stop(when_done=True, limit_us=120_000_000),
)
