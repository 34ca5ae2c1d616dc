"""Two pharmacies find packs of two lots to be no good: where does it come from, and is anything else of it still sold?

Each lot has its days of production and expiry and its steps: where, on which equipment, of which materials. The
regulator asks the ledger what the faulty lots have in common, recalls them, and puts a third lot of the same raw
material into quarantine, on which nobody has found a fault. What was recalled goes back; what is sound is released by
two words. A lot of another material on the same press is sold all the while.
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

HOSTS = {"hosts": ["quality"]}

SCENARIO = Scenario(
    name="lot_faults",
    members=(
        MemberSpec("bureau", "bureau"),
        MemberSpec("pharmacy-1", "pharmacy", settings=HOSTS),
        MemberSpec("pharmacy-2", "pharmacy", settings=HOSTS),
        MemberSpec("regulator", "regulator", settings=HOSTS),
        MemberSpec("supplier", "supplier", settings=HOSTS),
    ),
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    workload=Workload("lot_faults", {"faulty": 2, "suspected": 1, "sound": 1}),
    versions={"lot_quality": 1},
    stop=Stop(when_done=True, limit_us=60_000_000),
)
