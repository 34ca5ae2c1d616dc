"""Proofs that a person can carry away and check offline with the genesis file alone.

Each proof is one self-contained value: what is proven, its path to a header's root, and that header under a seal
(directly, or by later headers that name their parents). Whoever checks follows the members epoch by epoch, by one
sealed header each, from those of the genesis file to those that sealed this header.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import msgspec

from consortium.core import merkle
from consortium.core.codec import Decoder, Digest, Malformed, encode
from consortium.core.contract import Receipt
from consortium.core.crypto import SUITES
from consortium.core.format import FORMAT, format_fault
from consortium.core.genesis import Genesis
from consortium.core.machine import Rows
from consortium.core.membership import Epochs
from consortium.core.messages import Certificate, MessageCodec
from consortium.core.transaction import Bundles, decode_batch, transaction_id
from consortium.core.verifier import Verifier
from consortium.ledger.block import Header, stored_header
from consortium.ledger.certificate import newest_seal
from consortium.ledger.chain import Ledger
from consortium.ledger.epoch_links import EpochLink, follow, links_to
from consortium.ledger.messages import Checkpoint
from consortium.ledger.rows import Damaged, height_key, receipt_key, state_key
from consortium.ledger.snapshot import Linked, check_link, link
from consortium.ledger.tree import Path, is_proven

T = TypeVar("T")

PROOF_BYTES_MAX = 4_000_000


class ProofError(ValueError):
    """The proof proves nothing, or cannot be made yet; the text says why."""


class TransactionProof(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True):
    """`member` said `transaction`; it is number `index` of `size` in its block."""

    format: int
    member: str
    transaction: bytes
    index: int
    size: int
    path: tuple[Digest, ...]
    headers: tuple[bytes, ...]
    seal: Certificate
    epochs: tuple[EpochLink, ...]


class ReceiptProof(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True):
    """`receipt` (bytes) is number `index` of `size` in its block."""

    format: int
    receipt: bytes
    index: int
    size: int
    path: tuple[Digest, ...]
    headers: tuple[bytes, ...]
    seal: Certificate
    epochs: tuple[EpochLink, ...]


class StateProof(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True):
    """State row `key` has `value` (None: is absent) after the block of the first header."""

    format: int
    key: bytes
    value: bytes | None
    path: Path
    headers: tuple[bytes, ...]
    seal: Certificate
    epochs: tuple[EpochLink, ...]


class EpochsProof(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True):
    """All epochs from the genesis to `epochs[-1]`: what a newcomer is given to begin with."""

    format: int
    epochs: tuple[EpochLink, ...]


class StateEvidence(NamedTuple):
    """A state proof before the seal: taken at the head, completed when a seal stands at or above `height`."""

    height: int
    key: bytes
    value: bytes | None
    path: Path


class ProvenTransaction(NamedTuple):
    header: Header
    member: str
    transaction: bytes
    identity: bytes


class ProvenReceipt(NamedTuple):
    header: Header
    receipt: Receipt


class ProvenState(NamedTuple):
    """`value` None: proven to be absent."""

    header: Header
    table: str
    key: str
    value: bytes | None


_TRANSACTION: Decoder[TransactionProof] = Decoder(TransactionProof, PROOF_BYTES_MAX)
_RECEIPT_PROOF: Decoder[ReceiptProof] = Decoder(ReceiptProof, PROOF_BYTES_MAX)
_EPOCHS: Decoder[EpochsProof] = Decoder(EpochsProof, PROOF_BYTES_MAX)
_STATE: Decoder[StateProof] = Decoder(StateProof, PROOF_BYTES_MAX)
_RECEIPT: Decoder[Receipt] = Decoder(Receipt, PROOF_BYTES_MAX)


# --- making ---------------------------------------------------------------------------------------------------------


def prove_transaction(ledger: Ledger, rows: Rows, height: int, index: int) -> bytes:
    """Of the transaction that is number `index` at `height`. Raises ProofError (no such one, or not sealed yet)."""
    bundles = Bundles(ledger.chain, SUITES[ledger.genesis.suite]())
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
    receipts = [data for _, data in rows.range("receipt", receipt_key(height, 0), height_key(height + 1))]
    if not 0 <= index < len(receipts):
        raise ProofError(f"height {height} has {len(receipts)} receipts, numbered from 0; there is no {index}")
    linked = _linked(rows, height)
    _check_written(height, merkle.commitment(receipts) == stored_header(linked.headers[0], height).receipts)
    path = merkle.path(receipts, index)
    return encode(ReceiptProof(FORMAT, receipts[index], index, len(receipts), path, *linked))


def take_state_evidence(ledger: Ledger, rows: Rows, table: str, key: str) -> StateEvidence:
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


def _check_written(height: int, is_held: bool) -> None:
    """A proof that would convince nobody is not given away. Raises Damaged."""
    if not is_held:
        raise Damaged(f"what is stored of height {height} is not what its header commits to")


def _no_such(height: int) -> bytes:
    raise ProofError(f"there are no transactions at height {height}")


# --- checking -------------------------------------------------------------------------------------------------------


def verify_transaction_proof(genesis: Genesis, proof: bytes) -> ProvenTransaction:
    """That a member's transaction was ordered at the header's height. Raises ProofError."""
    value = _decode(_TRANSACTION, proof)
    header = _sealed_header(genesis, Linked(value.headers, value.seal, value.epochs))
    identity = transaction_id(genesis.chain, value.member, value.transaction)
    if not merkle.is_committed(identity, value.index, value.size, value.path, header.transactions):
        raise ProofError("the transaction does not lie under the header's root")
    return ProvenTransaction(header, value.member, value.transaction, identity)


def verify_receipt_proof(genesis: Genesis, proof: bytes) -> ProvenReceipt:
    """The outcome of a transaction; the receipt names it by id. Raises ProofError."""
    value = _decode(_RECEIPT_PROOF, proof)
    header = _sealed_header(genesis, Linked(value.headers, value.seal, value.epochs))
    if not merkle.is_committed(value.receipt, value.index, value.size, value.path, header.receipts):
        raise ProofError("the receipt does not lie under the header's root")
    return ProvenReceipt(header, _decode(_RECEIPT, value.receipt))


def verify_state_proof(genesis: Genesis, proof: bytes) -> ProvenState:
    """What the state had under a key after the header's block. Raises ProofError."""
    value = _decode(_STATE, proof)
    header = _sealed_header(genesis, Linked(value.headers, value.seal, value.epochs))
    if not is_proven(value.path, value.key, value.value, header.state):
        raise ProofError("the value does not lie under the header's state root")
    try:
        table, _, key = value.key.decode().partition("\x00")
    except UnicodeDecodeError:
        raise ProofError("the key is no text") from None
    return ProvenState(header, table, key, value.value)


