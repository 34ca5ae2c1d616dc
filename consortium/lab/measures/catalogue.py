"""Every figure that a run can have: its name, its unit, and what it is. docs/measures.md says the same at length.

The order here is the order of columns and rows in every table.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

PHASES = ("order to prepared", "prepared to committed", "committed to executed", "executed to sealed")
COSTS = ("verify", "hash", "decode", "execute", "state", "store", "bus")
STATISTICS = ("mean", "p50", "p95", "p99", "max")
STEADY = "_steady"  # behind the name of a figure: without warm-up (lab/warm_up.py)


class Figure(NamedTuple):
    name: str
    unit: str
    what: str


_SEALED = " (by the first seal at or above it)"
DISTRIBUTIONS: tuple[tuple[str, str], ...] = (
    ("latency", "a bundle's time from its submission to its execution at its submitter"),
    ("submit_to_order", "from a bundle's submission to the first proposal of its block"),
    ("submit_to_commit", "from a bundle's submission to the commit of its block at its submitter"),
    ("commit_to_execute", "from the commit of a bundle's block at its submitter to its execution there"),
    *(
        (
            f"phase_{phase.replace(' ', '_')}",
            f"{phase}, one value per node and height{_SEALED if 'sealed' in phase else ''}",
        )
        for phase in PHASES
    ),
    ("phase_order_to_committed", "order to committed, one value per node and height, whatever lies in between"),
)
_STATISTICS = {
    "mean": "mean",
    "p50": "median",
    "p95": "95 in 100 are faster",
    "p99": "99 in 100 are faster",
    "max": "slowest",
}


def _distribution(name: str, what: str) -> Iterator[Figure]:
    for steady, words in (("", ""), (STEADY, "; without warm-up")):
        for statistic in STATISTICS:
            yield Figure(f"{name}{steady}_{statistic}", "ms", f"{what}; {_STATISTICS[statistic]}{words}")


def _figures() -> Iterator[Figure]:
    yield Figure("duration", "s", "from the start to the last record of the trace")
    yield Figure("blocks", "1", "heights executed by at least one node")
    yield Figure("transactions", "1", "transactions in those blocks")
    yield Figure("transactions_ok", "1", "of them: took effect")
    yield Figure("transactions_refused", "1", "of them: refused with a reason")
    yield Figure("bundles_submitted", "1", "distinct signed bundles that members submitted")
    yield Figure("warm_up", "s", "the beginning of the run that the rule MSER-5 excludes from steady figures")
    yield Figure("warm_up_bundles", "1", "bundles that it excludes")
    yield Figure("throughput", "tx/s", "transactions by the time from the first submission to the last block")
    yield Figure("throughput_steady", "tx/s", "transactions after the warm-up by the time from there to the last block")
    yield Figure("throughput_peak", "tx/s", "the best of 20 to 120 equal bins of the run")
    gap = "intervals of at least 0.5 s in which work waited and no node executed a block"
    yield Figure("service_gap_total", "s", f"time without service: {gap}")
    yield Figure("service_gap_max", "s", "the longest of them")
    for name, what in DISTRIBUTIONS:
        yield from _distribution(name, what)
    yield Figure("view_changes", "1", "views above 0 that at least one node entered")
    yield Figure("view_change_votes", "1", "times that a node asked for a new view")
    what = "from what cost a leader its place (a fault, or the first doubt) to the first block under the next"
    yield Figure("recovery_max", "s", f"{what}; longest")
    yield Figure("leader_deaths", "1", "times that the member that proposed last was killed")
    death = "from the kill of a leader to the first block with transactions that was proposed and executed after it"
    yield Figure("leader_death_p50", "s", f"{death}; median")
    yield Figure("leader_death_p99", "s", f"{death}; 99 in 100 are faster")
    yield Figure("leader_death_max", "s", f"{death}; the longest")
    yield from _traffic()
    for name in COSTS:
        yield Figure(f"cpu_{name}", "us/tx", f"CPU spent on {name} over all nodes, per committed transaction")
    yield Figure("cpu_all", "us/tx", "all CPU of all nodes, per committed transaction")
    yield Figure("ceiling", "tx/s", f"the run's cores doing nothing but what is counted: {', '.join(COSTS)}")


def _traffic() -> Iterator[Figure]:
    yield Figure("messages", "1", "frames that nodes published; one to all counts once")
    yield Figure("deliveries", "1", "the same, one to all counted once for each other node; nothing lost is subtracted")
    yield Figure("bytes_published", "B", "bytes of those frames as published")
    yield Figure("messages_per_block", "1", "messages by blocks")
    yield Figure("deliveries_per_block", "1", "deliveries by blocks")
    yield Figure("bytes_per_transaction", "B/tx", "bytes published by transactions")
    for queue, what in (
        ("pool", "transactions in a node's pool, waiting or in flight"),
        ("inbox", "frames that wait to be handled by a node"),
        ("outbox", "a node's own transactions that are not executed yet"),
    ):
        yield Figure(f"{queue}_mean", "1", f"{what}; mean over time and nodes")
        yield Figure(f"{queue}_max", "1", f"{what}; greatest of all looks (every 0.5 s)")
    yield Figure("ledger_bytes", "B", "bytes of a node's ledger at the end; mean of nodes")
    yield Figure("votes_bytes", "B", "bytes of a node's durable votes at the end; mean of nodes")


CATALOGUE: tuple[Figure, ...] = tuple(_figures())
BY_NAME: dict[str, Figure] = {figure.name: figure for figure in CATALOGUE}
