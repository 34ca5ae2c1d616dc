"""A claim on one ledger is sold against money on another, and who takes part is killed: is it both or neither?

Of four claims two are sold as agreed, for one the supplier never says the secret, for one the bank binds no money. The
bank's node on the ledger of the claims is away from before the first lock until long after the locks of money have
ended: by time it would have paid for claims that went back. The supplier's node on the other ledger dies twice.
At the end the buyer's debts are due, and are paid to whoever owns each.

    consortium together together/hash_lock
"""

from consortium.core.calendar import DAY_US
from consortium.core.genesis import Parameters
from consortium.scenario.chains import Chains
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Stop, Workload

BEGINS_US = 1_775_001_600_000_000  # when a run in the simulator begins: 2026-04-01
SWAPS = {"swaps": ["kept", "kept", "silent", "unbound"], "ends_us": BEGINS_US + 10_000_000}
PAYING = ("bank", "bridge", "bureau", "hospital", "pharmacy", "regulator", "supplier")
STEWARD = {"hosts": ["steward"]}
VERSIONS = {"foreign_chain": 1, "hash_lock": 1, "receivable": 1, "offsite": 1}


def consortium(
    name: str, seed: int, more: tuple[MemberSpec, ...], faults: tuple[Fault, ...], **options: object
) -> Scenario:
    return Scenario(
        name=name,
        members=(
            MemberSpec("bank", "bank", "client", {"hosts": ["swaps"]}),
            MemberSpec("bridge", "bridge", "client"),
            MemberSpec("bureau", "bureau", settings=STEWARD),
            MemberSpec("hospital", "hospital", settings=STEWARD),
            MemberSpec("regulator", "regulator", settings=STEWARD),
            MemberSpec("supplier", "supplier", "client", {"hosts": ["swaps"]}),
            *more,
        ),
        seed=seed,
        faults_tolerated=1,
        parameters=Parameters(batch_delay_us=20_000, timer_base_us=2_000_000),
        versions=VERSIONS,
        workload=Workload("bridged", {**options, **SWAPS}),
        faults=faults,
        stop=Stop(when_done=True, limit_us=120_000_000),
    )


CLAIMS = consortium(
    "claims",
    3,
    (MemberSpec("pharmacy", "pharmacy", settings={"hosts": ["steward", "factoring"]}),),
    (
        Fault("kill", "bank", at_us=1_000_000),
        Fault("restart", "bank", after_us=25_000_000),
        *(Fault("clock_jump", name, at_us=32_000_000, options={"wall_us": 32 * DAY_US}) for name in PAYING),
    ),
    counterpart="money",
    known_as="claims",
    side="claims",
)
MONEY = consortium(
    "money",
    4,
    (MemberSpec("finance", "finance", settings=STEWARD),),
    (
        Fault("kill", "supplier", at_us=2_500_000),
        Fault("restart", "supplier", after_us=1_500_000),
        Fault("kill", "supplier", after_us=300_000),
        Fault("restart", "supplier", after_us=1_000_000),
    ),
    counterpart="claims",
    known_as="money",
    side="money",
)

CHAINS = Chains("hash_lock", {"claims": CLAIMS, "money": MONEY})
