"""What a host's step costs: real hosts over real ledgers, in a simulation whose steps are timed by this thread's CPU.

Signatures, hashing and decoding are measured one by one. The rest (the machines' own Python, the state, SQLite's reads)
is what least squares finds to be the price of each event, bundle, transaction, block and message, over all steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy

from consortium.core.crypto import SUITES
from consortium.core.machine import Apply
from consortium.core.messages import Frame, Signed, decode_frame, encode_frame
from consortium.ledger.rows import Row
from consortium.scenario.scenario import Link, MemberSpec, Network, Scenario, Workload
from consortium.simulation.costs.cost import KIB, Counts
from consortium.simulation.costs.priced_node import PricedNodes
from consortium.simulation.costs.profile import HostCost, Profile, StoreCost, SuiteCost
from consortium.simulation.run import Simulation
from nodes.calibration.bus import spread_of
from nodes.process.store import SqliteRows
from nodes.process.trace_file import TraceWriter
from nodes.process.vote_log import VoteLog

FEATURES = ("events", "kib_in", "bundles", "transactions", "blocks", "transmits")
LARGE_BYTES = 262_144


class HostMeasure(NamedTuple):
    """`spread`: as of the bus. `unexplained`: of the CPU of all steps of a scenario, the share that the prices miss or
    add; the worst."""

    host: HostCost
    store: StoreCost
    suites: dict[str, SuiteCost]
    spread: float
    unexplained: float


def measure_host(folder: Path, repeats: int, tell: Callable[[str], None]) -> HostMeasure:
    """`folder`: on the disk that runs are kept on."""
    tell("signatures, hashing, decoding")
    suites, spreads = {}, []
    for name in SUITES:
        suites[name], spread = _suite(name, repeats)
        spreads.append(spread)
    hash_kib_ns, hash_spread = _each(lambda: sha256(_BLOB).digest(), repeats, LARGE_BYTES // KIB)
    decode_kib_ns, _ = _each(lambda: decode_frame(_FRAME), repeats, LARGE_BYTES // KIB)
    note_ns = _note(folder / "trace.jsonl", repeats)
    tell("votes on the disk")
    sync_ns, sync_kib_ns, sync_spread = _syncs(folder / "votes.log", repeats)
    steps: list[list[_Step]] = []
    commits: list[_Commit] = []
    for place, scenario in enumerate(_SCENARIOS):
        tell(f"steps of hosts: {scenario.name}")
        steps.append([])
        _run(scenario, folder / f"ledgers-{place}", steps[-1], commits)
    fixed = HostCost(hash_kib_ns=hash_kib_ns, decode_kib_ns=decode_kib_ns, note_ns=note_ns)
    host, unexplained = _fit(steps, fixed, suites["ed25519"])
    store = _fit_store(commits, sync_ns, sync_kib_ns)
    return HostMeasure(host, store, suites, max(*spreads, hash_spread, sync_spread), unexplained)


# --- one by one ------------------------------------------------------------------------------------------------------

_BLOB = b"\x5a" * LARGE_BYTES
_FRAME = encode_frame(Frame(Signed("hospital-1", b"\x11" * 300, b"\x22" * 64), b"\x5a" * LARGE_BYTES))


def _each(act: Callable[[], Any], repeats: int, parts: int = 1, count: int = 200) -> tuple[int, float]:
    """Nanoseconds of CPU of one part: the median, and the spread."""
    act()
    found = []
    for _ in range(max(5, repeats)):
        begun = time.thread_time_ns()
        for _ in range(count):
            act()
        found.append((time.thread_time_ns() - begun) / count / parts)
    return round(median(found)), spread_of(found)


def _suite(name: str, repeats: int) -> tuple[SuiteCost, float]:
    suite = SUITES[name]()
    secret, statement = b"\x07" * 32, b"\x33" * 200
    key, signature = suite.public_key(secret), suite.sign(secret, statement)
    sign_ns, first = _each(lambda: suite.sign(secret, statement), repeats)
    verify_ns, second = _each(lambda: suite.verify(key, statement, signature), repeats)
    return SuiteCost(sign_ns, verify_ns), max(first, second)


def _note(path: Path, repeats: int) -> int:
    writer = TraceWriter(path, "hospital-1")
    fields = {"view": 0, "height": 1_000, "digest": "0123456789abcdef"}

    def four() -> None:
        for _ in range(4):
            writer.add(1_000_000, "committed", fields)
        writer.flush()

    cost_ns, _ = _each(four, repeats, 4)
    writer.close()
    return cost_ns


def _syncs(path: Path, repeats: int) -> tuple[int, int, float]:
    """Waiting, not CPU: of a short sync, and per 1,024 bytes of a long one; and the spread of the repeats."""
    log = VoteLog(path)

    def waits_ns(size_bytes: int, count: int) -> float:
        found = []
        for height in range(count):
            begun = time.perf_counter_ns()
            log.append([(height, b"\x44" * size_bytes)])
            found.append(time.perf_counter_ns() - begun)
        return float(median(found))

    waits_ns(400, 10)
    short_ns = [waits_ns(400, 20) for _ in range(repeats)]
    long_ns = waits_ns(LARGE_BYTES, 2 * repeats)
    log.close()
    middle_ns = median(short_ns)
    return round(middle_ns), round(max(0.0, (long_ns - middle_ns) / (LARGE_BYTES / KIB))), spread_of(short_ns)


# --- whole steps -----------------------------------------------------------------------------------------------------


def _scenario(name: str, members: int, transactions: int, bundle: int, interval_us: int) -> Scenario:
    options = {"transactions": transactions, "bundle": bundle, "interval_us": interval_us, "persons": 50}
    return Scenario(
        name=name,
        members=tuple(
            MemberSpec(f"hospital-{index}", "hospital", settings={"hosts": ["loader"]})
            for index in range(1, members + 1)
        ),
        network=Network(default=Link(mean_us=2_000)),
        workload=Workload("settlement_load", options | ({} if interval_us else {"outstanding": 300})),
    )


_SCENARIOS = (
    _scenario("one transaction at a time, four members", 4, 240, 1, 50_000),
    _scenario("one transaction at a time, seven members", 7, 140, 1, 50_000),
    _scenario("many at once", 4, 4_000, 1, 0),
    _scenario("many at once, in bundles", 4, 4_000, 50, 0),
)


class _Step(NamedTuple):
    counts: tuple[float, ...]  # FEATURES
    signs: int
    verifies: int
    kib_in: float
    notes: int
    cost_ns: int


class _Commit(NamedTuple):
    rows: int
    kib: float
    cost_ns: int
    wait_ns: int


class _Gauge:
    """Times each step by this thread's CPU."""

    def __init__(self, steps: list[_Step]) -> None:
        self._steps = steps
        self._begun_ns = 0

    def begin(self) -> None:
        self._begun_ns = time.thread_time_ns()

    def end(self, counts: Counts) -> None:
        cost_ns = time.thread_time_ns() - self._begun_ns
        kib_in = counts.bytes_in / KIB
        vector = (
            counts.events,
            kib_in,
            counts.bundles,
            counts.transactions,
            counts.blocks,
            counts.transmits,
        )
        self._steps.append(_Step(vector, counts.signs, counts.verifies, kib_in, counts.notes, cost_ns))


