"""The members vote in the middle of a day that each scheme has caps of its own: is every claim paid by the rule of its
block, also by a hospital that was away, and does a node whose program lacks the new rule stop in time?

Persons go from the employee scheme to the resident scheme within a year and have a dear stay under each. Version 1 of
settlement counts what the first scheme paid against the caps of the second; version 2 does not. A catalogue item is
listed by the same kind of vote. The archive runs an older program: it executes up to the last block of version 1.

    consortium run scenarios/systems/rule_change.py --on simulator
"""

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

HOSPITALS = tuple(
    MemberSpec(f"hospital-{index}", "hospital", settings={"hosts": ["loader", "steward"]}) for index in range(1, 5)
)
NEW_RULE = {"by": "hospital-1", "at_us": 1_000_000, "action": "upgrade", "contract": "settlement", "version": 2}
NEW_ITEM = {
    "by": "hospital-2",
    "at_us": 1_500_000,
    "action": "call",
    "contract": "policy",
    "operation": "list_items",
    "arguments": {"items": [{"med_list_codg": "S-NEW", "from_day": 20991231, "chrgitm_lv": "B", "kind": "service"}]},
}

SCENARIO = Scenario(
    name="rule_change",
    members=(*HOSPITALS, MemberSpec("archive", "regulator", kind="observer", program={"settlement": 1})),
    faults_tolerated=1,
    parameters=Parameters(checkpoint_interval=8, window=16, batch_delay_us=20_000),
    versions={"settlement": 1},
    workload=Workload(
        "membership", {"load": "two_schemes", "persons": 30, "interval_us": 60_000, "deeds": [NEW_RULE, NEW_ITEM]}
    ),
    faults=(Fault("kill", "hospital-4", at_us=700_000), Fault("restart", "hospital-4", after_us=2_000_000)),
    stop=Stop(limit_us=60_000_000),
)
