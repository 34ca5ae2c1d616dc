"""How fast is the simulator itself: ten decisions of PBFT among n members, delays N(250, 50) ms, no cryptography?

One member, the leader, holds ten bundles; one is decided after another. Everybody runs the whole protocol. As a script
it prints one point a line, each measured in a process of its own: `wall_s` is the loop alone (hosts are built before),
`cpu_s` its processor time, `rss_mb` the most memory that the process held.

    python scenarios/bench_simulator.py
    python scenarios/bench_simulator.py --n 512,1024,2048 --level collapsed
    consortium run scenarios/bench_simulator.py --on simulator
"""

from __future__ import annotations

import argparse
import gc
import resource
import subprocess
import sys
import time

from consortium.core.genesis import Parameters
from consortium.scenario.scenario import Disk, Link, MemberSpec, Network, Scenario, Stop, Workload
from consortium.simulation.bus.levels import LEVELS
from consortium.simulation.run import Simulation

DECISIONS = 10
POINTS = {"message": (32, 128, 256, 512), "collapsed": (512, 1_024, 2_048)}


def make(n: int, decisions: int = DECISIONS, seed: int = 1) -> Scenario:
    """Decisions one after another: a batch holds one transaction, and one batch is in flight."""
    names = [f"v{place:04d}" for place in range(n)]
    loads: dict[str, list[str]] = {"hosts": ["loader"]}
    return Scenario(
        name="bench_simulator",
        question="How fast is the simulator itself?",
        seed=seed,
        suite="plain",
        members=tuple(MemberSpec(name, "hospital", settings=loads if name == names[0] else {}) for name in names),
        parameters=Parameters(
            checkpoint_interval=decisions,
            window=2 * decisions,
            batches_in_flight=1,
            batch_transactions_max=1,
            timer_base_us=60_000_000,
            idle_seal_us=60_000_000,
        ),
        network=Network(Link("normal", 250_000, 50_000)),
        workload=Workload("settlement_load", {"transactions": decisions, "outstanding": decisions, "persons": 1}),
        disk=Disk(0, 0),
        stop=Stop(limit_us=600_000_000),
        is_recalled=True,
    )


SCENARIO = make(32)


def measure(level: str, n: int) -> str:
    """One point, in this process."""
    begun_s = time.perf_counter()
    simulation = Simulation(make(n), level=level)
    built_s = time.perf_counter() - begun_s
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)  # as `consortium run` does
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    result = simulation.run()
    wall_s, cpu_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
    heights = {int(record["height"]) for record in result.trace if record["kind"] == "executed"}
    assert result.is_done and max(heights) == DECISIONS, "the run did not decide what it should"
    unit = 1 << 10 if sys.platform.startswith("linux") else 1 << 20
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return (
        f"level={level} n={n} decisions={DECISIONS} wall_s={wall_s:.2f} rss_mb={rss_mb:.0f} "
        f"cpu_s={cpu_s:.2f} build_s={built_s:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--n", help="numbers of members, joined by commas; default: those of the issue, by level")
    parser.add_argument("--level", default=",".join(POINTS), help="message, collapsed, or both joined by a comma")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)  # measure in this very process
    given = parser.parse_args()
    for level in given.level.split(","):
        if level not in LEVELS:
            parser.error(f"--level {level!r}: expected one of {', '.join(LEVELS)}")
        try:
            sizes = [int(each) for each in given.n.split(",")] if given.n else list(POINTS.get(level, (128,)))
        except ValueError:
            parser.error(f"--n {given.n!r}: expected numbers joined by commas, such as 128,256")
        if min(sizes) < 1:
            parser.error("--n: a consortium has at least one member")
        for n in sizes:
            if given.here:
                print(measure(level, n), flush=True)
            else:
                command = [sys.executable, __file__, "--n", str(n), "--level", level, "--here"]
                sys.exit(1) if subprocess.run(command).returncode else None


if __name__ == "__main__":
    main()
