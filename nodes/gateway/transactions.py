"""What is told of transactions and blocks: an application's own member's in full, others' only by its scope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from consortium.core.codec import Malformed
from consortium.core.contract import Receipt
from consortium.core.crypto import SUITES
from consortium.core.header import Header, decode_header, header_bytes_digest
from consortium.core.transaction import Bundles, decode_batch, decode_call
from consortium.ledger.rows import Damaged, height_key
from nodes.gateway.applications import BLOCKS, Application
from nodes.gateway.arguments import told
from nodes.gateway.errors import Problem
from nodes.gateway.feed import read_block
from nodes.gateway.index import Place
from nodes.gateway.reading import Moment
from nodes.gateway.waiting import InFlight, Outcome

BLOCKS_MAX = 100  # headers in one answer


class Said(NamedTuple):
    """Who said a transaction, and what it calls; both names empty where it is no call."""

    member: str
    contract: str
    operation: str


def told_outcome(outcome: Outcome, acknowledged_by: Sequence[str], *, is_sealed: bool) -> dict[str, Any]:
    receipt = outcome.receipt
    return {
        "transaction": receipt.transaction.hex(),
        "height": outcome.height,
        "index": outcome.number,
        "time_us": outcome.time_us,
        "code": receipt.code,
        "sentence": receipt.sentence,
        "events": [{"kind": event.kind, "fields": event.fields} for event in receipt.events],
        "acknowledged_by": list(acknowledged_by),
        "is_sealed": is_sealed,
    }


def told_flight(flight: InFlight, sealed: int) -> dict[str, Any]:
    assert flight.outcome is not None
    return told_outcome(flight.outcome, flight.acknowledged_by, is_sealed=flight.outcome.height <= sealed)


def read_said(moment: Moment, height: int) -> list[Said]:
    """Of all transactions of a block, in their order. Raises Damaged."""
    return [said_of(member, transaction) for member, transaction in read_transactions(moment, height)]


def read_transactions(moment: Moment, height: int) -> list[tuple[str, bytes]]:
    """Of a block: who said which, in their order. Raises Damaged."""
    raw = moment.rows.get("batch", height_key(height))
    if not raw:
        return []
    bundles = Bundles(moment.genesis.chain, SUITES[moment.genesis.suite](), remember_max=0)
    try:
        opened = [bundles.decode(bundle) for bundle in decode_batch(raw).bundles]
    except Malformed as error:
        raise Damaged(f"the batch of height {height} cannot be read: {error}") from None
    return [(each.member, transaction) for each in opened for transaction in each.transactions]


def said_of(member: str, transaction: bytes) -> Said:
    """Both names are empty where it is no call."""
    try:
        call = decode_call(transaction)
    except Malformed:
        return Said(member, "", "")
    return Said(member, call.contract, call.operation)


def may_read(application: Application, said: Said) -> bool:
    """Its member's own transactions of what its scopes name; everybody's with `ledger.blocks`."""
    if application.may(*BLOCKS.split(".")):
        return True
    return said.member == application.member and application.may(said.contract, said.operation)


def unknown_transaction() -> Problem:
    """The same for what nobody said, for what another said, and for what is not executed yet."""
    return Problem(404, "unknown-transaction", "there is no such transaction of yours in a block that this node has")


def read_transaction(moment: Moment, application: Application, place: Place) -> tuple[Outcome, Said]:
    """Raises Problem 404."""
    block = read_block(moment, place.height)
    said = read_said(moment, place.height)
    if (
        place.number >= len(block.receipts)
        or place.number >= len(said)
        or not may_read(application, said[place.number])
    ):
        raise unknown_transaction()
    return Outcome(place.height, place.number, block.time_us, block.receipts[place.number]), said[place.number]


# --- blocks ---------------------------------------------------------------------------------------------------------


def told_header(header: Header, digest: bytes, sealed: int) -> dict[str, Any]:
    fields = told(dict(zip(header.__struct_fields__, _values(header), strict=True)))
    return {**fields, "digest": digest.hex(), "is_sealed": header.height <= sealed}


def _values(header: Header) -> list[Any]:
    return [getattr(header, name) for name in header.__struct_fields__]


def read_headers(moment: Moment, before: int | None, count: int) -> dict[str, Any]:
    """The newest first, of heights below `before`."""
    top = moment.head.height if before is None else min(before - 1, moment.head.height)
    blocks = []
    for height in range(top, max(-1, top - min(count, BLOCKS_MAX)), -1):
        data = moment.rows.get("block", height_key(height))
        if data is None:
            break
        blocks.append(told_header(_decoded(data, height), header_bytes_digest(data), moment.sealed))
    return {"head": moment.head.height, "sealed": moment.sealed, "blocks": blocks}


def read_whole_block(moment: Moment, application: Application, height: int) -> dict[str, Any]:
    """A header, and of the transactions those that the application may read. Raises Problem 404."""
    data = moment.rows.get("block", height_key(height)) if height < 1 << 62 else None
    if data is None:
        raise Problem(404, "unknown-block", f"this node has blocks up to height {moment.head.height}")
    block, said = read_block(moment, height), read_said(moment, height)
    pairs = zip(block.receipts, said, strict=False)
    shown = [
        told_line(place, receipt, each) for place, (receipt, each) in enumerate(pairs) if may_read(application, each)
    ]
    header = told_header(_decoded(data, height), block.digest, moment.sealed)
    return {"header": header, "size": len(block.receipts), "transactions": shown}


def told_line(place: int, receipt: Receipt, said: Said) -> dict[str, Any]:
    """One transaction in a list: who, what, and what came of it."""
    named = {"member": said.member, "contract": said.contract, "operation": said.operation}
    return {"index": place, "transaction": receipt.transaction.hex(), **named, "code": receipt.code}


def _decoded(data: bytes, height: int) -> Header:
    try:
        return decode_header(data)
    except Malformed as error:
        raise Damaged(f"the block of height {height} cannot be read: {error}") from None


def read_members(moment: Moment) -> dict[str, Any]:
    """Those of the next height."""
    epoch = moment.epoch
    members = [
        {"name": each.name, "role": each.role, "kind": each.kind, "keys": told(each.keys)} for each in epoch.members
    ]
    return {"epoch": epoch.number, "first_height": epoch.first_height, "quorum": epoch.quorum, "members": members}