class _TimedRows(SqliteRows):
    """A real ledger under a simulated disk: what is settled is committed, and timed."""

    def __init__(self, path: Path, commits: list[_Commit]) -> None:
        super().__init__(path)
        self._commits = commits

    def settle(self, rows: Sequence[Row]) -> None:
        applies = [Apply(0, tuple(rows))]
        cpu_ns, wall_ns = time.thread_time_ns(), time.perf_counter_ns()
        self.commit(applies)
        cpu_ns, wall_ns = time.thread_time_ns() - cpu_ns, time.perf_counter_ns() - wall_ns
        self.committed(applies)
        size_bytes = sum(len(key) + len(value or b"") for _, key, value in rows)
        self._commits.append(_Commit(len(rows), size_bytes / KIB, cpu_ns, max(0, wall_ns - cpu_ns)))


def _run(scenario: Scenario, folder: Path, steps: list[_Step], commits: list[_Commit]) -> None:
    folder.mkdir()
    simulation = Simulation(scenario, profile=Profile("none"))
    assert isinstance(simulation.driver, PricedNodes)
    simulation.driver.gauge = _Gauge(steps)
    simulation.driver.transport.is_raw = True
    rows: list[_TimedRows] = []
    for name, node in simulation.nodes.items():
        rows.append(_TimedRows(folder / f"{name}.sqlite", commits))
        node.disk.rows = rows[-1]  # type: ignore[assignment]
    simulation.run()
    for each in rows:
        each.close()


