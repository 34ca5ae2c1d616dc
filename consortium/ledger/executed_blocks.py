"""What executing a block came to, as a value that another ledger could take over.

What a block does follows from the header before it and from its batch. So where many ledgers live in one process, a
driver may hand in a place where the first that executes a block leaves it for the others. A ledger of a process of its
own has none, and executes all its blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from consortium.core.header import Header
from consortium.core.machine import Note, Outcome
from consortium.ledger.rows import Row
from consortium.ledger.tree import Patch


class ExecutedBlock(NamedTuple):
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


class ExecutedBlocks(Protocol):
    """Blocks by (digest of the header before, digest of the batch). Nobody changes what lies in them."""

    def get(self, parent: bytes, batch: bytes) -> ExecutedBlock | None:
        """The block that another ledger executed; None where it must be executed here."""
        ...

    def put(self, parent: bytes, batch: bytes, block: ExecutedBlock) -> None:
        """Leave a block for the others."""
        ...
