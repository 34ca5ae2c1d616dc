"""A clinic's fridge fails: is its lot stopped at once, by the reading itself, and does nobody read what it does not
hold?

Two clinics read their vaccines' temperatures. The second reads a pack at 12.5 °C: from that block on no pack of the lot
is given, sold or handed on, wherever it is. The first clinic tries to read a pack of that lot, which it does not hold,
and is refused. The producer examines the lot and asks for its release, the regulator agrees, and second doses are given
of it.

    consortium run scenarios/systems/cold_chain.py --on simulator --out runs/cold_chain
    consortium view runs/cold_chain cold_chain
"""

from consortium.core.calendar import DAY_US
from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

ERRANDS = {"hosts": ["errands"]}
MEMBERS = (
    MemberSpec("bureau", "bureau", settings=ERRANDS),
    MemberSpec("hospital-1", "hospital", settings=ERRANDS),
    MemberSpec("hospital-2", "hospital", settings=ERRANDS),
    MemberSpec("regulator", "regulator", settings={"hosts": ["quality"]}),
    MemberSpec("supplier", "supplier", settings={"hosts": ["quality", "errands"]}),
)

SCENARIO = Scenario(
    name="cold_chain",
    members=MEMBERS,
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    versions={"vaccination": 1, "lot_quality": 1, "trace_code": 2},
    workload=Workload("vaccinations", {"persons": 6, "late": 0, "is_warm": True, "is_released": True}),
    faults=tuple(Fault("clock_jump", one.name, at_us=9_000_000, options={"wall_us": 24 * DAY_US}) for one in MEMBERS),
    stop=Stop(when_done=True, limit_us=60_000_000),
)