def verify_epochs_proof(genesis: Genesis, proof: bytes) -> Epochs:
    """The members of every epoch, each proven by those of the one before, from the genesis on. Raises ProofError."""
    epochs = Epochs((genesis.first_epoch,))
    try:
        follow(_decode(_EPOCHS, proof).epochs, epochs, _verifier(genesis))
    except Malformed as error:
        raise ProofError(f"the epochs do not follow from this genesis: {error}") from None
    return epochs


def _verifier(genesis: Genesis) -> Verifier:
    return Verifier(MessageCodec(genesis.chain, genesis.suite, (Checkpoint,)), SUITES[genesis.suite]())


def _sealed_header(genesis: Genesis, linked: Linked) -> Header:
    try:
        header = check_link(linked, Epochs((genesis.first_epoch,)), _verifier(genesis))
    except Malformed as error:
        raise ProofError(f"the header is not sealed by the members of this genesis: {error}") from None
    if header.chain != genesis.chain:
        raise ProofError("the header is of another chain")
    return header


def _decode(decoder: Decoder[T], data: bytes) -> T:
    try:
        value = decoder.decode_canonical(data)
    except Malformed as error:
        raise ProofError(f"not such a proof: {error}") from None
    if (fault := format_fault("proof", getattr(value, "format", FORMAT))) is not None:
        raise ProofError(f"a {fault}")
    return value
