"""Hospitals bill visits of June 2099: does any of them settle, with a yearly cap of its own, before that day has come?

The claims of the sample, and eight visits that are dated ahead. The ledger refuses each bill of a day that has not come
in the chain's calendar, and the regulator finds who tried.
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="future_claim",
    members=(
        MemberSpec("bureau", "bureau", settings={"hosts": ["agent"]}),
        MemberSpec("hospital-1", "hospital"),
        MemberSpec("hospital-2", "hospital"),
        MemberSpec("regulator", "regulator"),
    ),
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    workload=Workload("claim_day", {"claims_max": 120, "duration_us": 8_000_000, "future_visits": 8}),
    stop=Stop(when_done=True, limit_us=60_000_000),
)
