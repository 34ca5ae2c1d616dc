"""Two regions with a consortium each: is care in the other region cleared, and are claims sold across both ledgers,
with nobody in between who is believed?

Persons of south were treated in north. When April is over north charges south, and south pays what it is shown. A
supplier of north sells claims to a bank whose money lies in south: one as agreed, one where the supplier never says the
secret, one where the bank binds no money. The bridge is away for two seconds; all clocks go forward by 31 days.

    consortium together together/two_regions
"""

from consortium.core.calendar import DAY_US
from consortium.core.genesis import Parameters
from consortium.scenario.chains import Chains
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

BEGINS_US = 1_775_001_600_000_000  # when a run in the simulator begins: 2026-04-01
SWAPS = {"swaps": ["kept", "silent", "unbound"], "ends_us": BEGINS_US + 20 * DAY_US}
VERSIONS = {
    "settlement": 3,
    "offsite": 1,
    "foreign_chain": 1,
    "clearing": 1,
    "hash_lock": 1,
    "receivable": 1,
    "rate": 1,
}


def hosts(*roles: str) -> dict[str, list[str]]:
    return {"hosts": list(roles)}


def region(name: str, seed: int, others: tuple[MemberSpec, ...], options: dict[str, object]) -> Scenario:
    members = (
        MemberSpec("bank", "bank", "client", hosts("swaps")),
        MemberSpec("bridge", "bridge", "client"),
        MemberSpec("bureau", "bureau", settings=hosts("steward", "clearing")),
        MemberSpec("hospital", "hospital", settings=hosts("steward")),
        MemberSpec("regulator", "regulator", settings=hosts("steward")),
        *others,
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
            Fault("clock_jump", one.name, at_us=15_000_000, options={"wall_us": 31 * DAY_US}) for one in members
        ),
        stop=Stop(when_done=True, limit_us=120_000_000),
    )


NORTH = region(
    "north",
    1,
    (
        MemberSpec("pharmacy", "pharmacy", settings=hosts("steward", "factoring")),
        MemberSpec("supplier", "supplier", "client", hosts("swaps")),
    ),
    {"counterpart": "south", "known_as": "north", "persons": 4, "side": "claims", **SWAPS},
)
SOUTH = region(
    "south",
    2,
    (
        MemberSpec("finance", "finance", settings=hosts("steward", "clearing")),
        MemberSpec("supplier", "supplier", "client", hosts("swaps")),
    ),
    {"counterpart": "north", "known_as": "south", "owes": True, "side": "money", **SWAPS},
)

CHAINS = Chains("two_regions", {"north": NORTH, "south": SOUTH}, bridge_down=((4_000_000, 6_000_000),))
