"""Prints a fingerprint of the trace of many scenarios: the lines of two interpreters, or two hash seeds, must be equal.

PYTHONHASHSEED=1 python tests/same_trace.py            # all
python tests/same_trace.py faults/loss explore:7       # these: names as `consortium list` shows them, seeds
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from consortium.exploration.draw import draw
from consortium.runs.trace import fingerprint
from consortium.scenario.find import find_scenario
from consortium.scenario.load import load_scenario
from consortium.scenario.scenario import Scenario
from consortium.simulation.run import simulate

ATTACKS = (
    "all_at_once", "bad_new_view", "censorship", "equivocating_leader", "flooding", "lying_catch_up", "lying_snapshots",
    "poisoned_view_change", "replayed_messages", "twin", "view_inflation",
)  # fmt: skip
FAULTS = (
    "broker_death", "clock_drift", "crash_mid_step", "delay", "duplication", "flipped_rows", "flipped_votes", "loss",
    "older_disk", "one_way_partition", "reordering",
)  # fmt: skip
MEMBERSHIPS = ("membership_change", "membership_join", "membership_recovery")
CHAOS = tuple(f"explore:{seed}" for seed in range(12))  # members, network, faults, traitors and work, all drawn
ALL = ("claim_day", *(f"attacks/{name}" for name in ATTACKS), *(f"faults/{name}" for name in FAULTS), *MEMBERSHIPS)


def scenario_of(name: str) -> Scenario:
    kind, _, seed = name.partition(":")
    if kind == "explore":
        return draw(int(seed))
    return load_scenario(find_scenario(name))


def lines(names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        trace = simulate(scenario_of(name)).trace
        yield f"{name} {len(trace)} {fingerprint(trace)}"


if __name__ == "__main__":
    for line in lines(tuple(sys.argv[1:]) or (*ALL, *CHAOS)):
        print(line, flush=True)
