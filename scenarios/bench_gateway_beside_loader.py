"""How much more CPU do nodes take for a transaction that comes through a gateway than for one of their own loader?

The same four members, parameters and broker twice: first a consortium that stands, with clients of all its gateways;
then this scenario, whose nodes submit claims that were signed before the run, as many at once as there were clients.
The CPU is that of the nodes' processes alone, from when they are up.

    python scenarios/bench_gateway_beside_loader.py --clients 500 --seconds 30
    consortium run scenarios/bench_gateway_beside_loader.py
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from msgspec.structs import replace

from consortium.core.genesis import Parameters
from consortium.lab.measures.costs import cpu_costs
from consortium.runs.trace import read_trace
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload
from nodes.conduct.conductor import run_local
from nodes.deploy.deployment import read_deployment
from nodes.deploy.standing import bring_down, bring_up
from nodes.load.clients import run
from nodes.load.gates import gates_of_all
from nodes.load.used import used

MEMBERS = 4
CLIENTS = 500
RATIO_MAX = 1.25

SCENARIO = Scenario(
    name="bench_gateway_beside_loader",
    members=tuple(
        MemberSpec(f"hospital-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, MEMBERS + 1)
    ),
    faults_tolerated=1,
    parameters=Parameters(timer_base_us=2_000_000),  # as of a consortium that stands
    workload=Workload("settlement_load", {"transactions": 20_000, "outstanding": CLIENTS // MEMBERS}),
    stop=Stop(limit_us=600_000_000),
)


def through_gateways(folder: Path, clients: int, seconds: float) -> tuple[int, float, str]:
    """Executed transactions, CPU seconds of the nodes, and the kind of broker."""
    bring_up(folder, "bureau=1,hospital=2,regulator=1")
    try:
        ways = gates_of_all(folder)
        before = used(folder)["nodes"].cpu_s
        told = asyncio.run(run(ways, clients, 1, seconds))
        return told.executed, used(folder)["nodes"].cpu_s - before, read_deployment(folder).brokers[0].kind
    finally:
        bring_down(folder)


def by_own_loader(folder: Path, clients: int, transactions: int, broker: str) -> tuple[int, float]:
    """The same of nodes that load themselves."""
    options = {"transactions": transactions, "outstanding": max(1, clients // MEMBERS)}
    scenario = replace(SCENARIO, workload=Workload("settlement_load", options))
    outcome = run_local(scenario, folder, broker)
    assert outcome.verdict == "done", outcome.sentence
    spent = cpu_costs(read_trace(folder / "trace.jsonl"))
    return transactions, sum(node["cpu_us"] for node in spent.values()) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU of the nodes through gateways, and by their own loader.")
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--seconds", type=float, default=30.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="beside-") as place:
        executed, gateway_s, broker = through_gateways(Path(place) / "standing", asked.clients, asked.seconds)
        count, loader_s = by_own_loader(Path(place) / "loaded", asked.clients, max(1_000, executed), broker)
    gateway_ms, loader_ms = gateway_s * 1_000 / executed, loader_s * 1_000 / count
    print(f"{asked.clients} clients: {executed} transactions, {gateway_ms:.3f} ms of CPU of all nodes for each")
    print(f"own loader, as many at once: {count} transactions, {loader_ms:.3f} ms")
    print(f"ratio {gateway_ms / loader_ms:.2f}; it is to be at most {RATIO_MAX}")


if __name__ == "__main__":
    main()
