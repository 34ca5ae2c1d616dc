"""The transactions of stored blocks beside their receipts, as several checks read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from consortium.core.codec import Malformed
from consortium.core.contract import Receipt
from consortium.core.transaction import Bundles, Opened, decode_batch
from consortium.runs.run import StoredBlock

# Receipts of transactions that the ledger turned away before any contract saw them: they use no number up.
TURNED_AWAY = frozenset(
    (
        *("already-executed", "number-used", "number-stale", "number-ahead", "number-full"),
        *("unknown-member", "unknown-key", "malformed"),
    )
)


class Executed(NamedTuple):
    """One transaction of a stored block with the bundle that carried it and its receipt."""

    height: int
    bundle: Opened
    transaction: bytes
    id: bytes
    receipt: Receipt


def batch_bundles(block: StoredBlock) -> tuple[bytes, ...]:
    """The signed bundles of a block's batch, in order; none for a null request. Raises Malformed."""
    return decode_batch(block.batch).bundles if block.batch else ()


def executed_in(block: StoredBlock, bundles: Bundles, *, is_trusted: bool) -> Iterator[Executed]:
    """The transactions of a block beside their receipts. Raises Malformed, also where the two do not fit together."""
    receipts = block.receipts()
    opened = [bundles.open(raw, is_trusted=is_trusted) for raw in batch_bundles(block)]
    expected = sum(len(bundle.ids) for bundle in opened)
    if len(receipts) != expected:
        raise Malformed(f"{expected} transactions and {len(receipts)} receipts")
    index = 0
    for bundle in opened:
        for transaction, identity in zip(bundle.transactions, bundle.ids, strict=True):
            receipt = receipts[index]
            if receipt.transaction != identity:
                raise Malformed(f"receipt {index} is of another transaction")
            yield Executed(block.height, bundle, transaction, identity, receipt)
            index += 1
