"""Is a leader ever suspected where nothing is wrong, from one transaction in ten seconds to nine tenths of saturation?

Four to sixteen hospitals on links of 40 ± 15 ms, a timer of one second, five loads that one of them submits, open loop:
a transaction every 10 s, 1 s, 100 ms and 20 ms, and (interval 0) as many as nine tenths of what the consortium can
decide at that size. CPU and bandwidth are free, so what saturates is the pipeline: four batches of five transactions in
flight. `views asked for`, a run, must be 0 everywhere; 1,000 runs take about 25 minutes of two cores.

    consortium sweep scenarios/studies/no_suspicion.py
    consortium sweep scenarios/studies/no_suspicion.py --repeat 2
"""

from collections.abc import Mapping
from typing import Any

from consortium.core.genesis import Parameters
from consortium.lab.sweeps.plan import Sweep
from consortium.scenario.scenario import Link, MemberSpec, Network, Scenario, Stop, Workload

INTERVAL = "workload.options.interval_us"
TRANSACTIONS = {10_000_000: 12, 1_000_000: 40, 100_000: 100, 20_000: 250, 0: 700}  # by interval
SATURATED = {4: 175, 7: 157, 10: 156, 16: 151}  # transactions a second, of a closed loop with 100 outstanding


def interval_us(point: Mapping[str, Any]) -> int:
    """Between two transactions; for 0, nine tenths of what saturates."""
    return point[INTERVAL] or round(1_000_000 / (0.9 * SATURATED[point["members"]]))


SCENARIO = Scenario(
    name="no_suspicion",
    members=tuple(
        MemberSpec(f"hospital-{index}", "hospital", settings={"hosts": ["loader"]} if index == 2 else {})
        for index in range(1, 5)
    ),
    suite="keyed-hash",
    parameters=Parameters(batches_in_flight=4, batch_transactions_max=5),
    network=Network(default=Link("normal", mean_us=40_000, deviation_us=15_000)),
    workload=Workload("settlement_load", {"transactions": 40, "bundle": 1, "interval_us": 1_000_000, "persons": 10}),
    stop=Stop(limit_us=200_000_000),
)
SWEEP = Sweep(
    SCENARIO,
    vary={"members": (4, 7, 10, 16), INTERVAL: tuple(TRANSACTIONS)},
    derive={
        INTERVAL: interval_us,
        "workload.options.transactions": lambda point: TRANSACTIONS[point[INTERVAL]],
    },
    repeat=50,
)
