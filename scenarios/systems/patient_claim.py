"""Patients claim themselves on what they paid in cash: can anybody else speak for them, or make them say it twice?

An agent, which is no validator, keeps their keys and carries what they say. Another hospital carries what it hears once
more, and bent: under another number, for another operation or chain, in another name. One patient names the settlement
pseudonym of somebody else, which only the bureau can tell.
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="patient_claim",
    members=(
        MemberSpec("agent", "agent", kind="client"),
        MemberSpec("bureau", "bureau"),
        MemberSpec("hospital-1", "hospital"),
        MemberSpec("hospital-2", "hospital", settings={"hosts": ["meddler"]}),
        MemberSpec("regulator", "regulator"),
    ),
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    workload=Workload("patient_claims", {"persons": 6, "mistaken": 1, "meddled": 3}),
    stop=Stop(when_done=True, limit_us=60_000_000),
)
