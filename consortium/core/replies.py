"""Acknowledged: f+1 members say that they executed the same block, so at least one honest one did.

A seal says as much with a quorum, and later: members sign checkpoints, not blocks. Who asked for something wants to
know after milliseconds that not one lying node alone has told it so. A reply is no vote: nothing is decided by it, and
who signs two for one height has a broken disk, or another version of a rule, rather than a plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from consortium.core import merkle
from consortium.core.codec import Decoder, Digest, Malformed
from consortium.core.contract import Receipt
from consortium.core.crypto import KEY_BYTES, SUITES
from consortium.core.header import Header, decode_header, header_bytes_digest
from consortium.core.messages import Message, statement
from consortium.core.proven import PROOF_BYTES_MAX, Anchor, ProofError

_RECEIPT: Decoder[Receipt] = Decoder(Receipt, PROOF_BYTES_MAX)


class Reply(Message, frozen=True):
    """Its sender executed the block of this height, and this is the digest of its header."""

    height: int
    header_digest: Digest


class Acknowledged(NamedTuple):
    """A header, and the validators whose signatures over it hold: f+1 or more."""

    header: Header
    by: tuple[str, ...]


def verify_acknowledged(anchor: Anchor, header: bytes, replies: Mapping[str, bytes]) -> Acknowledged:
    """The header, if f+1 validators of its epoch have signed replies over it; `replies`: their signatures, by name.
    `anchor`: of the epoch of the header (`Epochs.at(height)`). A signature that does not hold counts for nothing.
    Raises ProofError."""
    try:
        found = decode_header(header)
    except Malformed as error:
        raise ProofError(f"no header: {error}") from None
    epoch = anchor.epoch
    if found.chain != anchor.chain:
        raise ProofError("the header is of another chain")
    if found.epoch != epoch.number:
        raise ProofError(f"the header is of epoch {found.epoch}; its members are not those of epoch {epoch.number}")
    suite = SUITES[anchor.suite]()
    said = statement(anchor.chain, anchor.suite, epoch.number, Reply(found.height, header_bytes_digest(header)))
    signers: list[str] = []
    for name in sorted(replies)[: epoch.n]:
        key, signature = epoch.key(name, "vote"), replies[name]
        if key is None or not epoch.is_validator(name):
            continue
        if len(key) == KEY_BYTES and len(signature) == suite.signature_bytes and suite.verify(key, said, signature):
            signers.append(name)
    if len(signers) < epoch.weak:
        raise ProofError(f"{len(signers)} members have acknowledged this block; {epoch.weak} are needed")
    return Acknowledged(found, tuple(signers))


def verify_acknowledged_receipt(
    anchor: Anchor,
    header: bytes,
    replies: Mapping[str, bytes],
    receipt: bytes,
    index: int,
    size: int,
    path: Sequence[bytes],
) -> tuple[Acknowledged, Receipt]:
    """Likewise, and the receipt that is number `index` of `size` in its block. Raises ProofError."""
    found = verify_acknowledged(anchor, header, replies)
    if not merkle.is_committed(receipt, index, size, tuple(path), found.header.receipts):
        raise ProofError("the receipt does not lie under the header's root")
    try:
        return found, _RECEIPT.decode_canonical(receipt)
    except Malformed as error:
        raise ProofError(f"no receipt: {error}") from None
