"""What nodes said, held and waited for, out of their `traffic`, `queues` and `storage` notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from consortium.core.traffic import ALL
from consortium.lab.measures import series
from consortium.lab.measures.catalogue import Figure, Measure
from consortium.lab.measures.distributions import Distributions
from consortium.runs.records import Records
from consortium.runs.trace import Record

QUEUES = ("pool", "inbox", "outbox")


class Said(NamedTuple):
    """Messages of one type over one link; `receiver` is `*` where they went to all."""

    sender: str
    receiver: str
    kind: str
    messages: int
    bytes: int


def said(trace: Iterable[Record]) -> list[Said]:
    """Everything that left a node, over all its lives, by link and type; what a killed process said after its last note
    is missing."""
    last: dict[tuple[str, int], Record] = {}
    for record in Records.of(trace).of_kind("traffic"):
        last[record["node"], record["life"]] = record
    sums: dict[tuple[str, str, str], list[int]] = {}
    for (node, _), record in last.items():
        for receiver, kind, messages, size in record["sent"]:
            held = sums.setdefault((node, receiver, kind), [0, 0])
            held[0] += messages
            held[1] += size
    return [Said(*key, *held) for key, held in sorted(sums.items())]


def by_kind(rows: Iterable[Said], nodes: int) -> dict[str, tuple[int, int, int]]:
    """Per type: publishes, deliveries, bytes published. A publish to all is heard by `nodes` - 1."""
    sums: dict[str, list[int]] = {}
    for row in rows:
        held = sums.setdefault(row.kind, [0, 0, 0])
        held[0] += row.messages
        held[1] += row.messages * (nodes - 1 if row.receiver == ALL else 1)
        held[2] += row.bytes
    return {kind: (held[0], held[1], held[2]) for kind, held in sorted(sums.items())}


def nodes_of(trace: Iterable[Record]) -> list[str]:
    """Everybody who booted, by name."""
    return sorted(Records.of(trace).of_kind("booted").nodes)


def queue_means(trace: Sequence[Record], queue: str) -> tuple[float, int] | None:
    """(mean over time and nodes, greatest at any node) of a queue's depth; None where no node told of it. A depth holds
    until the node's next note."""
    since: dict[str, tuple[int, int]] = {}
    area: dict[str, int] = {}
    greatest = 0
    end_us = trace[-1]["t_us"] if trace else 0
    for record in Records.of(trace).of_kind("queues"):
        node, depth = record["node"], record.get(queue, 0)
        begun_us, before = since.get(node, (0, 0))
        area[node] = area.get(node, 0) + before * (record["t_us"] - begun_us)
        since[node] = (record["t_us"], depth)
        greatest = max(greatest, depth)
    if not since or end_us == 0:
        return None
    for node, (begun_us, depth) in since.items():
        area[node] += depth * (end_us - begun_us)
    return sum(area.values()) / len(area) / end_us, greatest


def storage(trace: Iterable[Record]) -> Mapping[str, tuple[int, int]]:
    """Per node the bytes of its ledger and of its votes, at its last orderly end."""
    return {r["node"]: (r["ledger_bytes"], r["votes_bytes"]) for r in Records.of(trace).of_kind("storage")}


def _figures() -> Iterator[Figure]:
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


def _take(trace: Records, found: Distributions) -> Iterator[tuple[str, float]]:
    rows = said(trace)
    if rows:
        blocks = len(series.first_executions(trace))
        transactions = sum(record["transactions"] for record in series.first_executions(trace))
        kinds = by_kind(rows, len(nodes_of(trace))).values()
        messages, deliveries, size = (sum(kind[place] for kind in kinds) for place in range(3))
        yield "messages", messages
        yield "deliveries", deliveries
        yield "bytes_published", size
        if blocks:
            yield "messages_per_block", messages / blocks
            yield "deliveries_per_block", deliveries / blocks
        if transactions:
            yield "bytes_per_transaction", size / transactions
    for queue in QUEUES:
        depth = queue_means(trace, queue)
        if depth is not None:
            yield f"{queue}_mean", depth[0]
            yield f"{queue}_max", depth[1]
    held = storage(trace)
    if held:
        yield "ledger_bytes", sum(ledger for ledger, _ in held.values()) / len(held)
        yield "votes_bytes", sum(votes for _, votes in held.values()) / len(held)


MEASURE = Measure("traffic", tuple(_figures()), _take, order=50)
