"""Makes proofs that a person can carry away: `core/proven.py` checks them with the genesis file alone."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from consortium.core import merkle
from consortium.core.codec import Malformed, encode
from consortium.core.crypto import SUITES
from consortium.core.format import FORMAT
from consortium.core.genesis import Genesis
from consortium.core.machine import Rows
from consortium.core.proven import EpochsProof, HeaderProof, ProofError, ReceiptProof, StateProof, TransactionProof
from consortium.core.seals import Linked
from consortium.core.state_path import Path, is_proven
from consortium.core.transaction import Bundles, decode_batch
from consortium.ledger.block import stored_header
from consortium.ledger.certificate import newest_seal
from consortium.ledger.chain import Ledger
from consortium.ledger.epoch_links import links_to
from consortium.ledger.prune import bodies_above
from consortium.ledger.rows import Damaged, height_key, receipt_key, state_key
from consortium.ledger.snapshot import link


class Proving(Protocol):
    """A ledger, as far as it proves its state."""

    @property
    def head_height(self) -> int: ...

    def state_path(self, key: bytes) -> Path: ...


class StateEvidence(NamedTuple):
    """A state proof before the seal: taken at the head, completed when a seal stands at or above `height`."""

    height: int
    key: bytes
    value: bytes | None
    path: Path


def prove_transaction(genesis: Genesis, rows: Rows, height: int, index: int) -> bytes:
    """Of the transaction that is number `index` at `height`. Raises ProofError (no such one, or not sealed yet)."""
    _check_kept(rows, height)
    bundles = Bundles(genesis.chain, SUITES[genesis.suite]())
    found: list[tuple[str, bytes, bytes]] = []
    try:
        for raw in decode_batch(rows.get("batch", height_key(height)) or _no_such(height)).bundles:
            opened = bundles.open(raw, is_trusted=True)
            found += [(opened.member, *pair) for pair in zip(opened.transactions, opened.ids, strict=True)]
    except Malformed as error:
        raise Damaged(f"the batch of height {height} cannot be read: {error}") from None
    if not 0 <= index < len(found):
        raise ProofError(f"height {height} has {len(found)} transactions, numbered from 0; there is no {index}")
    member, transaction, _ = found[index]
    linked = _linked(rows, height)
    identities = [identity for _, _, identity in found]
    _check_written(height, merkle.commitment(identities) == stored_header(linked.headers[0], height).transactions)
    path = merkle.path(identities, index)
    return encode(
        TransactionProof(
            FORMAT, member, transaction, index, len(found), path, linked.headers, linked.seal, linked.epochs
        )
    )


def prove_receipt(rows: Rows, height: int, index: int) -> bytes:
    """Of the receipt that is number `index` at `height`. Raises ProofError."""
    _check_kept(rows, height)
    receipts = [data for _, data in rows.range("receipt", receipt_key(height, 0), height_key(height + 1))]
    if not 0 <= index < len(receipts):
        raise ProofError(f"height {height} has {len(receipts)} receipts, numbered from 0; there is no {index}")
    linked = _linked(rows, height)
    _check_written(height, merkle.commitment(receipts) == stored_header(linked.headers[0], height).receipts)
    path = merkle.path(receipts, index)
    return encode(ReceiptProof(FORMAT, receipts[index], index, len(receipts), path, *linked))


def take_state_evidence(ledger: Proving, rows: Rows, table: str, key: str) -> StateEvidence:
    """What the state at the head says of a row; `complete_state_proof` once the head is sealed."""
    row = state_key(table, key)
    return StateEvidence(ledger.head_height, row, rows.get("state", row), ledger.state_path(row))


def complete_state_proof(rows: Rows, evidence: StateEvidence) -> bytes:
    """Raises ProofError while no seal stands at or above the evidence's height."""
    linked = _linked(rows, evidence.height)
    state = stored_header(linked.headers[0], evidence.height).state
    _check_written(evidence.height, is_proven(evidence.path, evidence.key, evidence.value, state))
    return encode(StateProof(FORMAT, evidence.key, evidence.value, evidence.path, *linked))


def prove_state(ledger: Ledger, rows: Rows, table: str, key: str) -> bytes:
    """Value or absence at the head. Raises ProofError while the head is not sealed: an idle head soon is."""
    return complete_state_proof(rows, take_state_evidence(ledger, rows, table, key))


def prove_header(rows: Rows, height: int) -> bytes:
    """Of the header of this height. Raises ProofError while no seal stands at or above it."""
    return encode(HeaderProof(FORMAT, *_linked(rows, height)))


def prove_epochs(ledger: Ledger, rows: Rows) -> bytes:
    """Of all epochs that have begun here. Raises ProofError while the last block before one is not sealed."""
    return prove_members(rows, ledger.epochs.at(ledger.head_height + 1).number)


def prove_members(rows: Rows, number: int) -> bytes:
    """As `prove_epochs`, up to epoch `number`, out of stored rows alone. Raises ProofError."""
    links = links_to(rows, number)
    if links is None:
        raise ProofError("the newest epoch's members are not under a seal yet; ask again in a moment")
    return encode(EpochsProof(FORMAT, links))


def _linked(rows: Rows, height: int) -> Linked:
    linked = link(rows, height, newest_seal(rows)[0])
    if linked is None:
        raise ProofError(f"no seal stands at or above height {height} yet; ask again when the consortium sealed it")
    return linked


def _check_kept(rows: Rows, height: int) -> None:
    """Raises ProofError where the block is not here any more, or never was."""
    above = bodies_above(rows)
    if above and height <= above:
        raise ProofError(
            f"this node does not hold the blocks up to height {above}: ask one that keeps all (an archive)"
        )


def _check_written(height: int, is_held: bool) -> None:
    """A proof that would convince nobody is not given away. Raises Damaged."""
    if not is_held:
        raise Damaged(f"what is stored of height {height} is not what its header commits to")


def _no_such(height: int) -> bytes:
    raise ProofError(f"there are no transactions at height {height}")
