"""The past of one ledger, told again to those who keep no memory of their own: outbox and role after a boot.

Every block is held against its header and its neighbour as it is read: a damaged past is never told. What is told is
bounded: older blocks are for whoever hears them to read from the state, as after a snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from consortium.core import merkle
from consortium.core.codec import Malformed
from consortium.core.contract import Receipt, StateReader
from consortium.core.genesis import Genesis
from consortium.core.header import Header, decode_header, header_bytes_digest
from consortium.core.machine import Jumped, Outcome, Receipted, Rows
from consortium.core.membership import NodeId
from consortium.core.transaction import NULL_DIGEST, Opened, batch_digest
from consortium.ledger.execute import Prepared
from consortium.ledger.numbers import used_numbers
from consortium.ledger.rows import Damaged, height_key, receipt_key

TOLD_MAX = 1_024  # blocks that a boot tells again

_RECEIPT = msgspec.msgpack.Decoder(Receipt)


class History:
    """`open_batch` takes a batch apart; `prepare` decodes its transactions under the members and rules of a height."""

    def __init__(
        self,
        genesis: Genesis,
        rows: Rows,
        open_batch: Callable[[bytes | None], tuple[int, list[Opened]]],
        prepare: Callable[[Sequence[Opened], int], list[Prepared]],
    ) -> None:
        self._genesis = genesis
        self._rows = rows
        self._open_batch = open_batch
        self._prepare = prepare
        self._read_before = (-2, b"")  # the stored block that was read last: height, digest of its header

    def between(self, above: int, head: int) -> Iterator[Receipted]:
        """The outcomes of every block above `above` up to `head`, as replays. Raises Damaged."""
        for height in range(above + 1, head + 1):
            past = self.receipted(height)
            if past is None:
                raise Damaged(f"block {height} is missing")
            yield past

    def receipted(self, height: int) -> Receipted | None:
        """The outcomes of a block that was executed before, as a replay; None if this node never had it. Raises Damaged
        where the block is not what was written, as far as its header and its neighbour's tell."""
        block = self._rows.get("block", height_key(height))
        batch = self._rows.get("batch", height_key(height))
        if block is None or batch is None:
            return None
        header = self._read_header(height, block, batch)
        if height == 0:
            calls = self._genesis.calls
            prepared = [Prepared(b"", "", "", 0, c.contract, c.operation, c.arguments, None, "", "") for c in calls]
        else:
            prepared = self._prepare(self._open_batch(batch or None)[1], height)
        stored = self._rows.range("receipt", receipt_key(height, 0), receipt_key(height + 1, 0))
        if len(stored) != len(prepared):
            raise Damaged(f"block {height} has {len(stored)} receipts for {len(prepared)} transactions")
        if merkle.commitment([data for _, data in stored]) != header.receipts:
            raise Damaged(f"the receipts of block {height} are not those that were written")
        outcomes = tuple(
            Outcome(one.member, one.number, one.contract, one.operation, one.arguments, _RECEIPT.decode(data))
            for one, (_, data) in zip(prepared, stored, strict=True)
        )
        return Receipted(height, header.time_us, outcomes, True)

    def numbers(self, above: int, head: int) -> dict[NodeId, frozenset[int]]:
        """By member: the numbers of its transactions in the blocks that are told. Raises Damaged."""
        found: dict[NodeId, set[int]] = {}
        for past in self.between(above, head):
            for outcome in past.outcomes:
                found.setdefault(outcome.member, set()).add(outcome.number)
        return {member: frozenset(numbers) for member, numbers in found.items()}

    def jumped(self, state: StateReader, above: int, head: int) -> list[Jumped]:
        """Which numbers are used, where the receipts up to `above` are not told: a snapshot took the place of their
        blocks, this node let go of them, or they are many."""
        if not above:
            return []
        told = dict[NodeId, frozenset[int]]()

        def numbers_told(member: NodeId) -> frozenset[int]:
            if not told and head > above:
                told.update(self.numbers(above, head))
            return told.get(member, frozenset())

        return [Jumped(above, lambda member: used_numbers(state, member), numbers_told)]

    def _read_header(self, height: int, block: bytes, batch: bytes) -> Header:
        """Of stored bytes. Raises Damaged where it cannot be read, is of another height or batch, or does not fit the
        block that was read just before."""
        try:
            header = decode_header(block)
        except Malformed as error:
            raise Damaged(f"the block of height {height} cannot be read: {error}") from None
        before, self._read_before = self._read_before, (height, header_bytes_digest(block))
        if header.height != height or (before[0] == height - 1 and before[1] != header.parent):
            raise Damaged(f"the block of height {height}, or the one before, is not the one that was written")
        if header.batch != (batch_digest(batch) if batch else NULL_DIGEST):
            raise Damaged(f"the batch of height {height} is not the one that was written")
        return header
