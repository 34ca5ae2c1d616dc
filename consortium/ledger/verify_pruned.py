"""Checks a ledger that has let go of old bodies (`prune.py`): by what commits to what, for it cannot be executed again.

Every header names the one before it, the members that come, and the root of the state; seals prove headers, under
members that are followed from the genesis; bodies that are there are held against their headers and certificates, and
the whole state against the root in the head. That the state follows from the blocks is what the quorum says that sealed
it: who wants to see it executed verifies an archive node.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from consortium.core import merkle
from consortium.core.codec import Malformed, encode
from consortium.core.crypto import SUITES
from consortium.core.format import FORMAT
from consortium.core.genesis import Genesis
from consortium.core.header import Header, decode_header, header_bytes_digest
from consortium.core.membership import Epochs
from consortium.core.messages import MessageCodec
from consortium.core.seals import Checkpoint, check_link, decode_certificate, follow
from consortium.core.transaction import NULL_DIGEST, Bundles, batch_digest, decode_batch
from consortium.core.verifier import Verifier
from consortium.ledger.boot import check_words, read_epochs, read_head
from consortium.ledger.epoch_links import links_to
from consortium.ledger.prune import BODIES, WORD, bodies_above, pruned_height
from consortium.ledger.rows import StoredRows, height_key, receipt_key
from consortium.ledger.snapshot import base_of, stored_link
from consortium.ledger.tree import StateTree
from consortium.ledger.verified import Decisions, Fault, Verified, check_ends, check_sealed, check_whose

_CHUNK = 64  # heights read at a time
_BY_HEIGHT = ("block", "seal", *BODIES)
Stored = dict[tuple[str, bytes], bytes]


def verify_pruned(
    genesis: Genesis,
    rows: StoredRows,
    protocol: Decisions,
    at_least: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Verified:
    """Raises `Fault` with the first fault, also where the ledger ends below `at_least`; and Damaged."""
    return _Pruned(genesis, rows, protocol).run(at_least, progress)


class _Before(NamedTuple):
    """The header before the one that is looked at."""

    digest: bytes
    time_us: int


class _Pruned:
    """One pass over a ledger."""

    def __init__(self, genesis: Genesis, rows: StoredRows, protocol: Decisions) -> None:
        suite = SUITES[genesis.suite]()
        self._genesis = genesis
        self._rows = rows
        self._protocol = protocol
        self._epochs = Epochs((genesis.first_epoch,))
        self._verifier = Verifier(MessageCodec(genesis.chain, genesis.suite, (Checkpoint, *protocol.messages)), suite)
        self._bundles = Bundles(genesis.chain, suite)
        self._above = bodies_above(rows)
        self._seals = 0
        self._sealed = 0
        self._transactions = 0

    def run(self, at_least: int, progress: Callable[[int, int], None] | None) -> Verified:
        check_whose(self._rows, self._genesis)
        check_words(self._rows, self._genesis.chain)
        header, digest = read_head(self._rows)
        head = header.height
        if head < max(at_least, self._above):
            raise Fault(head, "block", f"the ledger ends here, below height {max(at_least, self._above)}")
        first = self._check_base()
        self._check_state(header)
        before = _Before(self._genesis.chain, 0)
        for chunk in range(first, head + 1, _CHUNK):
            last = min(chunk + _CHUNK - 1, head)
            before = self._check_chunk(chunk, last, before, is_first=chunk == first)
            if progress is not None:
                progress(last, head)
        for table in _BY_HEIGHT:
            check_ends(self._rows, table, self._above + 1 if table in BODIES else first, head)
        self._check_meta(head, digest)
        pruned = pruned_height(self._rows)
        return Verified(head, digest, header.state, first, self._sealed, self._seals, self._transactions, pruned)

    # --- where it begins --------------------------------------------------------------------------------------------

    def _check_base(self) -> int:
        """The first height: of the genesis, or of the snapshot with which it began. Of that only the proof is there."""
        try:
            linked = stored_link(self._rows)
            header = None if linked is None else check_link(linked, self._epochs, self._verifier)
        except Malformed as error:
            raise Fault(0, "base", str(error)) from None
        wanted = [] if linked is None or header is None else list(base_of(header, linked, []).proof)
        stored = dict(self._rows.all("base"))
        for _, key, value in wanted:
            if stored.pop(key, None) != value:
                raise Fault(0, f"base {key!r:.40}", "not what was written")
        for key in stored:
            raise Fault(0, f"base {key!r:.40}", "does not belong here")
        if linked is None or header is None:
            return 0
        if self._rows.get("block", height_key(header.height)) != linked.headers[0]:
            raise Fault(header.height, "block", "not the one of the snapshot")
        return header.height

    def _check_state(self, head: Header) -> None:
        """The whole state against the root in the head; and the members, from the genesis on, against their seals."""
        tree = StateTree.build(self._rows.each("state"))
        if tree.root != head.state:
            raise Fault(head.height, "state", "the rows do not have the root that is in the header")
        epochs = read_epochs(self._rows, tree.digest_of)
        if len(epochs) != sum(1 for _ in self._rows.all("epoch")):
            raise Fault(head.height, "epoch", "there are rows of none")
        begun = [epoch for epoch in epochs if epoch.first_height <= head.height + 1]
        links = links_to(self._rows, len(begun) - 1)
        if links is None:
            raise Fault(head.height, "seal", "missing: of the last block before an epoch")
        try:
            follow(links, self._epochs, self._verifier)
        except Malformed as error:
            raise Fault(head.height, "epoch", str(error)) from None

    # --- blocks -----------------------------------------------------------------------------------------------------

    def _check_chunk(self, first: int, last: int, before: _Before, *, is_first: bool) -> _Before:
        low, high = height_key(first), height_key(last + 1)
        stored: Stored = {
            (table, key): value for table in _BY_HEIGHT for key, value in self._rows.range(table, low, high)
        }
        for height in range(first, last + 1):
            header, data = self._header(height, stored)
            is_begun = is_first and height == first and height > 0  # with a snapshot: what came before is not here
            if not is_begun and (header.parent != before.digest or header.time_us < before.time_us):
                raise Fault(height, "block", "does not follow the one before")
            if height > self._above:
                self._check_body(height, header, before, stored)
            before = _Before(header_bytes_digest(data), header.time_us)
            seal = stored.pop(("seal", height_key(height)), None)
            if seal is not None:
                check_sealed(height, before.digest, seal, self._epochs, self._verifier)
                self._seals, self._sealed = self._seals + 1, height
        for table, key in stored:
            raise Fault(int.from_bytes(key[:8], "big"), table, "does not belong here")
        return before

    def _header(self, height: int, stored: Stored) -> tuple[Header, bytes]:
        data = stored.pop(("block", height_key(height)), None)
        if data is None:
            raise Fault(height, "block", "missing")
        try:
            header = decode_header(data)
        except Malformed as error:
            raise Fault(height, "block", str(error)) from None
        members = (self._epochs.at(height).number, self._epochs.at(height + 1).digest)
        if (header.height, header.chain) != (height, self._genesis.chain):
            raise Fault(height, "block", "of another height or chain")
        if (header.epoch, header.next_members) != members:
            raise Fault(height, "block", "names other members than were followed from the genesis")
        return header, data

    def _check_body(self, height: int, header: Header, before: _Before, stored: Stored) -> None:
        key = height_key(height)
        batch, certificate = stored.pop(("batch", key), None), stored.pop(("certificate", key), None)
        if batch is None or certificate is None:
            raise Fault(height, "batch" if batch is None else "certificate", "missing")
        if header.batch != (batch_digest(batch) if batch else NULL_DIGEST):
            raise Fault(height, "batch", "not the one that the header names")
        try:
            decided = decode_certificate(certificate)
            self._protocol.check_decision(decided, self._epochs, height, header.batch, self._verifier)
        except Malformed as error:
            raise Fault(height, "certificate", str(error)) from None
        ids, time_us = self._open(height, batch)
        receipts: list[bytes] = []
        while (receipt := stored.pop(("receipt", receipt_key(height, len(receipts))), None)) is not None:
            receipts.append(receipt)
        if merkle.commitment(ids) != header.transactions or header.time_us != max(before.time_us, time_us):
            raise Fault(height, "batch", "the header names other transactions, or another time")
        if merkle.commitment(receipts) != header.receipts:
            raise Fault(height, "receipt", "not those that the header names")
        self._transactions += len(receipts)

    def _open(self, height: int, batch: bytes) -> tuple[list[bytes], int]:
        """Ids of the transactions in order, and the time that was proposed."""
        if not batch:
            return [], 0
        try:
            decoded = decode_batch(batch)
            return [one for raw in decoded.bundles for one in self._bundles.open(raw).ids], decoded.time_us
        except Malformed as error:
            raise Fault(height, "batch", str(error)) from None

    # --- whole tables -----------------------------------------------------------------------------------------------

    def _check_meta(self, head: int, digest: bytes) -> None:
        wanted = {
            b"chain": self._genesis.chain,
            b"format": encode(FORMAT),
            b"head": height_key(head) + digest,
            WORD: height_key(pruned_height(self._rows)),
        }
        if self._seals:
            wanted[b"seals"] = height_key(self._seals) + height_key(self._sealed)
        stored = dict(self._rows.all("meta"))
        for word in sorted({*wanted, *stored}):
            if wanted.get(word) != stored.get(word):
                raise Fault(head, f"meta {word.decode('utf-8', 'backslashreplace')}", "differs from what was checked")
