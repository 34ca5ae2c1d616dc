"""Checks a node's whole ledger offline, from the genesis file alone, and names the first fault by height.

Everything that is stored is either recomputed (headers, receipts, the whole state, epochs and meta, by executing every
block again) or proven by signatures (certificates, seals, bundles); what is neither is refused. A ledger that began
with a snapshot is executed from there: its base is proven by a seal. One that let go of old blocks cannot be executed
(`verify_pruned.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from consortium.core.codec import Malformed
from consortium.core.contract import Contract
from consortium.core.crypto import SUITES
from consortium.core.genesis import Genesis
from consortium.core.header import decode_header, header_bytes_digest
from consortium.core.machine import Apply, Decide, Now
from consortium.core.membership import Epochs
from consortium.core.messages import Certificate, MessageCodec
from consortium.core.seals import Checkpoint, decode_certificate
from consortium.core.transaction import NULL_DIGEST, Bundles, batch_digest, decode_batch
from consortium.core.verifier import Verifier
from consortium.ledger.chain import Ledger
from consortium.ledger.prune import pruned_height
from consortium.ledger.rows import DictRows, Row, StoredRows, height_key
from consortium.ledger.snapshot import stored_base
from consortium.ledger.verified import Decisions, Fault, Verified, check_ends, check_sealed, check_whose
from consortium.ledger.verify_pruned import verify_pruned

__all__ = ["Decisions", "Fault", "Verified", "verify_ledger"]

_CHUNK = 64  # heights read at a time
_NOW = Now(0, 0)
_BY_HEIGHT = ("block", "batch", "certificate", "receipt", "seal")


class _Shadow(DictRows):
    """Rows of the re-execution: keeps what executing reads, hands out each block's rows, forgets old blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.staged: list[Row] = []

    def stage(self, rows: Sequence[Row]) -> None:
        self.staged = list(rows)
        super().stage([row for row in rows if row[0] not in ("batch", "certificate", "receipt")])


