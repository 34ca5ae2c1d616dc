"""A patient has records erased while one of those that hold them is away: is anything of them left when it is back?

Hospitals register private records, ask each other for them, and keep copies. One is killed; five patients have a record
about them erased, by their own signed word, which an agent that is no validator carries, and the bureau one more whose
term is over. The hospital comes back with all of them on its disk: it erases before it answers anybody. Nothing of an
erased record stays in any byte of any file; the ledger still verifies.
"""

from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

HOSTS = {"hosts": ["records"]}

SCENARIO = Scenario(
    name="erasure",
    members=(
        MemberSpec("agent", "agent", kind="client"),
        MemberSpec("bureau", "bureau", settings=HOSTS),
        MemberSpec("hospital-1", "hospital", settings=HOSTS),
        MemberSpec("hospital-2", "hospital", settings=HOSTS),
        MemberSpec("regulator", "regulator"),
    ),
    faults_tolerated=1,
    workload=Workload("records", {"records": 24, "erased": 6, "by_patients": 5, "erased_at_us": 7_000_000}),
    faults=(
        Fault("kill", "hospital-2", at_us=5_000_000),
        Fault("restart", "hospital-2", after_us=6_000_000),
    ),
    stop=Stop(when_done=True, limit_us=90_000_000),
)
