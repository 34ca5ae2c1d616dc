"""The year ends: does what is left on each account reach its owner, though nobody sees which pseudonym became which?

All clocks cross the New Year. The bureau registers the persons of the new year, closes the old one, empties its
accounts in batches and fills the new ones with amounts of which none stands out; the rest comes with the first premium.
Two persons are in hospital meanwhile: their stays are settled by the day of discharge, in the new year.
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
    name="year_end",
    members=MEMBERS,
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    workload=Workload("year_end", {"persons": 12, "crossing": 2}),
    faults=tuple(
        Fault("clock_jump", member.name, at_us=9_000_000, options={"wall_us": 280 * DAY_US}) for member in MEMBERS
    ),
    stop=Stop(when_done=True, limit_us=60_000_000),
)