def verify_ledger(
    genesis: Genesis,
    rows: StoredRows,
    contracts: Mapping[str, Contract],
    protocol: Decisions,
    at_least: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Verified:
    """Raises `Fault` with the first fault, also where the ledger ends below `at_least`.

    `progress(height, head)` is called now and then. GenesisError if the genesis itself cannot be executed.
    """
    if pruned_height(rows):
        return verify_pruned(genesis, rows, protocol, at_least, progress)
    return _Verification(genesis, rows, contracts, protocol).run(at_least, progress)


class _Verification:
    """One pass over a ledger."""

    def __init__(
        self, genesis: Genesis, rows: StoredRows, contracts: Mapping[str, Contract], protocol: Decisions
    ) -> None:
        suite = SUITES[genesis.suite]()
        self._genesis = genesis
        self._rows = rows
        self._protocol = protocol
        self._epochs = Epochs((genesis.first_epoch,))
        self._verifier = Verifier(MessageCodec(genesis.chain, genesis.suite, (Checkpoint, *protocol.messages)), suite)
        self._bundles = Bundles(genesis.chain, suite)
        self._shadow = _Shadow()
        self._ledger = Ledger(genesis, self._shadow, contracts, self._bundles, self._epochs)
        self._first = 0
        self._seals = 0
        self._sealed = 0
        self._transactions = 0

    def run(self, at_least: int, progress: Callable[[int, int], None] | None) -> Verified:
        head = self._head(at_least)
        self._ledger.boot()
        self._begin()
        for chunk in range(self._first, head + 1, _CHUNK):
            last = min(chunk + _CHUNK - 1, head)
            self._check_chunk(chunk, last)
            if progress is not None:
                progress(last, head)
        for table in _BY_HEIGHT:
            check_ends(self._rows, table, self._first, head)
        self._check_whole("state", head)
        self._check_whole("epoch", head)
        self._check_meta(head)
        return Verified(
            head,
            self._ledger.head_digest,
            self._ledger.head.state,
            self._first,
            self._sealed,
            self._seals,
            self._transactions,
        )

    # --- where it begins and ends -----------------------------------------------------------------------------------

    def _head(self, at_least: int) -> int:
        check_whose(self._rows, self._genesis)
        data = self._rows.get("meta", b"head")
        if data is None or len(data) != 40:
            raise Fault(0, "meta head", "missing or of wrong length")
        head = int.from_bytes(data[:8], "big")
        self._check_head(head, data)
        if head < at_least:
            raise Fault(head, "block", f"the ledger ends here, below height {at_least}: it was truncated")
        return head

    def _check_head(self, head: int, data: bytes) -> None:
        """Its row names a header by height and digest. Where the digest is another block's, the row is what is damaged,
        and neither a block missing nor the ledger truncated."""
        block = self._rows.get("block", data[:8])
        if block is not None and header_bytes_digest(block) == data[8:]:
            return
        for key, other in self._rows.all("block"):
            if header_bytes_digest(other) == data[8:]:
                height = int.from_bytes(key[:8], "big")
                raise Fault(height, "meta head", f"names height {head}, and the header of height {height}")

    def _begin(self) -> None:
        """Take over a base; a ledger without one must have the genesis block."""
        try:
            base = stored_base(self._rows, self._epochs, self._verifier)
        except Malformed as error:
            raise Fault(0, "base", str(error)) from None
        if base is None:
            if next(self._rows.all("base"), None) is not None:
                raise Fault(0, "base", "rows of a base without its height")
            return
        self._first = base.header.height
        self._ledger.install(base)
        self._check_base(base.proof)

    def _check_base(self, proof: Sequence[Row]) -> None:
        wanted = {key: value for _, key, value in proof}
        stored = dict(self._rows.all("base"))
        for key in sorted({*wanted, *stored}):
            if stored.get(key) != wanted.get(key):
                raise Fault(self._first, f"base {key!r}", "not a part of the proven base")

    # --- blocks -----------------------------------------------------------------------------------------------------

    def _check_chunk(self, first: int, last: int) -> None:
        low, high = height_key(first), height_key(last + 1)
        stored: dict[int, dict[tuple[str, bytes], bytes]] = {height: {} for height in range(first, last + 1)}
        for table in _BY_HEIGHT:
            for key, value in self._rows.range(table, low, high):
                if not low <= key < high:
                    raise Fault(first, table, f"a row of height {int.from_bytes(key[:8], 'big')} stands out of order")
                height = min(int.from_bytes(key[:8].ljust(8, b"\x00"), "big"), last)  # a key may be too short
                stored[height][table, key] = value
        for height in range(first, last + 1):
            self._check_height(height, stored[height])

    def _check_height(self, height: int, stored: dict[tuple[str, bytes], bytes]) -> None:
        key = height_key(height)
        if height > self._first:
            self._check_epoch_sealed(height)
            self._execute(height, stored)
        wanted = {(table, name): value for table, name, value in self._shadow.staged if table in _BY_HEIGHT}
        seal = stored.pop(("seal", key), None)
        order = ("certificate", "batch", "receipt", "block", "seal")
        for table, name in sorted({*wanted, *stored}, key=lambda row: (order.index(row[0]), row[1])):
            have, want = stored.get((table, name)), wanted.get((table, name))
            if have != want:
                record = f"receipt {int.from_bytes(name[8:], 'big')}" if table == "receipt" else table
                why = (
                    "missing" if have is None else "does not belong here" if want is None else "differs from execution"
                )
                raise Fault(height, record, why)
        if seal is not None:
            check_sealed(height, self._ledger.head_digest, seal, self._epochs, self._verifier)
            self._seals, self._sealed = self._seals + 1, height

    def _check_epoch_sealed(self, height: int) -> None:
        """The first block of an epoch stands on a sealed one; seals of heights below have been checked."""
        epoch = self._epochs.at(height)
        if epoch.number and epoch.first_height == height and height - 1 > max(self._first, self._sealed):
            raise Fault(height - 1, "seal", f"missing: it is the last block before epoch {epoch.number}")

    def _execute(self, height: int, stored: dict[tuple[str, bytes], bytes]) -> None:
        key = height_key(height)
        for table in ("block", "batch", "certificate"):
            if (table, key) not in stored:
                raise Fault(height, table, "missing")
        batch: bytes | None = stored["batch", key] or None
        certificate = self._check_decided(height, batch, stored["certificate", key], stored["block", key])
        self._check_bundles(height, batch)
        for effect in self._ledger.step(_NOW, Decide(height, batch, certificate)):
            if isinstance(effect, Apply):
                self._transactions += sum(table == "receipt" for table, _, _ in effect.rows)

    def _check_decided(self, height: int, batch: bytes | None, data: bytes, block: bytes) -> Certificate:
        """The certificate must prove the batch; where it does not, the header tells which of the two is damaged."""
        try:
            certificate = decode_certificate(data)
        except Malformed as error:
            raise Fault(height, "certificate", str(error)) from None
        digest = NULL_DIGEST if batch is None else batch_digest(batch)
        try:
            self._protocol.check_decision(certificate, self._epochs, height, digest, self._verifier)
        except Malformed as error:
            try:
                named = decode_header(block).batch
                self._protocol.check_decision(certificate, self._epochs, height, named, self._verifier)
            except Malformed:
                raise Fault(height, "certificate", str(error)) from None
            raise Fault(height, "batch", "not the batch that was decided") from None
        return certificate

    def _check_bundles(self, height: int, batch: bytes | None) -> None:
        """Every bundle's signature; opened here, the ledger finds it verified."""
        if batch is None:
            return
        try:
            for raw in decode_batch(batch).bundles:
                self._bundles.open(raw)
        except Malformed as error:
            raise Fault(height, "batch", str(error)) from None

    # --- whole tables -----------------------------------------------------------------------------------------------

    def _check_whole(self, table: str, head: int) -> None:
        """Row by row against the re-executed one."""
        wanted = dict(self._shadow.all(table))
        for key, value in self._rows.all(table):
            want = wanted.pop(key, None)
            if want is None:
                raise Fault(head, f"{table} {_shown(key)}", "there is no such row")
            if want != value:
                raise Fault(head, f"{table} {_shown(key)}", "differs from execution")
        for key in wanted:
            raise Fault(head, f"{table} {_shown(key)}", "missing")

    def _check_meta(self, head: int) -> None:
        if self._seals:
            self._shadow.stage([("meta", b"seals", height_key(self._seals) + height_key(self._sealed))])
        self._check_whole("meta", head)


def _shown(key: bytes) -> str:
    """A key as a person reads it."""
    return "'" + key.decode("utf-8", "backslashreplace").replace("\x00", " ") + "'"
