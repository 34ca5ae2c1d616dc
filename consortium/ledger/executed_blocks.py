"""Executed once, taken over by all: for many ledgers of one process, in simulation.

What a block does follows from the header before it and from its batch. So where hundreds of honest ledgers execute the
same batch on the same header, one does it, and the others take over its rows, its part of the state tree and its
decoded values, which nobody mutates. Only for ledgers whose stored rows cannot be damaged: they would not notice.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

from consortium.core.machine import Note, Outcome
from consortium.ledger.block import Header
from consortium.ledger.rows import Row
from consortium.ledger.tree import Patch

KEPT_MAX = 256


class Block(NamedTuple):
    """`rows`, with the certificate of who executed it. `values` and `previous`: of the state, by name."""

    header: Header
    digest: bytes
    rows: tuple[Row, ...]
    values: dict[str, Any]
    previous: dict[str, Any]
    patch: Patch
    outcomes: Sequence[Outcome]
    notes: Sequence[Note]

    def rows_with(self, certificate: Row) -> tuple[Row, ...]:
        """The same rows, with one's own certificate."""
        return tuple(certificate if row[0] == "certificate" else row for row in self.rows)


class ExecutedBlocks:
    """The newest blocks by (digest of the header before, digest of the batch)."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[tuple[bytes, bytes], Block] = OrderedDict()

    def get(self, parent: bytes, batch: bytes) -> Block | None:
        return self._blocks.get((parent, batch))

    def put(self, parent: bytes, batch: bytes, block: Block) -> None:
        """A block that makes an epoch is executed by each, for each learns of its members by that."""
        if block.header.height and any(table == "epoch" for table, _, _ in block.rows):
            return
        self._blocks[parent, batch] = block
        if len(self._blocks) > KEPT_MAX:
            self._blocks.popitem(last=False)
