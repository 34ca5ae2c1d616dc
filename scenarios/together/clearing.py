"""Care in a region that counts in another currency: is it cleared by the rate of one day, to the fen?

Persons of the mainland were treated in Hong Kong, whose ledger counts in cents of HKD. When April is over it charges
them; the mainland's bureau states the rate of the month's last day, finance endorses it, and what was proven is
paid in fen.

    consortium together together/clearing
"""

from consortium.core.calendar import DAY_US
from consortium.core.genesis import Parameters
from consortium.scenario.chains import Chains
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

HOSTS = {"hosts": ["steward", "clearing"]}
VERSIONS = {"settlement": 3, "offsite": 1, "foreign_chain": 1, "clearing": 1, "rate": 1}


def region(name: str, seed: int, options: dict[str, object]) -> Scenario:
    members = (
        MemberSpec("bridge", "bridge", "client"),
        MemberSpec("bureau", "bureau", settings=HOSTS),
        MemberSpec("finance", "finance", settings=HOSTS),
        MemberSpec("hospital", "hospital", settings={"hosts": ["steward"]}),
        MemberSpec("regulator", "regulator", settings={"hosts": ["steward"]}),
    )
    return Scenario(
        name=name,
        members=members,
        seed=seed,
        faults_tolerated=1,
        parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
        versions=VERSIONS,
        workload=Workload("bridged", options),
        faults=tuple(
            Fault("clock_jump", one.name, at_us=6_000_000, options={"wall_us": 31 * DAY_US}) for one in members
        ),
        stop=Stop(when_done=True, limit_us=120_000_000),
    )


HONG_KONG = region(
    "hong-kong", 5, {"counterpart": "mainland", "known_as": "hong-kong", "persons": 7, "currency": "HKD"}
)
MAINLAND = region(
    "mainland",
    6,
    {
        "counterpart": "hong-kong",
        "known_as": "mainland",
        "owes": True,
        "their_currency": "HKD",
        "fen_per_million": 923_137,
    },
)

CHAINS = Chains("clearing", {"hong-kong": HONG_KONG, "mainland": MAINLAND})
