"""How long does a settlement take when the members stand on four continents, and a cable slows down in between?

Five hospitals in the five EC2 regions of the matrix aws-2021 (docs/networks.md), each on a line of 20 Mbit/s, the
broker in Canada. From second 8 to second 12 everything that Singapore says takes 350 ms behind the broker.

    consortium run wan --on simulator
    consortium run wan
    consortium run wan --on simulator --set network.hub.region=ap-southeast-1
"""

from consortium.scenario.scenario import (
    Hub,
    Line,
    LinkChange,
    MemberSpec,
    Network,
    Scenario,
    Stop,
    Workload,
)

REGIONS = ("eu-west-1", "us-west-1", "ca-central-1", "sa-east-1", "ap-southeast-1")
NAMES = ("dublin", "san-jose", "montreal", "sao-paulo", "singapore")

SCENARIO = Scenario(
    name="wan",
    members=tuple(MemberSpec(name, "hospital", settings={"hosts": ["loader"]}) for name in NAMES),
    network=Network(
        matrix="aws-2021",
        regions=dict(zip(NAMES, REGIONS, strict=True)),
        lines={"*": Line(up_bits_per_s=20_000_000, down_bits_per_s=20_000_000, queue_bytes=2_000_000)},
        hub=Hub(region="ca-central-1"),
        changes=(LinkChange(8_000_000, {"mean_us": 350_000}, ("singapore>*",), to_us=12_000_000),),
        in_real_runs=True,
    ),
    workload=Workload("settlement_load", {"transactions": 200, "interval_us": 500_000, "persons": 50}),
    stop=Stop(limit_us=120_000_000),
)
