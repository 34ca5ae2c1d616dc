"""Eight persons are to be vaccinated twice: is each dose of a pack that may be given, who is late, and what if one
falls ill?

Doses are of traced packs at two clinics, given to pseudonyms of this purpose alone. After the first doses one person
has a serious reaction: the lot is stopped, and second doses at that clinic are refused. When the clocks have passed to
the second dose's days, those of the other clinic come again but one, of which a notice tells when its day is over.

    consortium run scenarios/systems/vaccination.py --on simulator --out runs/vaccination
    consortium view runs/vaccination coverage
    consortium view runs/vaccination vaccines
    consortium show runs/vaccination lot lot-v-1
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
    name="vaccination",
    members=MEMBERS,
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    versions={"vaccination": 1, "lot_quality": 1, "trace_code": 2},
    workload=Workload("vaccinations", {"persons": 8, "late": 1, "is_serious": True}),
    faults=(
        *(Fault("clock_jump", one.name, at_us=9_000_000, options={"wall_us": 24 * DAY_US}) for one in MEMBERS),
        *(Fault("clock_jump", one.name, at_us=15_000_000, options={"wall_us": 6 * DAY_US}) for one in MEMBERS),
    ),
    stop=Stop(when_done=True, limit_us=60_000_000),
)
