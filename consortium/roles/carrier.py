"""What a bridge carries from a far ledger to a near one: new members, and rows that contracts there act by.

It keeps nothing that matters: whoever begins anew looks at both ledgers and carries what one has and the other lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from consortium.contracts.bridges.clearing_records import CLAIMS, DUES
from consortium.contracts.bridges.foreign_chain import LINKS_MAX, PROOF_BYTES_MAX, Accept, Advance
from consortium.contracts.bridges.foreign_facts import CARRIED, FOREIGN, find_row
from consortium.contracts.bridges.hash_lock_records import LOCKED, LOCKS
from consortium.core.codec import encode
from consortium.core.contract import StateReader, Table
from consortium.core.machine import Rows
from consortium.core.proven import ProofError
from consortium.ledger.epoch_links import links_to
from consortium.ledger.proofs import StateEvidence, complete_state_proof
from consortium.roles.executed_effects import END

TABLES: Mapping[str, Table[Any]] = {table.name: table for table in (LOCKS, CLAIMS, DUES)}
assert set(TABLES) == set(CARRIED)
PATIENCE = 100  # looks after which something is carried again that did not arrive
RowName = tuple[str, str]  # table, key


class Far(NamedTuple):
    """The ledger from which things are carried, as one of its nodes has it. `take(table, key)`: a row at its head,
    with its path; `epoch`: that of its next height."""

    state: StateReader
    rows: Rows
    epoch: int
    time_us: int
    take: Callable[[str, str], StateEvidence]


class Errand(NamedTuple):
    """To be handed in at the near ledger, once for each reference."""

    reference: str
    operation: str  # of foreign_chain
    arguments: bytes
    what: str


class _Sent(NamedTuple):
    content: bytes
    height: int
    looks: int


class Carrier:
    """From one ledger to another, one way. `chain`: how the near ledger calls the far one; `near`: the hash of the near
    one's genesis. `records`: rows of other tables that are wanted, too."""

    def __init__(self, chain: str, near: bytes, records: tuple[RowName, ...] = ()) -> None:
        self._chain = chain
        self._near = near
        self._records = records
        self._taken: dict[RowName, StateEvidence] = {}  # not under a seal yet
        self._sent: dict[RowName, _Sent] = {}
        self._looks = 0
        self._advanced = (0, 0)  # the epoch that was told, and at which look

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way, as of the last look."""
        return not self._taken and not self._sent

    def look(self, near: StateReader, far: Far) -> list[Errand]:
        """What is to be handed in now. Rows wait for members: who sealed them must be known."""
        self._looks += 1
        known = near.get(FOREIGN, self._chain)
        if known is None:
            return []
        if far.epoch > known.epoch.number:
            return self._advance(far, known.epoch.number)
        self._sent = {name: sent for name, sent in self._sent.items() if not self._has_arrived(near, name, sent)}
        for name, content in self._wanted(near, far):
            sent = self._sent.get(name)
            if name not in self._taken and (sent is None or content not in (None, sent.content)):
                self._taken[name] = far.take(*name)
        return list(self._completed(far))

    def _advance(self, far: Far, known: int) -> list[Errand]:
        links = links_to(far.rows, far.epoch)
        if links is None or (self._advanced[0] == far.epoch and self._looks - self._advanced[1] < PATIENCE):
            return []  # not under a seal yet, or on its way
        self._advanced = (far.epoch, self._looks)
        given: list[bytes] = []
        for link in map(encode, links[known:][:LINKS_MAX]):
            if sum(map(len, given)) + len(link) > PROOF_BYTES_MAX:
                break
            given.append(link)
        arguments = encode(Advance(self._chain, tuple(given)))
        reference = f"advance:{self._chain}:{far.epoch}:{self._looks}"
        return [Errand(reference, "advance", arguments, f"epoch {far.epoch}")]

    def _has_arrived(self, near: StateReader, name: RowName, sent: _Sent) -> bool:
        row = find_row(near, self._chain, *name)
        return (row is not None and row.height >= sent.height) or self._looks - sent.looks > PATIENCE

    def _wanted(self, near: StateReader, far: Far) -> Iterator[tuple[RowName, bytes | None]]:
        """Rows that the near ledger does not have as they are, each with its digest; None: as of now, whatever it is.
        Months are charged to one chain; locks may be anybody's."""
        for table in TABLES.values():
            for key, value in far.state.range(table, "", END):
                content = sha256(encode(value)).digest()
                is_mine = getattr(value, "counterpart", self._near) == self._near
                if is_mine and not self._is_there(near, (table.name, key), content):
                    yield (table.name, key), content
        for name in self._records:
            row = far.rows.get("state", f"{name[0]}\x00{name[1]}".encode())
            content = b"" if row is None else sha256(row).digest()
            if not self._is_there(near, name, content):
                yield name, content
        for key in self._undecided(near, far):
            yield (LOCKS.name, key), None

    def _is_there(self, near: StateReader, name: RowName, content: bytes) -> bool:
        row = find_row(near, self._chain, *name)
        return row is not None and row.content == content

    def _undecided(self, near: StateReader, far: Far) -> Iterator[str]:
        """Locks that are over on the far ledger, and that locks here wait for: also those that never were there."""
        for _, lock in near.range(LOCKS, "", END):
            terms = lock.decider
            if lock.stage == LOCKED and terms is not None and terms.chain == self._chain:
                row = find_row(near, self._chain, LOCKS.name, terms.lock_no)
                if far.time_us >= terms.expires_us and (row is None or row.time_us < terms.expires_us):
                    yield terms.lock_no

    def _completed(self, far: Far) -> Iterator[Errand]:
        for name, evidence in list(self._taken.items()):
            try:
                proof = complete_state_proof(far.rows, evidence)
            except ProofError:
                continue  # not under a seal yet
            del self._taken[name]
            content = b"" if evidence.value is None else sha256(evidence.value).digest()
            self._sent[name] = _Sent(content, evidence.height, self._looks)
            reference = f"accept:{self._chain}:{'/'.join(name)}:{evidence.height}"
            yield Errand(reference, "accept", encode(Accept(self._chain, proof)), "/".join(name))
