"""How long does one settlement take, from submission to execution at its submitter, when there is little to do?"""

from consortium.scenario.scenario import MemberSpec, Scenario, Workload

SCENARIO = Scenario(
    name="low_load",
    members=tuple(MemberSpec(f"hospital-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    workload=Workload("settlement_load", {"transactions": 400, "bundle": 1, "interval_us": 200_000, "persons": 50}),
)
