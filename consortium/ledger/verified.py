"""What checking a whole ledger comes to: a fault, or what was seen. And what is checked of every ledger, whether it is
executed again or not."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from consortium.core.codec import Malformed
from consortium.core.genesis import Genesis
from consortium.core.membership import Epochs
from consortium.core.messages import Certificate, Message
from consortium.core.seals import check_seal, decode_certificate
from consortium.core.verifier import Verifier
from consortium.ledger.rows import TABLES, StoredRows, height_key


class Fault(Exception):
    """The first fault: `record` names the row, `why` says what is wrong with it."""

    def __init__(self, height: int, record: str, why: str) -> None:
        super().__init__(f"height {height}, {record}: {why}")
        self.height = height
        self.record = record
        self.why = why


class Verified(NamedTuple):
    """A sound ledger. `first_height` is 0, or that of the snapshot it began with. `pruned_height`: up to here it holds
    headers and seals alone, and was not executed; 0: it is an archive from its first height on."""

    height: int
    header_digest: bytes
    state_root: bytes
    first_height: int
    sealed_height: int
    seals: int
    transactions: int
    pruned_height: int = 0


class Decisions(Protocol):
    """What is needed of a consensus protocol: its `PROTOCOL`."""

    @property
    def messages(self) -> tuple[type[Message], ...]: ...

    def check_decision(
        self, certificate: Certificate, epochs: Epochs, height: int, digest: bytes, verifier: Verifier
    ) -> None: ...


def check_whose(rows: StoredRows, genesis: Genesis) -> None:
    """It has the tables of a ledger, and was begun with this genesis."""
    for table in rows.tables():
        if table not in TABLES:
            raise Fault(0, f"table {table}", "no ledger has such a table")
    chain = rows.get("meta", b"chain")
    if chain is None:
        raise Fault(0, "meta chain", "missing: this is no ledger, or an empty one")
    if chain != genesis.chain:
        raise Fault(0, "meta chain", "the ledger was begun with another genesis file")


def check_sealed(height: int, digest: bytes, seal: bytes, epochs: Epochs, verifier: Verifier) -> None:
    """The stored seal is one over the header with this digest."""
    try:
        vote = check_seal(decode_certificate(seal), epochs, verifier)
    except Malformed as error:
        raise Fault(height, "seal", str(error)) from None
    if (vote.height, vote.header_digest) != (height, digest):
        raise Fault(height, "seal", "over another header")


def check_ends(rows: StoredRows, table: str, first: int, head: int) -> None:
    """Nothing of a table by height lies before the first height or beyond the head: keys that no chunk has shown."""
    low, high = height_key(first), height_key(head + 1)
    for key, _ in rows.all(table):  # no key is above every other: all of them
        if not low <= key < high:
            raise Fault(int.from_bytes(key[:8], "big"), table, "a row outside of the ledger's heights")
