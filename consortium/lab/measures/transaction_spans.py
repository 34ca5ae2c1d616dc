"""One transaction as spans of time at each node: submitted, proposed, prepared, committed, executed, sealed.

Everything follows from the transaction's id, its block and the nodes' own traces: the id of the trace is the beginning
of the transaction's, the id of a span is a hash of it, the node and what the span is. So what each node's trace tells
meets in one trace of OpenTelemetry, and nothing is carried along on the bus for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from consortium.core.codec import tagged_hash
from consortium.core.crypto import SUITES
from consortium.core.transaction import Bundles, decode_call
from consortium.lab.checks.ledgers import TURNED_AWAY, executed_in
from consortium.runs.records import Records
from consortium.runs.run import Run, StoredBlock, blocks

TRACE_ID_BYTES, SPAN_ID_BYTES = 16, 8
WHOLE = "transaction"  # the span that the others lie in
PHASES = (("prepared", "prepare"), ("committed", "commit"), ("executed", "execute"), ("sealed", "seal"))


class Where(NamedTuple):
    """A transaction where it stands."""

    id: bytes
    height: int
    member: str
    bundle: str  # as records name it
    about: Mapping[str, str]  # contract, operation, what came of it


class TransactionSpan(NamedTuple):
    """`begin_us`, `end_us`: microseconds since the run began. `parent`: empty of the whole."""

    node: str
    name: str
    begin_us: int
    end_us: int
    id: bytes
    parent: bytes


def find_transaction(run: Run, begins: bytes) -> list[Where]:
    """Those whose id begins so, as the fullest ledger has them. Raises Malformed."""
    fullest = run.fullest
    bundles = Bundles(run.genesis.chain, SUITES[run.genesis.suite]())
    found: dict[bytes, Where] = {}
    for block in blocks(fullest.rows) if fullest is not None else ():
        if block.height and any(begins in raw for raw in block.receipt_bytes):
            for where in _in_block(block, bundles, begins):
                if where.id not in found or found[where.id].about["code"] in TURNED_AWAY:
                    found[where.id] = where  # where it took effect, not where it came again
    return list(found.values())


def _in_block(block: StoredBlock, bundles: Bundles, begins: bytes) -> Iterator[Where]:
    for executed in executed_in(block, bundles, is_trusted=True):
        if executed.id.startswith(begins):
            call = decode_call(executed.transaction)
            about = {"contract": call.contract, "operation": call.operation, "code": executed.receipt.code}
            yield Where(executed.id, block.height, executed.bundle.member, executed.bundle.digest.hex()[:16], about)


def spans_of(run: Run, where: Where) -> list[TransactionSpan]:
    """The whole first, then each node's by time. Empty where no trace tells of it."""
    inner = [
        *_submitted(run, where),
        *(span for node in sorted(run.records.nodes - {""}) for span in _at(run, where, node)),
    ]
    if not inner:
        return []
    begin_us, end_us = min(span.begin_us for span in inner), max(span.end_us for span in inner)
    whole = TransactionSpan(where.member, WHOLE, begin_us, end_us, _span_id(where, "", WHOLE), b"")
    return [whole, *sorted(inner, key=lambda span: (span.begin_us, span.end_us, span.node))]


def _submitted(run: Run, where: Where) -> Iterator[TransactionSpan]:
    """How long it waited, at each node that took it, until a leader proposed it."""
    proposed_us = _first_us(run.records, "proposed", where.height)
    for record in run.records.of_kind("submitted"):
        if record["bundle"] == where.bundle:
            end_us = max(record["t_us"], record["t_us"] if proposed_us is None else proposed_us)
            yield _span(where, record["node"], "wait", record["t_us"], end_us)


def _at(run: Run, where: Where, node: str) -> Iterator[TransactionSpan]:
    """One phase ends where the next begins. The first begins with the proposal, as its leader noted it."""
    own = run.records.of_node(node)
    proposed_us = _first_us(own, "proposed", where.height)
    if proposed_us is not None:
        yield _span(where, node, "propose", proposed_us, proposed_us)
    before_us = _first_us(run.records, "proposed", where.height)
    for kind, name in PHASES:
        ended_us = _first_us(own, kind, where.height)
        if ended_us is not None:
            yield _span(where, node, name, ended_us if before_us is None else min(before_us, ended_us), ended_us)
            before_us = ended_us


def _first_us(records: Records, kind: str, height: int) -> int | None:
    """When this was noted first of the height; of a seal, of one that covers it. Of a height that was proposed again
    in a later view, the last proposal before it was prepared is not told apart."""
    for record in records.of_kind(kind):
        if record["height"] == height or (kind == "sealed" and record["height"] > height):
            return int(record["t_us"])
    return None


def _span(where: Where, node: str, name: str, begin_us: int, end_us: int) -> TransactionSpan:
    return TransactionSpan(node, name, begin_us, end_us, _span_id(where, node, name), _span_id(where, "", WHOLE))


def _span_id(where: Where, node: str, name: str) -> bytes:
    return tagged_hash(b"consortium/span", where.id, node.encode(), name.encode())[:SPAN_ID_BYTES]
