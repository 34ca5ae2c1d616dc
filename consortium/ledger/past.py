"""A ledger as it was at an earlier height: its blocks are executed again, and end at the header that is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from consortium.core.codec import Malformed
from consortium.core.contract import Contract
from consortium.core.crypto import SUITES
from consortium.core.genesis import Genesis
from consortium.core.machine import Decide, Now, Rows
from consortium.core.membership import Epochs
from consortium.core.messages import MessageCodec
from consortium.core.seals import Checkpoint, decode_certificate
from consortium.core.transaction import Bundles
from consortium.core.verifier import Verifier
from consortium.ledger.chain import Ledger
from consortium.ledger.rows import Damaged, DictRows, Row, height_key
from consortium.ledger.snapshot import stored_base

_NOW = Now(0, 0)
_KEPT = ("base", "block", "epoch", "meta", "state")  # what executing the next block reads


class _StateRows(DictRows):
    def stage(self, rows: Sequence[Row]) -> None:
        super().stage([row for row in rows if row[0] in _KEPT])


def ledger_at(
    genesis: Genesis,
    rows: Rows,
    contracts: Mapping[str, Contract],
    height: int,
    progress: Callable[[int, int], None] = lambda height, head: None,
) -> tuple[Ledger, DictRows] | None:
    """The ledger at `height` and the rows that it stands on; None where the blocks up to it are not all here.
    `progress(block, height)` is called before each block. Raises Damaged where they are not what was written."""
    suite, epochs, past = SUITES[genesis.suite](), Epochs((genesis.first_epoch,)), _StateRows()
    ledger = Ledger(genesis, past, contracts, Bundles(genesis.chain, suite), epochs)
    ledger.boot()
    try:
        base = stored_base(rows, epochs, Verifier(MessageCodec(genesis.chain, genesis.suite, (Checkpoint,)), suite))
        if base is not None and base.header.height > height:
            return None
        if base is not None:
            ledger.install(base)
        for each in range(ledger.head_height + 1, height + 1):
            batch, certificate = rows.get("batch", height_key(each)), rows.get("certificate", height_key(each))
            if batch is None or certificate is None:
                return None
            progress(each, height)
            ledger.step(_NOW, Decide(each, batch or None, decode_certificate(certificate)))
    except Malformed as error:
        raise Damaged(f"the blocks up to height {height} cannot be executed again: {error}") from None
    if rows.get("block", height_key(height)) != past.get("block", height_key(height)):
        raise Damaged(f"the block of height {height} is not the one that its batches make")
    return ledger, past
