"""A commercial insurer pays after the funds: is it told of nothing without the patient's word, does it pay once and
never more than was left, and does its money come back when the settlement is reversed?

Patients name their settlements to the insurer one by one, by their agent. One claim is declined. The hospital reverses
the last settlement after the insurer has paid on it. Another hospital carries what patients said once more, and bent.

    consortium run scenarios/systems/second_payer.py --on simulator
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="second_payer",
    members=(
        MemberSpec("agent", "agent", kind="client"),
        MemberSpec("bureau", "bureau"),
        MemberSpec("hospital-1", "hospital"),
        MemberSpec("hospital-2", "hospital", settings={"hosts": ["meddler"]}),
        MemberSpec("insurer-1", "insurer", kind="client"),
        MemberSpec("regulator", "regulator"),
    ),
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    versions={"second_payer": 1},
    workload=Workload("second_payers", {"persons": 6, "declined": 1, "corrected": 1, "meddled": 6}),
    stop=Stop(when_done=True, limit_us=60_000_000),
)
