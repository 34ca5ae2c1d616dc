"""Stored blocks, seals and states as they may be given to others: each is proven again before it leaves.

Whoever serves what a disk made of a block is taken for a liar. So what would not convince an honest asker raises
Damaged here: the node then sets its ledger aside, and fetches it from the others.
"""

from __future__ import annotations

from collections import OrderedDict

from consortium.core.codec import Malformed
from consortium.core.genesis import Genesis
from consortium.core.header import header_bytes_digest
from consortium.core.machine import Rows
from consortium.core.membership import Epochs
from consortium.core.messages import Certificate
from consortium.core.seals import Linked, check_link, check_seal, decode_certificate
from consortium.core.transaction import NULL_DIGEST, batch_digest
from consortium.core.verifier import Verifier
from consortium.ledger.certificate import CheckDecision, stored_seal
from consortium.ledger.given_block import GivenBlock
from consortium.ledger.rows import Damaged, height_key
from consortium.ledger.snapshot import Copy

REMEMBERED_MAX = 65_536  # heights


class SoundBlocks:
    """Blocks out of `rows`. Each is proven once; that it is still the same is told by its digest each time."""

    def __init__(self, rows: Rows, epochs: Epochs, verifier: Verifier, check_decision: CheckDecision) -> None:
        self._rows = rows
        self._epochs = epochs
        self._verifier = verifier
        self._check_decision = check_decision
        self._proven: OrderedDict[int, bytes] = OrderedDict()

    def block(self, height: int) -> GivenBlock:
        """Of a height above the base, up to the head. Raises Damaged."""
        key = height_key(height)
        batch, certificate = self._rows.get("batch", key), self._rows.get("certificate", key)
        if batch is None or certificate is None:
            raise Damaged(f"block {height} is missing")
        found = GivenBlock(batch or None, certificate, self._rows.get("seal", key))
        if self._proven.get(height) != found.digest:
            self._prove(height, found)
            self._proven[height] = found.digest
            if len(self._proven) > REMEMBERED_MAX:
                self._proven.popitem(last=False)
        return found

    def _prove(self, height: int, found: GivenBlock) -> None:
        digest = NULL_DIGEST if found.batch is None else batch_digest(found.batch)
        try:
            certificate = decode_certificate(found.certificate)
            self._check_decision(certificate, self._epochs, height, digest, self._verifier)
        except Malformed as error:
            raise Damaged(f"batch or certificate of height {height} is not the one that was written: {error}") from None
        if found.seal is not None:
            self.seal(height)

    def seal(self, height: int) -> Certificate | None:
        """The seal over the block that is stored at this height, if there is one. Raises Damaged."""
        seal = stored_seal(self._rows, height)
        if seal is None:
            return None
        block = self._rows.get("block", height_key(height))
        try:
            vote = check_seal(seal, self._epochs, self._verifier)
        except Malformed as error:
            raise Damaged(f"the seal of height {height} is not the one that was written: {error}") from None
        if block is None or (vote.height, vote.header_digest) != (height, header_bytes_digest(block)):
            raise Damaged(f"the seal of height {height} is over another block than the one that is stored")
        return seal


def check_copy(copy: Copy, linked: Linked, genesis: Genesis, verifier: Verifier) -> None:
    """Whether an honest taker would believe this snapshot. Raises Damaged."""
    try:
        header = check_link(linked, Epochs((genesis.first_epoch,)), verifier)
    except Malformed as error:
        raise Damaged(f"what proves the block of height {copy.height} is not what was written: {error}") from None
    if (header.chain, header.height, header.state) != (genesis.chain, copy.height, copy.root):
        raise Damaged(f"the state table does not have the state root of height {copy.height}")
