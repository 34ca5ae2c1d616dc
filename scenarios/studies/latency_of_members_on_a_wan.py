"""How does commit latency grow with the number of members on a WAN?

One-way delays are log-normal with mean 50 ms and deviation 20 ms, every member is as far from every other, and the
consortium is given 20 settlements a second in all, however many members it has. CPU and bandwidth are free, so what
grows is what the protocol itself makes of the delays: three one-way hops, each as long as the slowest vote of a quorum
(of the leader's order: as its own link).

    consortium sweep studies/latency_of_members_on_a_wan
    python -c "from consortium.lab import load; print(load('runs/sweep-…', 'points'))"
"""

from consortium.core.genesis import Parameters
from consortium.lab.sweeps.plan import Sweep
from consortium.scenario.scenario import Link, MemberSpec, Network, Scenario, Stop, Workload

TOTAL_INTERVAL_US = 50_000  # a settlement somewhere every so often

SCENARIO = Scenario(
    name="latency_of_members_on_a_wan",
    members=tuple(MemberSpec(f"hospital-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5)),
    suite="keyed-hash",
    parameters=Parameters(timer_base_us=2_000_000, batch_delay_us=20_000),
    network=Network(default=Link("lognormal", mean_us=50_000, deviation_us=20_000)),
    workload=Workload(
        "settlement_load",
        {"transactions": 300, "interval_us": 4 * TOTAL_INTERVAL_US, "persons": 5},
    ),
    stop=Stop(limit_us=120_000_000),
)
SWEEP = Sweep(
    SCENARIO,
    vary={"members": (4, 7, 10, 16, 31)},
    derive={"workload.options.interval_us": lambda point: point["members"] * TOTAL_INTERVAL_US},
    repeat=10,
)
