"""Does a consortium in the simulator queue as theory says it must?

One server where theory is exact: `solo` with one batch in flight and one settlement in it, so that each takes the same
time, an order there and its receipt back. Poisson arrivals wait as in M/D/1, load × service / 2(1 - load) in the mean
(Pollaczek 1930, Khinchine 1932); constant ones do not wait at all. Beside the formula stands Lindley's recursion over
the very same arrivals, of which nothing may differ. The first twentieth is left out: the queue was empty.

    python scenarios/studies/load_models.py                      # the table; five minutes of two cores
    python scenarios/studies/load_models.py --transactions 3000  # seconds, and farther from the formula
    consortium sweep studies/load_models
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from consortium.core.genesis import Parameters
from consortium.lab.measures.bundles import bundles_of
from consortium.lab.sweeps.plan import Sweep
from consortium.scenario.scenario import Disk, Link, MemberSpec, Network, Scenario, Stop, Workload
from consortium.simulation.run import simulate

SERVICE_US = 20_000
OPENS_US = SERVICE_US
WITHIN = 0.03
LEFT_OUT = 20
TRANSACTIONS = 60_000
LOADER = {"hosts": ["loader"]}
CASES = (  # arrivals, percent of the server, and parts of the settlements: the busier, the more values a mean needs
    ("poisson", 80, 2.0),
    ("poisson", 60, 1.0),
    ("poisson", 40, 1.0),
    ("poisson", 20, 1.0),
    ("constant", 50, 0.1),
    ("constant", 90, 0.1),
)

SCENARIO = Scenario(
    name="load_models",
    members=(MemberSpec("sequencer", "hospital", settings=LOADER), MemberSpec("witness", "hospital")),
    protocol="solo",
    suite="plain",
    parameters=Parameters(batches_in_flight=1, batch_transactions_max=1),
    network=Network(default=Link(mean_us=SERVICE_US // 2)),
    workload=Workload("settlement_load", {"transactions": 2_000, "arrivals": "poisson", "rate": 25, "persons": 20}),
    disk=Disk(0, 0),
    stop=Stop(limit_us=100_000_000_000),
)
SWEEP = Sweep(
    SCENARIO,
    vary={
        "workload.options.arrivals": ("poisson", "constant"),
        "workload.options.rate": tuple(share * 10_000 / SERVICE_US for share in (20, 50, 80)),
    },
    repeat=3,
)


class Queued(NamedTuple):
    """What came of one case. `load`: as it was offered; mean waits in microseconds, as measured, by Lindley's recursion
    over the same arrivals, and by the formula at that load."""

    arrivals: str
    load: float
    settlements: int
    wait_us: float
    lindley_us: float
    formula_us: float

    @property
    def difference(self) -> float:
        """From the formula; where that is nothing, in parts of the service time."""
        return (self.wait_us - self.formula_us) / (self.formula_us or SERVICE_US)


def run_case(arrivals: str, percent: int, transactions: int) -> Queued:
    """Simulate it, and hold it against theory."""
    rate = percent * 10_000 / SERVICE_US
    options = {"transactions": transactions, "arrivals": arrivals, "rate": rate, "persons": 20}
    trace = simulate(replace(SCENARIO, workload=Workload("settlement_load", options))).trace
    bundles = sorted(bundles_of(trace), key=lambda bundle: bundle.due_us)
    due_us = [bundle.due_us for bundle in bundles]
    first = len(bundles) // LEFT_OUT
    load = SERVICE_US * (len(due_us) - 1) / (due_us[-1] - due_us[0])
    waits = [bundle.latency_us - SERVICE_US for bundle in bundles]
    formula_us = load * SERVICE_US / (2 * (1 - load)) if arrivals == "poisson" else 0.0
    return Queued(arrivals, load, len(bundles), _mean(waits[first:]), _mean(lindley(due_us)[first:]), formula_us)


def lindley(due_us: Sequence[int]) -> list[int]:
    """How long each waits for those before it: max(0, the wait of the last one + its service - the time between). The
    sequencer opens when its question after the boot was answered."""
    waits = [max(0, OPENS_US - due_us[0])]
    for before, after in pairwise(due_us):
        waits.append(max(0, waits[-1] + SERVICE_US - (after - before)))
    return waits


def _mean(values: Sequence[int]) -> float:
    return sum(values) / len(values)


def _line(found: Queued) -> str:
    ms = [f"{us / 1e3:9.3f}" for us in (found.wait_us, found.lindley_us, found.formula_us)]
    return f"{found.arrivals:>9} {found.load:6.3f} {found.settlements:11,} {' '.join(ms)} {found.difference:+9.2%}"


def main() -> int:
    """Print the table; 1 where a mean is farther from the formula than it may be."""
    parser = argparse.ArgumentParser(description="Mean waits by load against M/D/1 and D/D/1.")
    parser.add_argument(
        "--transactions", type=int, default=TRANSACTIONS, help="of each case; of the busiest twice as many"
    )
    wanted = parser.parse_args()
    print(
        f"{'arrivals':>9} {'load':>6} {'settlements':>11} {'wait, ms':>9} {'Lindley':>9} {'formula':>9} {'off by':>9}"
    )
    with ProcessPoolExecutor() as pool:
        running = [pool.submit(run_case, name, share, int(wanted.transactions * part)) for name, share, part in CASES]
        found = []
        for each in running:
            found.append(each.result())
            print(_line(found[-1]), flush=True)
    worst = max(abs(each.difference) for each in found)
    print(f"farthest from the formula: {worst:.2%}; {WITHIN:.0%} are allowed")
    return int(worst > WITHIN)


if __name__ == "__main__":
    sys.exit(main())
