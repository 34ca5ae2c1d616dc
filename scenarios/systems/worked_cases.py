"""Bills come in as tables of the data standard: are the worked cases of docs/domain.md paid to the fen, and told so in
FHIR?

The employee (A), the same away and unfiled, the retired employee above the pool's cap (B, whose first stay used
100,000 yuan of it), and the resident on assistance (C).

    consortium run scenarios/systems/worked_cases.py --on simulator --out runs/worked
    consortium export runs/worked --out worked-fhir
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="worked_cases",
    members=(
        MemberSpec("bureau", "bureau"),
        MemberSpec("hospital-1", "hospital"),
        MemberSpec("hospital-2", "hospital"),
        MemberSpec("regulator", "regulator"),
    ),
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    versions={"settlement": 3, "offsite": 1},
    workload=Workload("imported_bills", {"data": "scenarios/data/worked_cases"}),
    stop=Stop(when_done=True, limit_us=60_000_000),
)
