"""What does a settlement wait for, from an idle consortium to one that is asked for more than it can do?

Seven hospitals in five regions (matrix aws-2021), Poisson arrivals for the consortium as a whole. First the saturation
of each protocol is found, then the load takes shares of it, to saturation and beyond: the curve of throughput against
latency has its knee where the queue begins. CPU and bandwidth are free: what saturates are batches of 20 settlements,
eight in flight.

    consortium sweep studies/throughput_and_latency --out runs/curve
    consortium report runs/curve --figures figures
"""

from consortium.core.genesis import Parameters
from consortium.lab.sweeps.plan import Sweep
from consortium.scenario.scenario import MemberSpec, Network, Scenario, Stop, Workload

REGIONS = ("eu-west-1", "us-west-1", "ca-central-1", "sa-east-1", "ap-southeast-1")

SCENARIO = Scenario(
    name="throughput_and_latency",
    members=tuple(MemberSpec(f"hospital-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 8)),
    suite="keyed-hash",
    parameters=Parameters(timer_base_us=4_000_000, batch_delay_us=20_000, batch_transactions_max=20),
    network=Network(matrix="aws-2021", regions={"*": ",".join(REGIONS)}, jitter_ppm=20_000),
    workload=Workload("settlement_load", {"transactions": 700, "arrivals": "poisson", "rate": 20, "persons": 20}),
    stop=Stop(limit_us=600_000_000),
)
SWEEP = Sweep(
    SCENARIO,
    vary={"protocol": ("pbft", "hotstuff", "solo"), "load": ("10%", "30%", "50%", "70%", "80%", "90%", "100%", "120%")},
    repeat=2,
)
