"""Stays are paid by points of diagnoses: what is a point worth when April is over, and is the budget paid to the fen?

Twelve stays at three hospitals of different coefficients: some dear, some cheap, some far off the mean of their group.
Until the month is over the pool owes by the fee. Then each hospital is owed its share of a twelfth of the year's
budget, by its points: more than its fees or less. One stay was put into a dearer group than it is of, and the bureau
found it before it settled.

    consortium run scenarios/systems/dip.py --on simulator --out runs/dip
    consortium view runs/dip points
"""

from consortium.core.calendar import DAY_US
from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

HOSTS = {"hosts": ["points"]}
MEMBERS = (
    MemberSpec("bureau", "bureau", settings=HOSTS),
    MemberSpec("hospital-1", "hospital", settings=HOSTS),
    MemberSpec("hospital-2", "hospital", settings=HOSTS),
    MemberSpec("hospital-3", "hospital", settings=HOSTS),
    MemberSpec("regulator", "regulator"),
)

SCENARIO = Scenario(
    name="dip",
    members=MEMBERS,
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    versions={"settlement": 3, "offsite": 1, "dip": 1},
    workload=Workload("points", {"persons": 12, "upcoded": 1}),
    faults=tuple(Fault("clock_jump", one.name, at_us=9_000_000, options={"wall_us": 31 * DAY_US}) for one in MEMBERS),
    stop=Stop(when_done=True, limit_us=120_000_000),
)
