"""What does a transaction cost a ledger that has grown long: its CPU, the disk, the memory of the process?

One ledger over one database, in one process and without consensus: blocks of settlements that are decided as fast as
they are executed and stored, every sixteenth of them sealed. It prints a line for each interval: microseconds of CPU a
transaction to decode, execute, hash (roots and header), for the state's tree, and to store; bytes of disk a
transaction since the beginning; and how much memory the process holds. CPU counts, not time: it may share its machine.

    python scenarios/bench_ledger.py --transactions 200000
    python scenarios/bench_ledger.py --transactions 1000000 --persons 50000 --folder /var/tmp
    consortium run scenarios/bench_ledger.py --on simulator
"""

from __future__ import annotations

import argparse
import gc
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from consortium.core.crypto import SUITES
from consortium.core.genesis import Genesis, Parameters
from consortium.core.machine import Apply, Decide, Now, Stable, Started
from consortium.core.membership import Epochs, Purpose
from consortium.core.messages import Certificate
from consortium.core.transaction import encode_batch, encode_transaction, sign_bundle
from consortium.ledger.certificate import seal_rows
from consortium.ledger.chain import Ledger
from consortium.scenario.assemble import Shared, build_genesis, prepare
from consortium.scenario.scenario import MemberSpec, Scenario, Stop, Workload
from consortium.scenario.workloads.settlement_load import claim_of, person_of
from nodes.process.store import SqliteRows

MEMBERS = tuple(f"hospital-{index}" for index in range(1, 5))
BLOCK = 500  # transactions
SEALED_EACH = 16
START_US = 1_772_409_600_000_000  # 2 March 2026


def make(transactions: int, persons: int = 500) -> Scenario:
    """Four hospitals that claim in turn."""
    return Scenario(
        name="bench_ledger",
        question="What does a transaction cost a ledger that has grown long?",
        suite="plain",
        members=tuple(MemberSpec(name, "hospital", settings={"hosts": ["loader"]}) for name in MEMBERS),
        faults_tolerated=1,
        parameters=Parameters(batch_delay_us=20_000, idle_seal_us=500_000),
        workload=Workload(
            "settlement_load", {"transactions": transactions, "persons": persons, "bundle": 1, "outstanding": 100}
        ),
        stop=Stop(limit_us=240_000_000),
    )


SCENARIO = make(400, 50)


class Point(NamedTuple):
    """After `transactions`. `cpu_us`: of each transaction of the interval, by what it was for."""

    transactions: int
    cpu_us: dict[str, float]
    disk_bytes: float  # a transaction
    rss_mb: float


def grow(path: Path, transactions: int, interval: int, persons: int = 500) -> Iterator[Point]:
    """A new ledger at `path`, with so many transactions; a point for each interval."""
    genesis, claims = prepare_load(persons)
    shared = Shared.of(genesis)
    rows = SqliteRows(path)
    ledger = Ledger(
        genesis, rows, shared.contracts, shared.bundles, Epochs((genesis.first_epoch,)), time.thread_time_ns
    )
    try:
        ledger.boot()
        _store(rows, [one for one in ledger.step(Now(0, 0), Started(())) if isinstance(one, Apply)])
        before, store_ns, begun = dict(ledger.costs_ns), 0, rows.bytes_held()
        for done in range(BLOCK, transactions + 1, BLOCK):
            applies = _decide(ledger, rows, genesis, [next(claims) for _ in range(BLOCK)])
            store_ns += _store(rows, applies)
            if done % interval == 0:
                spent = {name: ns - before[name] for name, ns in ledger.costs_ns.items()}
                cpu_us = {name: ns / interval / 1_000 for name, ns in {**spent, "store": store_ns}.items()}
                before, store_ns = dict(ledger.costs_ns), 0
                yield Point(done, cpu_us, (rows.bytes_held() - begun) / done, _rss_mb())
    finally:
        rows.close()


def prepare_load(persons: int) -> tuple[Genesis, Iterator[bytes]]:
    """The genesis, and bundles of one claim each without end: they are made one by one, so as not to be in memory."""
    scenario = make(0, persons)
    keys: dict[str, dict[Purpose, bytes]] = {name: {"vote": _secret(name), "submit": _public(name)} for name in MEMBERS}
    genesis = build_genesis(scenario, prepare(scenario, bytes(32)), keys, START_US)
    return genesis, _bundles(genesis, persons)


def _secret(name: str) -> bytes:
    return name.encode().ljust(32, b".")


def _public(name: str) -> bytes:
    return SUITES["plain"]().public_key(_secret(name))


def _bundles(genesis: Genesis, persons: int) -> Iterator[bytes]:
    suite, serial = SUITES["plain"](), 0
    while True:
        serial += 1
        for place, member in enumerate(MEMBERS):
            call = claim_of(place, serial, person_of(place, serial * 7_919 % persons))
            yield sign_bundle(genesis.chain, suite, _secret(member), member, [encode_transaction(serial, *call)])


def _decide(ledger: Ledger, rows: SqliteRows, genesis: Genesis, bundles: list[bytes]) -> list[Apply]:
    """The next block, and its seal where one is due."""
    height = ledger.head_height + 1
    certificate = Certificate(bytes(150), tuple((name, bytes(64)) for name in MEMBERS[:3]))
    batch = encode_batch(START_US + height * 1_000_000, bundles)
    applies = [one for one in ledger.step(Now(0, 0), Decide(height, batch, certificate)) if isinstance(one, Apply)]
    if height % SEALED_EACH == 0:
        sealed = seal_rows(rows, height, certificate)
        rows.stage(sealed)
        applies.append(Apply(height, sealed))
        ledger.step(Now(0, 0), Stable(height, certificate))
    return applies


def _store(rows: SqliteRows, applies: list[Apply]) -> int:
    """Nanoseconds of CPU."""
    begun = time.thread_time_ns()
    rows.commit(applies)
    rows.committed(applies)
    return time.thread_time_ns() - begun


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU, disk and memory of a ledger that grows")
    parser.add_argument("--transactions", type=int, default=200_000)
    parser.add_argument("--interval", type=int, default=20_000)
    parser.add_argument("--persons", type=int, default=500, help="insured persons of each of four hospitals")
    parser.add_argument("--folder", type=Path, default=None, help="on which disk (default: where temporary files lie)")
    options = parser.parse_args()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    with tempfile.TemporaryDirectory(prefix="bench-ledger-", dir=options.folder) as folder:
        path = Path(folder) / "ledger.sqlite"
        for point in grow(path, options.transactions, options.interval, options.persons):
            parts = "  ".join(f"{name} {us:5.1f}" for name, us in point.cpu_us.items())
            total = sum(point.cpu_us.values())
            print(
                f"{point.transactions:>9,} transactions  {parts}  all {total:6.1f} us  "
                f"disk {point.disk_bytes:,.0f} B  rss {point.rss_mb:,.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()
