"""A hospital claims for visits of one person in the name of another: who finds out, and is it paid?

A bill and the claim on it name their person by two pseudonyms, and no node can tell that they are of one. The bureau
has the register: it compares each settlement with its bill, and what differs is held wherever the money lay. It is
payable at once here, so that what was taken back is not paid out either.
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

SCENARIO = Scenario(
    name="other_person",
    members=(
        MemberSpec("bureau", "bureau", settings={"hosts": ["agent"]}),
        MemberSpec("hospital-1", "hospital"),
        MemberSpec("hospital-2", "hospital"),
        MemberSpec("regulator", "regulator"),
    ),
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    workload=Workload(
        "claim_day", {"claims_max": 120, "duration_us": 8_000_000, "swapped": 4, "disburse_fen": 100_000}
    ),
    stop=Stop(when_done=True, limit_us=60_000_000),
)
