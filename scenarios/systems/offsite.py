"""Patients are treated in another region: does what the funds pay follow from filings and referrals of the ledger, and
from nobody's word?

Of six persons with the same stay one is treated at home and five away: filed, referred, with nothing on the ledger, at
home there, and with a filing that ended the day before.

    consortium run scenarios/systems/offsite.py --on simulator
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="offsite",
    members=(
        MemberSpec("bureau", "bureau"),
        MemberSpec("hospital-1", "hospital"),
        MemberSpec("hospital-2", "hospital"),
        MemberSpec("regulator", "regulator"),
    ),
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    versions={"settlement": 3, "offsite": 1},
    workload=Workload("regions", {"persons": 6}),
    stop=Stop(when_done=True, limit_us=60_000_000),
)
