"""Does a consortium without a fault keep its leader when there is one transaction a second?

Four hospitals, links of 40 ± 15 ms, and a timer of one second: work comes, is done in a fifth of a second, and then
nothing happens for the rest of the second. Nobody may be suspected: no view changes at all.
"""

from consortium.scenario.scenario import Link, MemberSpec, Network, Scenario, Workload

SCENARIO = Scenario(
    name="sparse",
    members=tuple(
        MemberSpec(f"hospital-{index}", "hospital", settings={"hosts": ["loader"]} if index == 1 else {})
        for index in range(1, 5)
    ),
    network=Network(default=Link(distribution="normal", mean_us=40_000, deviation_us=15_000)),
    workload=Workload("settlement_load", {"transactions": 200, "bundle": 1, "interval_us": 1_000_000, "persons": 50}),
)
