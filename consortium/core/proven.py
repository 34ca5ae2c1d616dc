"""What a proof proves: judged from the genesis file and the proof alone, with no ledger at hand.

Each proof is one self-contained value: what is proven, its path to a header's root, and that header under a seal
(directly, or by later headers that name their parents). Whoever checks follows the members epoch by epoch, by one
sealed header each, from those of the genesis file to those that sealed this header. `ledger/proofs.py` makes proofs.

A contract may judge a proof of another chain: `judge_proof` is pure, bounded in bytes before anything is decoded, and
so in signatures too.
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import msgspec

from consortium.core import merkle
from consortium.core.codec import Decoder, Digest, Malformed, encode
from consortium.core.contract import Receipt
from consortium.core.crypto import SUITES
from consortium.core.format import format_fault
from consortium.core.genesis import Genesis, decode_genesis
from consortium.core.header import Header
from consortium.core.membership import Epoch, Epochs
from consortium.core.messages import Certificate, MessageCodec
from consortium.core.seals import (
    Checkpoint,
    EpochLink,
    Linked,
    check_epoch_link,
    check_link,
    decode_link,
    follow,
)
from consortium.core.state_path import Path, is_proven
from consortium.core.transaction import transaction_id
from consortium.core.verifier import Verifier

T = TypeVar("T")

PROOF_BYTES_MAX = 4_000_000
GENESIS_BYTES_MAX = 64_000_000
WHY_CHARACTERS_MAX = 400


class ProofError(ValueError):
    """The proof proves nothing, or cannot be made yet; the text says why, in one line of printable characters: what a
    library quotes of a stranger's bytes must not reach a terminal as it is."""

    def __init__(self, why: str) -> None:
        super().__init__("".join(letter if letter.isprintable() else "?" for letter in why)[:WHY_CHARACTERS_MAX])


# --- proofs ---------------------------------------------------------------------------------------------------------


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


class HeaderProof(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True):
    """The first header is that of its height."""

    format: int
    headers: tuple[bytes, ...]
    seal: Certificate
    epochs: tuple[EpochLink, ...]


class EpochsProof(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=True):
    """All epochs from the genesis to `epochs[-1]`: what a newcomer is given to begin with."""

    format: int
    epochs: tuple[EpochLink, ...]


Proof = TransactionProof | ReceiptProof | StateProof | HeaderProof | EpochsProof
_KINDS = tuple(encode(kind.__name__) for kind in (TransactionProof, ReceiptProof, StateProof, HeaderProof, EpochsProof))


def begins_as_proof(data: bytes) -> bool:
    """Whether bytes begin as a proof of any format does: a short array that names its kind first. What follows may be
    damaged; bytes that begin otherwise never were a proof."""
    return bool(data) and data[0] & 0xF0 == 0x90 and data.startswith(_KINDS, 1)


# --- what they prove ------------------------------------------------------------------------------------------------


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


class ProvenHeader(NamedTuple):
    header: Header


class ProvenMembers(NamedTuple):
    """The newest epoch that the proof leads to."""

    epoch: Epoch


Proven = ProvenTransaction | ProvenReceipt | ProvenState | ProvenHeader | ProvenMembers


class Anchor(NamedTuple):
    """What a checker trusts of a chain: its id, its key suite, and the members of one epoch. `former`: those of the
    epoch before it, whose seals are believed too."""

    chain: bytes
    suite: str
    epoch: Epoch
    former: Epoch | None = None

    @property
    def epochs(self) -> Epochs:
        """To be followed from here."""
        return Epochs((self.epoch,) if self.former is None else (self.former, self.epoch))

    @classmethod
    def of(cls, genesis: Genesis) -> Anchor:
        return cls(genesis.chain, genesis.suite, genesis.first_epoch)


_PROOF: Decoder[Proof] = Decoder(Proof, PROOF_BYTES_MAX)
_RECEIPT: Decoder[Receipt] = Decoder(Receipt, PROOF_BYTES_MAX)


def judge_proof(genesis: bytes, proof: bytes, bytes_max: int = PROOF_BYTES_MAX) -> Proven:
    """What `proof` proves of the chain whose genesis file has these bytes. Raises ProofError.

    A signature takes 64 bytes of a proof at least, and none is looked at twice: `bytes_max` bounds the work, too."""
    if len(genesis) > GENESIS_BYTES_MAX:
        raise ProofError(f"a genesis file of {len(genesis)} bytes; at most {GENESIS_BYTES_MAX} are read")
    try:
        value = decode_genesis(genesis)
    except ValueError as error:
        raise ProofError(str(error)) from None
    if (fault := format_fault("genesis", value.format)) is not None:
        raise ProofError(f"a {fault}")
    return judge_from(Anchor.of(value), proof, bytes_max)


