"""Tables about the same persons are published again and again: when does the ledger say that it is enough?

A vote gave the persons of a year a budget of ε = 1. Bureau and regulator publish tables with ε = 0.3 each, in turns:
who puts them together knows as much as of one table with ε = 0.9. The fourth is refused, whoever asks.
"""

from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

HOSTS = {"hosts": ["statistician"]}

SCENARIO = Scenario(
    name="statistics",
    members=(
        MemberSpec("bureau", "bureau", settings=HOSTS),
        MemberSpec("hospital-1", "hospital"),
        MemberSpec("hospital-2", "hospital"),
        MemberSpec("regulator", "regulator", settings=HOSTS),
    ),
    faults_tolerated=1,
    workload=Workload("statistics", {"tables": 4}),
    versions={"statistics": 1},
    stop=Stop(when_done=True, limit_us=60_000_000),
)
