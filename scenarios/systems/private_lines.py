"""A hospital puts 500 yuan more on some bills than their lines come to: does anybody find out, and is it paid?

The lines of a bill lie in the hospital's vault; on the ledger stand their sums and a commitment. Bureau and regulator
are given the lines over the bus, hold the sums against them, and say so on the ledger: what is owed becomes payable
with their word, and is held where the lines do not bear it out.
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="private_lines",
    members=(
        MemberSpec("bureau", "bureau", settings={"hosts": ["agent"]}),
        MemberSpec("hospital-1", "hospital"),
        MemberSpec("hospital-2", "hospital"),
        MemberSpec("regulator", "regulator"),
    ),
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    workload=Workload("claim_day", {"claims_max": 120, "duration_us": 8_000_000, "lines_days": 15, "padded": 5}),
    stop=Stop(when_done=True, limit_us=90_000_000),
)
