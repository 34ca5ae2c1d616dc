"""How good are the rules of oversight: how much of what is wrong do they find, and how much of what they find is wrong?

A quarter of invented claims goes through a real ledger, with 40 cases of each rule and as many that look like one:
cycles of chemotherapy, death certificates, two departments on one day, drugs billed one by one. What is true follows
from the seed, and the rules know nothing of it. `--set workload.options.habits=village` makes people of other ways.

    consortium run scenarios/studies/labelled_claims.py --on simulator --out runs/labelled
    consortium rules runs/labelled --member bureau --labelled
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

HOSTS = {"hosts": ["script"]}

SCENARIO = Scenario(
    name="labelled_claims",
    members=(
        MemberSpec("bureau", "bureau", settings=HOSTS),
        MemberSpec("hospital-1", "hospital", settings=HOSTS),
        MemberSpec("hospital-2", "hospital", settings=HOSTS),
        MemberSpec("regulator", "regulator"),
        MemberSpec("supplier", "supplier", kind="client", settings=HOSTS),
    ),
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=50_000, timer_base_us=4_000_000),
    versions={"offsite": 1},
    workload=Workload("labelled_claims"),
    stop=Stop(when_done=True, limit_us=240_000_000),
)
