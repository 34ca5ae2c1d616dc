"""What nodes said, held and waited for, out of their `traffic`, `queues` and `storage` notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from consortium.core.traffic import ALL
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
