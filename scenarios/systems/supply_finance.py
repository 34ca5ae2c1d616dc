"""A supplier sells what it is owed to a bank, and sells it once more to another: who is paid, how often, and how much?

A pharmacy confirms what it owes for goods that it received; the supplier offers it to a bank, one of the claims to two,
one too dear, one to a bank that the regulator barred. Nobody pays in time: all clocks go forward by 32 days, whoever
has duties tells that the payments are late, and the bureau pays. Each is paid once, to whoever owns the claim then.
"""

from consortium.core.calendar import DAY_US
from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

HOSTS = {"hosts": ["factoring"]}
MEMBERS = (
    MemberSpec("bank-1", "bank", kind="client"),
    MemberSpec("bank-2", "bank", kind="client"),
    MemberSpec("bureau", "bureau"),
    MemberSpec("pharmacy", "pharmacy", settings=HOSTS),
    MemberSpec("regulator", "regulator", settings=HOSTS),
    MemberSpec("supplier", "supplier", settings=HOSTS),
)

SCENARIO = Scenario(
    name="supply_finance",
    members=MEMBERS,
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    workload=Workload("supply_finance", {"sold": 2, "sold_twice": 1, "dear": 1, "barred": 1, "kept": 1}),
    faults=tuple(
        Fault("clock_jump", member.name, at_us=9_000_000, options={"wall_us": 32 * DAY_US}) for member in MEMBERS
    ),
    versions={"receivable": 1},
    stop=Stop(when_done=True, limit_us=120_000_000),
)