def judge_from(anchor: Anchor, proof: bytes, bytes_max: int = PROOF_BYTES_MAX) -> Proven:
    """As `judge_proof`, for whoever keeps no genesis file but the members of one epoch. Raises ProofError."""
    if len(proof) > bytes_max:
        raise ProofError(f"a proof of {len(proof)} bytes; at most {bytes_max} are read")
    value = _decode(_PROOF, proof)
    if (fault := format_fault("proof", value.format)) is not None:
        raise ProofError(f"a {fault}")
    match value:
        case TransactionProof():
            return _judge_transaction(anchor, value)
        case ReceiptProof():
            return _judge_receipt(anchor, value)
        case StateProof():
            return _judge_state(anchor, value)
        case HeaderProof():
            return ProvenHeader(_sealed_header(anchor, value))
        case EpochsProof():
            return ProvenMembers(_followed(anchor, value).newest)


def _judge_transaction(anchor: Anchor, proof: TransactionProof) -> ProvenTransaction:
    header = _sealed_header(anchor, proof)
    identity = transaction_id(anchor.chain, proof.member, proof.transaction)
    if not merkle.is_committed(identity, proof.index, proof.size, proof.path, header.transactions):
        raise ProofError("the transaction does not lie under the header's root")
    return ProvenTransaction(header, proof.member, proof.transaction, identity)


def _judge_receipt(anchor: Anchor, proof: ReceiptProof) -> ProvenReceipt:
    header = _sealed_header(anchor, proof)
    if not merkle.is_committed(proof.receipt, proof.index, proof.size, proof.path, header.receipts):
        raise ProofError("the receipt does not lie under the header's root")
    return ProvenReceipt(header, _decode(_RECEIPT, proof.receipt))


def _judge_state(anchor: Anchor, proof: StateProof) -> ProvenState:
    header = _sealed_header(anchor, proof)
    if not is_proven(proof.path, proof.key, proof.value, header.state):
        raise ProofError("the value does not lie under the header's state root")
    try:
        table, _, key = proof.key.decode().partition("\x00")
    except UnicodeDecodeError:
        raise ProofError("the key is no text") from None
    return ProvenState(header, table, key, proof.value)


def _sealed_header(anchor: Anchor, proof: TransactionProof | ReceiptProof | StateProof | HeaderProof) -> Header:
    linked = Linked(proof.headers, proof.seal, proof.epochs)
    try:
        header = check_link(linked, anchor.epochs, _verifier(anchor))
    except Malformed as error:
        raise ProofError(f"the header is not sealed by the members of this genesis: {error}") from None
    if header.chain != anchor.chain:
        raise ProofError("the header is of another chain")
    return header


def _followed(anchor: Anchor, proof: EpochsProof) -> Epochs:
    epochs = anchor.epochs
    try:
        follow(proof.epochs, epochs, _verifier(anchor))
    except Malformed as error:
        raise ProofError(f"the epochs do not follow from this genesis: {error}") from None
    return epochs


def follow_links(anchor: Anchor, links: tuple[bytes, ...]) -> Epochs:
    """The anchor's epochs, and those that these links lead to, the first of them from the anchor's own. Raises
    ProofError."""
    epochs, verifier = anchor.epochs, _verifier(anchor)
    try:
        for number, link in enumerate(links, anchor.epoch.number + 1):
            epochs.add(check_epoch_link(decode_link(link), number, epochs, verifier))
    except Malformed as error:
        raise ProofError(f"the epochs do not follow from those that are known: {error}") from None
    return epochs


def _verifier(anchor: Anchor) -> Verifier:
    return Verifier(MessageCodec(anchor.chain, anchor.suite, (Checkpoint,)), SUITES[anchor.suite]())


def _decode(decoder: Decoder[T], data: bytes) -> T:
    try:
        return decoder.decode_canonical(data)
    except Malformed as error:
        raise ProofError(f"not such a proof: {error}") from None


# --- of one kind, for whoever expects it ----------------------------------------------------------------------------


def verify_transaction_proof(genesis: Genesis, proof: bytes) -> ProvenTransaction:
    """That a member's transaction was ordered at the header's height. Raises ProofError."""
    return _expect(ProvenTransaction, judge_from(Anchor.of(genesis), proof))


def verify_receipt_proof(genesis: Genesis, proof: bytes) -> ProvenReceipt:
    """The outcome of a transaction; the receipt names it by id. Raises ProofError."""
    return _expect(ProvenReceipt, judge_from(Anchor.of(genesis), proof))


def verify_state_proof(genesis: Genesis, proof: bytes) -> ProvenState:
    """What the state had under a key after the header's block. Raises ProofError."""
    return _expect(ProvenState, judge_from(Anchor.of(genesis), proof))


def verify_epochs_proof(genesis: Genesis, proof: bytes) -> Epochs:
    """The members of every epoch, each proven by those of the one before, from the genesis on. Raises ProofError."""
    value = _decode(_PROOF, proof)
    if (fault := format_fault("proof", value.format)) is not None:
        raise ProofError(f"a {fault}")
    if not isinstance(value, EpochsProof):
        raise ProofError(f"not such a proof: a {type(value).__name__}")
    return _followed(Anchor.of(genesis), value)


def _expect(kind: type[T], proven: object) -> T:
    if not isinstance(proven, kind):
        raise ProofError(f"not such a proof: it leads to a {type(proven).__name__}")
    return proven
