"""A hospital wants the records that another keeps: does it read one that nobody let it have, and does anybody notice?

Persons consent, to one hospital or to all, by their own voice or by a delegate; one takes it back and has the record
erased; one says nothing, one consented to research alone. Twice the glass is broken, and the regulator judges: one was
an emergency. One record turns out to be about somebody else. Whatever left a box is in the audit of reads.
"""

from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

HOSTS = {"hosts": ["exchange"]}

SCENARIO = Scenario(
    name="exchange",
    members=(
        MemberSpec("agent", "agent", kind="client", settings={"hosts": ["consents"]}),
        MemberSpec("bureau", "bureau", settings={"hosts": ["consents"]}),
        MemberSpec("hospital-1", "hospital", settings=HOSTS),
        MemberSpec("hospital-2", "hospital", settings=HOSTS),
        MemberSpec("regulator", "regulator", settings=HOSTS),
    ),
    faults_tolerated=1,
    workload=Workload("exchange", {"persons": 9}),
    versions={"consent": 1, "delegation": 1, "exchange": 1, "record": 2},
    stop=Stop(when_done=True, limit_us=60_000_000),
)