def _fit(runs: Sequence[Sequence[_Step]], fixed: HostCost, suite: SuiteCost) -> tuple[HostCost, float]:
    """Prices of FEATURES, none below 0, for what is left when signatures, hashing and decoding are taken off; then all
    by one factor, so that the CPU of all steps together comes out. And the share that is wrong in the worst run."""
    steps = [step for run in runs for step in run]
    table = numpy.array([step.counts for step in steps], dtype=float)
    known = numpy.array([_known_ns(step, fixed, suite) for step in steps])
    spent = numpy.array([step.cost_ns for step in steps], dtype=float)
    raw = numpy.array(fit(table, spent - known))
    raw *= (spent.sum() - known.sum()) / (table @ raw).sum()
    prices = dict(zip(FEATURES, (round(float(price)) for price in raw), strict=True))
    found = known + table @ raw
    edges = numpy.cumsum([0, *map(len, runs)])
    shares = [found[low:high].sum() / spent[low:high].sum() for low, high in pairwise(edges)]
    host = HostCost(
        event_ns=prices["events"],
        hash_kib_ns=fixed.hash_kib_ns,
        decode_kib_ns=fixed.decode_kib_ns,
        handle_kib_ns=prices["kib_in"],
        bundle_ns=prices["bundles"],
        execute_ns=prices["transactions"],
        block_ns=prices["blocks"],
        transmit_ns=prices["transmits"],
        note_ns=fixed.note_ns,
    )
    return host, max(abs(float(share) - 1) for share in shares)


def _known_ns(step: _Step, fixed: HostCost, suite: SuiteCost) -> float:
    signatures_ns = step.signs * suite.sign_ns + step.verifies * suite.verify_ns
    return signatures_ns + step.kib_in * (fixed.hash_kib_ns + fixed.decode_kib_ns)


def fit(table: Any, values: Any) -> list[float]:
    """Least squares with no price below 0: what would be negative is left out, the worst first. Steps weigh by the
    root of what they cost, so that many small ones count as much as few large ones."""
    weights = 1.0 / numpy.sqrt(numpy.maximum(values, 20_000.0))
    active = [place for place in range(table.shape[1]) if table[:, place].any()]
    prices = [0.0] * table.shape[1]
    while active:
        solved, *_ = numpy.linalg.lstsq(table[:, active] * weights[:, None], values * weights, rcond=None)
        worst = int(numpy.argmin(solved))
        if solved[worst] >= 0:
            for place, price in zip(active, solved, strict=True):
                prices[place] = float(price)
            break
        del active[worst]
    return prices


def _fit_store(commits: Sequence[_Commit], sync_ns: int, sync_kib_ns: int) -> StoreCost:
    table = numpy.array([(1.0, commit.rows, commit.kib) for commit in commits])
    prices = fit(table, numpy.array([float(commit.cost_ns) for commit in commits]))
    return StoreCost(
        sync_ns=sync_ns,
        sync_kib_ns=sync_kib_ns,
        commit_ns=round(prices[0]),
        row_ns=round(prices[1]),
        commit_kib_ns=round(prices[2]),
        commit_wait_ns=round(median(commit.wait_ns for commit in commits)),
    )
