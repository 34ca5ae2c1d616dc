"""A hospital comes to the consortium in shadow: is nothing paid to it, whoever tries, until the members say that it is
live, and what is then paid a second time?

The first hospital is the pilot: it is live from the beginning, and paid. The second is in shadow; what it is owed adds
up and is held, also when the bureau would pay it. Then the members vote that it goes live: what the old system has paid
meanwhile is written off. What the ledger computed is compared with the old system's file, bill by bill.

    consortium run scenarios/systems/shadow.py --on simulator --out runs/shadow
    consortium shadow runs/shadow --write old.csv
    consortium shadow runs/shadow old.csv
"""

from consortium.core.calendar import DAY_US
from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

STEWARD = {"hosts": ["steward"]}
MEMBERS = (
    MemberSpec("bureau", "bureau", settings=STEWARD),
    MemberSpec("hospital-1", "hospital", settings=STEWARD),
    MemberSpec("hospital-2", "hospital", settings=STEWARD),
    MemberSpec("regulator", "regulator", settings=STEWARD),
)
GO_LIVE = {
    "by": "bureau",
    "at_us": 14_000_000,
    "action": "call",
    "contract": "rollout",
    "operation": "go_live",
    "arguments": {"fixmedins_code": "H650200"},
}

SCENARIO = Scenario(
    name="shadow",
    members=MEMBERS,
    faults_tolerated=1,
    parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
    versions={"settlement": 3, "offsite": 1, "rollout": 1},
    workload=Workload("membership", {"load": "regions", "persons": 8, "days": 30, "deeds": [GO_LIVE]}),
    calls=(("rollout", "begin_shadow", {"fixmedins_code": "H650200"}),),
    faults=tuple(Fault("clock_jump", one.name, at_us=9_000_000, options={"wall_us": 31 * DAY_US}) for one in MEMBERS),
    stop=Stop(when_done=True, limit_us=60_000_000),
)
