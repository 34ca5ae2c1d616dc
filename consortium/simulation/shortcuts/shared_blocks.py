"""Executed once, taken over by all: for the many ledgers of one simulation.

Where hundreds of honest ledgers execute the same batch on the same header, one does it, and the others take over its
rows, its part of the state tree and its decoded values. Only for ledgers whose stored rows cannot be damaged: they
would not notice.
"""

from __future__ import annotations

from collections import OrderedDict

from consortium.ledger.executed_blocks import ExecutedBlock

KEPT_MAX = 256


class SharedBlocks:
    """The newest blocks; see `ledger.executed_blocks.ExecutedBlocks`."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[tuple[bytes, bytes], ExecutedBlock] = OrderedDict()

    def get(self, parent: bytes, batch: bytes) -> ExecutedBlock | None:
        return self._blocks.get((parent, batch))

    def put(self, parent: bytes, batch: bytes, block: ExecutedBlock) -> None:
        """A block that makes an epoch is executed by each, for each learns of its members by that."""
        if block.header.height and any(table == "epoch" for table, _, _ in block.rows):
            return
        self._blocks[parent, batch] = block
        if len(self._blocks) > KEPT_MAX:
            self._blocks.popitem(last=False)
