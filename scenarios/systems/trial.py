"""A drug is tried at two hospitals: was anything planned, left out or altered after the fact, and can one still leave?

The protocol is registered and approved before there are data; another one is rejected. Persons take part by their
own voice. Each hospital commits to its data set and grants it to a researcher, who reads it out of the vault. One
person withdraws: the data set with its row is erased everywhere, and another takes its place. After the result is
published one hospital tries to commit to other data, in vain.
"""

from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

HOSTS = {"hosts": ["trial_site"]}

SCENARIO = Scenario(
    name="trial",
    members=(
        MemberSpec("agent", "agent", kind="client", settings=HOSTS),
        MemberSpec("bureau", "bureau"),
        MemberSpec("ethics", "researcher", kind="client", settings={"is_ethics": True}),
        MemberSpec("hospital-1", "hospital", settings=HOSTS),
        MemberSpec("hospital-2", "hospital", settings=HOSTS),
        MemberSpec("regulator", "regulator"),
        MemberSpec("researcher", "researcher", kind="client"),
        MemberSpec("sponsor", "researcher", kind="client", settings={"is_sponsor": True}),
    ),
    faults_tolerated=1,
    workload=Workload("trial", {"persons": 4}),
    versions={"consent": 1, "delegation": 1, "record": 2, "trial": 1},
    stop=Stop(when_done=True, limit_us=60_000_000),
)
