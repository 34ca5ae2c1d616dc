"""Rules find what looks wrong: is a hospital paid nothing meanwhile, is it heard, and does only what was decided come
back?

The regulator reads lines out of its vault and reports two findings under a hold; the bureau, which knows diagnoses,
reports a third. The first hospital admits one and can explain another; the second denies, is judged, and appeals. Late
claims make enough owed to be paid out while the hold lies on it. Cycles of chemotherapy are found by no rule.

    consortium run scenarios/systems/oversight.py --on simulator
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

INSPECTS, ACCUSED = {"hosts": ["inspector"]}, {"hosts": ["accused"]}

SCENARIO = Scenario(
    name="oversight",
    members=(
        MemberSpec("bureau", "bureau", settings=INSPECTS),
        MemberSpec("hospital-1", "hospital", settings=ACCUSED),
        MemberSpec("hospital-2", "hospital", settings=ACCUSED),
        MemberSpec("regulator", "regulator", settings=INSPECTS),
    ),
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    versions={"finding": 1, "debt": 1},
    workload=Workload("oversight"),
    stop=Stop(when_done=True, limit_us=60_000_000),
)
