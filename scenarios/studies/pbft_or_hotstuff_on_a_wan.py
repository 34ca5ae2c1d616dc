"""PBFT or HotStuff for seven members on a WAN?

Seven hospitals stand in five Amazon regions (matrix aws-2021, docs/networks.md), Ireland to Singapore. All votes of
PBFT go to everybody: 2n(n - 1) messages a block, and a block is decided three one-way hops after it was proposed.
HotStuff's votes go to one leader: 2(n - 1) messages a block, but a block waits for the three above it. Solo, a trusted
sequencer, is the baseline. Batches hold 20 settlements at most, and the load grows until a protocol cannot follow; CPU
and bandwidth are free, so what differs is the protocols' own.

    consortium sweep studies/pbft_or_hotstuff_on_a_wan --out runs/wan
    consortium report runs/wan --figures figures
"""

from consortium.core.genesis import Parameters
from consortium.lab.sweeps.plan import Sweep
from consortium.scenario.scenario import MemberSpec, Network, Scenario, Stop, Workload

REGIONS = ("eu-west-1", "us-west-1", "ca-central-1", "sa-east-1", "ap-southeast-1")

SCENARIO = Scenario(
    name="pbft_or_hotstuff_on_a_wan",
    members=tuple(MemberSpec(f"hospital-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 8)),
    suite="keyed-hash",
    parameters=Parameters(timer_base_us=4_000_000, batch_delay_us=20_000, batch_transactions_max=20),
    network=Network(matrix="aws-2021", regions={"*": ",".join(REGIONS)}, jitter_ppm=20_000),
    workload=Workload("settlement_load", {"transactions": 700, "interval_us": 400_000, "persons": 5}),
    stop=Stop(limit_us=120_000_000),
)
SWEEP = Sweep(
    SCENARIO,
    vary={
        "protocol": ("pbft", "hotstuff", "solo"),
        "workload.options.interval_us": (400_000, 100_000, 50_000, 25_000),
    },
    repeat=3,
)
