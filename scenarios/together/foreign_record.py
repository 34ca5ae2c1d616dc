"""A consortium changes its members: is what it proves afterwards accepted by one that knew only the first of them?

An observer of north becomes a validator, and later another leaves. The bridge begins when both is over. It tells south
of the members, epoch by epoch, each proven by those before, and carries the row by which north designated a hospital.
South, which asked nobody, holds it against the row that the hospital itself shows; and it learns that north designated
no other of that code.

    consortium together together/foreign_record
"""

from consortium.core.genesis import Parameters
from consortium.scenario.chains import Chains, Record
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload

STEWARD = {"hosts": ["steward"]}
HOSTS = {"hosts": ["loader", "steward"]}

NORTH = Scenario(
    name="north",
    members=(
        MemberSpec("bridge", "bridge", "client"),
        MemberSpec("bureau", "bureau", settings=STEWARD),
        *(MemberSpec(f"hospital-{index}", "hospital", settings=HOSTS) for index in range(1, 5)),
        MemberSpec("regulator", "regulator", "observer", STEWARD),
    ),
    seed=7,
    parameters=Parameters(checkpoint_interval=8, window=16, batch_delay_us=20_000),
    versions={"foreign_chain": 1},
    workload=Workload(
        "membership",
        {
            "transactions": 300,
            "interval_us": 40_000,
            "persons": 20,
            "deeds": [
                {"by": "hospital-1", "at_us": 1_000_000, "action": "appoint", "name": "regulator", "kind": "validator"},
                {"by": "hospital-2", "at_us": 5_000_000, "action": "remove", "name": "hospital-4"},
            ],
        },
    ),
    stop=Stop(limit_us=60_000_000),
)
SOUTH = Scenario(
    name="south",
    members=(
        MemberSpec("bridge", "bridge", "client"),
        MemberSpec("bureau", "bureau", settings=STEWARD),
        *(MemberSpec(f"hospital-{index}", "hospital", settings=HOSTS) for index in range(1, 4)),
    ),
    seed=8,
    parameters=Parameters(batch_delay_us=20_000),
    versions={"foreign_chain": 1},
    workload=Workload("settlement_load", {"transactions": 200, "interval_us": 60_000, "persons": 20}),
    stop=Stop(limit_us=60_000_000),
)

CHAINS = Chains(
    "foreign_record",
    {"north": NORTH, "south": SOUTH},
    records=(Record("north", "institution", "H65010200000"), Record("north", "institution", "H65010299999")),
    bridge_down=((0, 12_000_000),),
)
