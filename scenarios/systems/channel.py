"""Patients pay their shares by card and in cash: does what the bank states come to what hospitals said, to the fen?

Each hospital says by which means the share of each settlement was paid. A day later the bureau brings the bank's
statements: the second hospital's is wrong by a yuan, and that is told in a notice.

    consortium run scenarios/systems/channel.py --on simulator
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
    name="channel",
    members=MEMBERS,
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    versions={"settlement": 3, "offsite": 1, "channel": 1},
    workload=Workload("regions", {"persons": 8, "card_fen": 100_000}),
    faults=tuple(Fault("clock_jump", one.name, at_us=9_000_000, options={"wall_us": DAY_US}) for one in MEMBERS),
    stop=Stop(when_done=True, limit_us=120_000_000),
)
