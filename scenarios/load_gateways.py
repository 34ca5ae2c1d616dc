"""Many clients of a consortium that stands, and a leader that dies: is anything lost, doubled, or answered wrongly?

Plain HTTP clients of all gateways (`--clients`) and clients of the library (`--library`) claim, each one after another.
What a gateway refuses for now (503, 429) is asked for again under the same idempotency key, at another gateway. Then
everybody's ledger is read: what anybody was told was executed must stand in each, once. It prints what was answered,
how long that took, CPU and memory; it fails, with status 1, where an answer is not among those that may be, something
is missing or doubled, the library raised anything, or a process is larger than it may be.

    consortium up --members bureau=1,hospital=2,regulator=1
    python scenarios/load_gateways.py consortium-data --clients 2000 --seconds 600
    python scenarios/load_gateways.py consortium-data --clients 400 --library 100 --seconds 60 --kill leader
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from nodes.load import clients, library
from nodes.load.clients import Told
from nodes.load.gates import Gate, gates_of_all
from nodes.load.ledgers import Found, await_equal_heads, leader_of, look_in_all
from nodes.load.used import Used, used

MB_MAX = {"gateways": 200.0, "nodes": 300.0}
AGAIN_MAX = 50  # keys that are sent again at another gateway


def command(folder: Path, *words: str) -> None:
    """`consortium WORDS --dir FOLDER`. Raises CalledProcessError."""
    argv = [sys.executable, "-P", "-m", "consortium", *words, "--dir", str(folder)]
    subprocess.run(argv, check=True, stdout=subprocess.PIPE)


async def load(
    folder: Path, ways: Sequence[Sequence[Gate]], plain: int, by_library: int, seconds: float, kill: str
) -> tuple[Told, Told]:
    """What plain clients were told, and those of the library. `kill`: who dies after a third of the time, and comes
    back after two; empty: nobody."""
    async with asyncio.TaskGroup() as group:
        plain_told = group.create_task(clients.run(ways, plain, 1, seconds, keep=20))
        library_told = group.create_task(library.run(folder, ways, by_library, seconds))
        if kill:
            await asyncio.sleep(seconds / 3)
            dead = await asyncio.to_thread(leader_of, folder) if kill == "leader" else kill
            await asyncio.to_thread(command, folder, "kill", dead)
            await asyncio.sleep(seconds / 3)
            await asyncio.to_thread(command, folder, "restart", dead)
    return plain_told.result(), library_told.result()


async def again(ways: Sequence[Sequence[Gate]], told: Told) -> int:
    """How many of the keys that were kept are another transaction at another gateway: none may be."""
    different = 0
    by_application = {gates[0].samples.institution: gates for gates in ways}
    for at, (key, identity, path, body) in enumerate(told.keys[:AGAIN_MAX]):
        gates = next(gates for name, gates in by_application.items() if name.encode() in body)
        asked = clients.Client([gates[at % len(gates)]], 1, Told.nothing())
        status, _, answer = await asked.post(path, body, key)
        asked.leave()
        different += status != 200 or answer.get("transaction") != identity
    await asyncio.sleep(clients.TO_CLOSE_S)
    return different


def wrong_answers(codes: Counter[str], allowed: Sequence[str]) -> list[str]:
    return [f"{count} × {code}" for code, count in codes.items() if not code.startswith(tuple(allowed))]


def faults(
    plain: Told, by_library: Told, found: Mapping[str, Found], sizes: Mapping[str, Used], kill: str, different: int
) -> list[str]:
    """What may not be, as sentences."""
    allowed = ["200 ", "202 ", "429", *(["503"] if kill else [])]
    told = [f"plain clients were answered {each}" for each in wrong_answers(plain.codes, allowed)]
    told += [f"{code} with nothing that says when" for code in plain.codes if code.endswith("without Retry-After")]
    told += [f"the library: {each}" for each in wrong_answers(by_library.codes, ["200 "])]
    for name, each in found.items():
        if each.missing or each.twice:
            told.append(f"{name} has not {each.missing} of what was acknowledged, and {each.twice} more than once")
    if different:
        told.append(f"{different} keys are another transaction at another gateway")
    for kind, most_mb in MB_MAX.items():
        if sizes[kind].peak_mb > most_mb:
            told.append(f"{kind}: {sizes[kind].peak_mb:.0f} MB, of {most_mb:.0f}")
    return told


def show(name: str, told: Told, seconds: float) -> None:
    latencies = sorted(told.latencies_s) or [0.0]
    p50, p99 = (latencies[min(len(latencies) - 1, int(len(latencies) * share))] * 1_000 for share in (0.5, 0.99))
    print(f"{name}: {', '.join(f'{count} × {code}' for code, count in sorted(told.codes.items())) or 'none'}")
    print(f"  p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {latencies[-1]:.1f} s; {told.executed / seconds:.0f} tx/s")


def main(argv: Sequence[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description="Is anything lost, doubled, or answered wrongly?")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clients", type=int, default=500, help="plain HTTP clients")
    parser.add_argument("--library", type=int, default=0, help="clients of consortium.client")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--kill", default="", help="a member, or leader: it dies after a third of the time")
    asked = parser.parse_args(argv)
    folder: Path = asked.folder
    ways, before, mine_s = gates_of_all(folder), used(folder), time.process_time()
    plain, by_library = asyncio.run(load(folder, ways, asked.clients, asked.library, asked.seconds, asked.kill))
    mine_s, after = time.process_time() - mine_s, used(folder)
    show(f"{asked.clients} plain clients", plain, asked.seconds)
    show(f"{asked.library} clients of the library", by_library, asked.seconds)
    done = max(1, plain.executed + by_library.executed)
    for kind, now in sorted(after.items()):
        cpu_ms = (now.cpu_s - before.get(kind, Used()).cpu_s) * 1_000 / done
        grown = f", {now.rss_mb:.0f} MB the largest, at most {now.peak_mb:.0f}"
        print(f"{kind}: {'' if asked.kill else f'{cpu_ms:.2f} ms of CPU a transaction, '}{grown.removeprefix(', ')}")
    print(f"clients: {mine_s * 1_000 / done:.2f} ms of CPU a transaction")
    head = await_equal_heads(folder)
    different = asyncio.run(again(ways, plain))
    wanted = plain.acknowledged | by_library.acknowledged
    found = look_in_all(folder, wanted)
    print(f"{len(wanted)} acknowledged transactions looked for in {len(found)} ledgers up to height {head}")
    wrong = faults(plain, by_library, found, after, asked.kill, different)
    print("\n".join(wrong) if wrong else "nothing lost, nothing doubled, nothing answered that may not be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
