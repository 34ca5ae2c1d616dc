"""What does a request through a gateway cost, and how long does it take: clients, gateways and nodes apart?

Closed clients of a consortium that stands (`consortium up`): each posts a claim, waits for its execution, posts the
next, over one connection that stays open. It prints latency, throughput, and of each kind of process CPU seconds a
transaction and memory. CPU counts: the machine is shared by all of them.

    python scenarios/bench_gateway.py consortium-data --clients 1 --seconds 20
    python scenarios/bench_gateway.py consortium-data --clients 500 --seconds 60
    python scenarios/bench_gateway.py consortium-data --clients 16 --together 100
    python scenarios/bench_gateway.py consortium-data --clients 8 --together 100 --transactions 1000000

With `--transactions` it tells after each tenth what that took, and how large nodes and gateways are by then.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from nodes.load.clients import Told, run
from nodes.load.gates import Gate, find_gates
from nodes.load.used import Used, used

PAUSE_S = 1.0
FOR_EVER_S = 86_400.0


def show(kind: str, before: Used, now: Used, done: int) -> None:
    cpu_ms = (now.cpu_s - before.cpu_s) * 1_000 / max(1, done)
    size = f"{now.rss_mb:.0f} MB the largest, at most {now.peak_mb:.0f}"
    print(f"{kind}: {cpu_ms:.2f} ms of CPU a transaction (all of them), {size}", flush=True)


async def tell_parts(folder: Path, told: Told, every: int) -> None:
    """After every so many transactions what these took, and how large the processes are by then."""
    done, before, began_s = 0, used(folder), time.monotonic()
    while True:
        await asyncio.sleep(PAUSE_S)
        if told.executed - done < every:
            continue
        now, more, took_s = used(folder), told.executed - done, time.monotonic() - began_s
        print(f"{told.executed} executed, {more / took_s:.0f} transactions/s")
        for kind in sorted(now):
            show(f"  {kind}", before.get(kind, Used()), now[kind], more)
        done, before, began_s = told.executed, now, time.monotonic()


async def bench(folder: Path, gates: Sequence[Gate], asked: argparse.Namespace) -> Told:
    told = Told.nothing()
    teller = (
        asyncio.create_task(tell_parts(folder, told, max(1, asked.transactions // 10))) if asked.transactions else None
    )
    seconds = FOR_EVER_S if asked.transactions else asked.seconds
    await run([[gate] for gate in gates], asked.clients, asked.together, seconds, told=told, most=asked.transactions)
    if teller is not None:
        teller.cancel()
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description="What does a request through a gateway cost?")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clients", type=int, default=1)
    parser.add_argument("--together", type=int, default=1, help="transactions in one request")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--transactions", type=int, default=0, help="so many, however long it takes, told in tenths")
    asked = parser.parse_args()
    gates = find_gates(asked.folder)
    before, mine_s, began_s = used(asked.folder), time.process_time(), time.monotonic()
    told = asyncio.run(bench(asked.folder, gates, asked))
    mine_s, took_s = time.process_time() - mine_s, time.monotonic() - began_s
    after = used(asked.folder)
    done = told.executed
    latencies = sorted(told.latencies_s) or [0.0]
    print(f"{asked.clients} clients of {len(gates)} gateways, {asked.together} together, {took_s:.0f} s")
    print(f"answers: {', '.join(f'{count} × {code}' for code, count in sorted(told.codes.items()))}")
    p50, p99 = (latencies[min(len(latencies) - 1, int(len(latencies) * share))] * 1_000 for share in (0.5, 0.99))
    print(f"latency p50 {p50:.1f} ms, p99 {p99:.1f} ms; {done / took_s:.1f} transactions/s")
    for kind, now in sorted(after.items()):
        show(kind, before.get(kind, Used()), now, done)
    print(f"clients: {mine_s * 1_000 / max(1, done):.2f} ms of CPU a transaction")


if __name__ == "__main__":
    main()
