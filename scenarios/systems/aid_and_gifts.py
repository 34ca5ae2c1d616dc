"""Who is poor and ill is helped with what is left of its bill: by whose word, how much, and whose gift was it?

Persons apply in their own voice; the hospital attests the diagnosis, the finance office the means, the rules grant, and
what was granted is paid step by step, out of gifts first. One has no papers, another less to pay than the deductible,
and appeals. The hospital was advanced money in an emergency before anybody had settled. Each donor can ask for the
trail of its gift, which names no person.
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

HOSTS = {"hosts": ["aid"]}

SCENARIO = Scenario(
    name="aid_and_gifts",
    members=(
        MemberSpec("agent", "agent", kind="client", settings=HOSTS),
        MemberSpec("bureau", "bureau", settings=HOSTS),
        MemberSpec("charity", "charity"),
        MemberSpec("finance", "finance"),
        MemberSpec("hospital", "hospital", settings=HOSTS),
        MemberSpec("regulator", "regulator"),
    ),
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    workload=Workload("aid_and_gifts", {"persons": 5, "small": 1, "rich": 1}),
    versions={"aid": 1, "gift": 1},
    stop=Stop(when_done=True, limit_us=60_000_000),
)
