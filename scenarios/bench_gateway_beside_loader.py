"""How much more CPU do nodes take for a transaction that comes through a gateway than for one of their own loader?

The same consortium twice (`consortium up`: members, roles, contracts, brokers with TLS), and the same claims of its two
hospitals. First they come from clients of the gateways; then the nodes of the hospitals submit them, signed before, as
many at once as there were clients, and no gateway is up. What is counted is the CPU of the nodes' processes and the
transactions of one node's ledger, from when the load flows until some seconds later. Nothing is paid out meanwhile, so
every transaction is a claim.

    python scenarios/bench_gateway_beside_loader.py --clients 500 --seconds 30
    python scenarios/bench_gateway_beside_loader.py --seconds 10 --rounds 5     # by turns, where a machine is shared
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import NamedTuple

from msgspec.structs import replace

from consortium.lab.measures.costs import COSTS
from consortium.runs.trace import read_trace
from consortium.scenario.standing_members import parse_members
from nodes.broker.mosquitto import find_mosquitto
from nodes.deploy.making import make_consortium
from nodes.deploy.running import gateway_of
from nodes.deploy.standing import bring_down, bring_up
from nodes.load.clients import run
from nodes.load.gates import gates_of_all
from nodes.load.used import used
from nodes.process.door_client import ask_door
from nodes.process.door_frames import door_path
from nodes.process.settings import NodeFolder

MEMBERS = "bureau=1,hospital=2,regulator=1"
TOLD = "bureau"  # whose trace says what was executed
CLIENTS = 500
RATIO_MAX = 1.25
WARM_S = 3.0
RATE_MAX = 4_000  # transactions a second that a loader is never to run out of


class Moment(NamedTuple):
    """`height`: of one node; `cpu_s`: that all nodes used so far."""

    height: int
    cpu_s: float
    at_s: float


class Spent(NamedTuple):
    """CPU of all nodes a transaction, in milliseconds; of it by name, as far as nodes count that."""

    transactions: int
    blocks: int
    seconds: float
    cpu_ms: float
    named_ms: dict[str, float]

    def told(self) -> str:
        rate, size = self.transactions / self.seconds, self.transactions / max(1, self.blocks)
        names = ", ".join(f"{name} {ms:.3f}" for name, ms in self.named_ms.items())
        return f"{self.cpu_ms:.3f} ms ({names}); {rate:.0f} tx/s in blocks of {size:.0f}"


def moment(folder: Path) -> Moment:
    height = int(ask_door(door_path(NodeFolder(folder, TOLD)), "status")["height"])
    return Moment(height, used(folder)["nodes"].cpu_s, time.monotonic())


def spent(folder: Path, first: Moment, last: Moment) -> Spent:
    """Between two moments, after the traces are written."""
    blocks = [
        record["transactions"]
        for record in read_trace(NodeFolder(folder, TOLD).trace)
        if record["kind"] == "executed" and first.height < record["height"] <= last.height
    ]
    done = sum(blocks)
    assert done > 0, "nothing was executed: is the load too small?"
    return Spent(done, len(blocks), last.at_s - first.at_s, (last.cpu_s - first.cpu_s) * 1_000 / done, named(folder))


def named(folder: Path) -> dict[str, float]:
    """By name in ms a transaction, of what the nodes noted while the load flowed."""
    spent_us, transactions, nodes = dict.fromkeys(COSTS, 0), 0, 0
    for path in sorted((folder / "nodes").glob("*/trace.jsonl")):
        noted = [record for record in read_trace(path) if record["kind"] == "cost"]
        flowing = [(a, b) for a, b in pairwise(noted) if b["transactions"] > a["transactions"]]
        inner = flowing[1:-1] or flowing
        nodes += 1
        for a, b in inner:
            transactions += b["transactions"] - a["transactions"]
            for name in COSTS:
                spent_us[name] += b[f"{name}_us"] - a[f"{name}_us"]
    return {name: us * nodes / 1_000 / max(1, transactions) for name, us in spent_us.items()}


def through_gateways(folder: Path, clients: int, seconds: float) -> Spent:
    make(folder)
    bring_up(folder)
    try:
        ways = gates_of_all(folder)

        async def flow() -> tuple[Moment, Moment]:
            load = asyncio.create_task(run(ways, clients, 1, WARM_S + seconds))
            await asyncio.sleep(WARM_S)
            first = moment(folder)
            await asyncio.sleep(seconds - 0.1)
            last = moment(folder)
            await load
            return first, last

        first, last = asyncio.run(flow())
    finally:
        bring_down(folder)
    return spent(folder, first, last)


def by_own_loader(folder: Path, clients: int, seconds: float) -> Spent:
    """Two hospitals share the clients' number of claims at once."""
    make(folder, claims=int(RATE_MAX * (seconds + 2 * WARM_S)) // 2, outstanding=max(1, clients // 2))
    standing = bring_up(folder).standing
    try:
        for name in standing.deployment.members:
            standing.running.stop_program(gateway_of(name))
        time.sleep(WARM_S)
        first = moment(folder)
        time.sleep(seconds)
        last = moment(folder)
        assert not ask_door(door_path(NodeFolder(folder, "hospital-1")), "status")["is_done"], "the load ran out"
    finally:
        bring_down(folder)
    return spent(folder, first, last)


def make(folder: Path, claims: int = 0, outstanding: int = 1) -> None:
    """As `up` does; with `claims`, hospitals have loaders."""
    hosts = {"hosts": ["loader"]} if claims else {}
    members = [
        replace(member, settings=hosts) if member.role == "hospital" else member for member in parse_members(MEMBERS)
    ]
    options = {"disburse_fen": 0, "claims": claims, "outstanding": outstanding}
    make_consortium(folder, members, "mosquitto" if find_mosquitto() else "embedded", options=options)


def main(words: Sequence[str] | None = None) -> int:
    """1 where the ratio is too large."""
    parser = argparse.ArgumentParser(description="CPU of the nodes through gateways, and by their own loader.")
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args(words)
    ratios = []
    with tempfile.TemporaryDirectory(prefix="beside-") as place:
        for at in range(asked.rounds):
            gateway = through_gateways(Path(place) / f"standing-{at}", asked.clients, asked.seconds)
            print(f"{asked.clients} clients: {gateway.told()}", flush=True)
            loader = by_own_loader(Path(place) / f"loaded-{at}", asked.clients, asked.seconds)
            ratios.append(gateway.cpu_ms / loader.cpu_ms)
            print(f"own loader, as many at once: {loader.told()}; ratio {ratios[-1]:.2f}", flush=True)
    print(f"ratio {median(ratios):.2f}; it is to be at most {RATIO_MAX}")
    return int(median(ratios) > RATIO_MAX)


if __name__ == "__main__":
    sys.exit(main())
