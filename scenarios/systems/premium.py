"""The members decided that a scheme pays only for whom a premium came: who is refused, and who paid just in time?

For the last three of nine persons no premium of April came before the run. The first of them pays before its stay is
claimed, the others do not.

    consortium run scenarios/systems/premium.py --on simulator
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="premium",
    members=(
        MemberSpec("bureau", "bureau"),
        MemberSpec("hospital-1", "hospital"),
        MemberSpec("hospital-2", "hospital"),
        MemberSpec("regulator", "regulator"),
    ),
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    versions={"settlement": 3, "offsite": 1, "premium": 1},
    workload=Workload("regions", {"persons": 9, "unpaid": 3}),
    stop=Stop(when_done=True, limit_us=60_000_000),
)
