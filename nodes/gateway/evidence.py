"""What convinces a client of an outcome, with nothing but its genesis file: the gateway is believed nothing.

Before a seal stands, these are the header and f+1 members' signatures over it, with the receipt's path to the header's
root; afterwards the receipt's proof under the seal. Either way the receipt names a transaction by its id, and whoever
has the transaction's bytes sees that they are what it asked for.
"""

from __future__ import annotations

from typing import Any

from consortium.core import merkle
from consortium.core.codec import Malformed
from consortium.core.crypto import SUITES
from consortium.core.header import decode_header
from consortium.core.proven import ProofError
from consortium.core.transaction import Bundles, decode_batch
from consortium.ledger.proofs import prove_members, prove_receipt
from consortium.ledger.rows import Damaged, height_key
from nodes.gateway.errors import Problem
from nodes.gateway.feed import receipts_of
from nodes.gateway.gateway import Gateway
from nodes.gateway.index import Place
from nodes.gateway.proofs import base64_text
from nodes.gateway.reading import Moment
from nodes.gateway.waiting import InFlight


async def with_evidence(gateway: Gateway, flight: InFlight, told: dict[str, Any]) -> dict[str, Any]:
    """What is told of a transaction that was executed, with its evidence, and no more than that shows. Raises Problem
    503."""
    evidence = await _evidence(gateway, flight)
    signers = sorted(evidence["acknowledged"]["replies"]) if "acknowledged" in evidence else []
    return {**told, "acknowledged_by": signers, "is_sealed": "proof" in evidence, "evidence": evidence}


async def _evidence(gateway: Gateway, flight: InFlight) -> dict[str, Any]:
    assert flight.outcome is not None
    place = Place(flight.outcome.height, flight.outcome.number)
    replies = flight.replies

    def take(moment: Moment) -> dict[str, Any]:
        if place.height > moment.sealed:
            return {**_said(moment, place), "acknowledged": _acknowledged(moment, place, replies)}
        proof = prove_receipt(moment.rows, place.height, place.number)
        return {**_said(moment, place), "proof": base64_text(proof)}

    try:
        return await gateway.readers.answer(take)
    except ProofError as error:
        raise Problem(503, "no-proof", str(error), retry_after_s=2) from None


def _said(moment: Moment, place: Place) -> dict[str, Any]:
    """Who said it, and its bytes."""
    bundles = Bundles(moment.genesis.chain, SUITES[moment.genesis.suite](), remember_max=0)
    at = place.number
    try:
        for raw in decode_batch(moment.rows.get("batch", height_key(place.height)) or b"").bundles:
            opened = bundles.decode(raw)
            if at < len(opened.transactions):
                return {"member": opened.member, "transaction": base64_text(opened.transactions[at])}
            at -= len(opened.transactions)
    except Malformed as error:
        raise Damaged(f"the batch of height {place.height} cannot be read: {error}") from None
    raise ProofError(f"this node does not hold the transactions of height {place.height} any more")


def _acknowledged(moment: Moment, place: Place, replies: dict[str, bytes]) -> dict[str, Any]:
    if not replies:
        raise ProofError("nobody has acknowledged it here yet: ask again")
    header, receipts = moment.rows.get("block", height_key(place.height)) or b"", receipts_of(moment, place.height)
    number = decode_header(header).epoch
    told = {
        "header": base64_text(header),
        "replies": {name: base64_text(signature) for name, signature in sorted(replies.items())},
        "receipt": base64_text(receipts[place.number]),
        "index": place.number,
        "size": len(receipts),
        "path": [base64_text(each) for each in merkle.path(receipts, place.number)],
    }
    return {**told, "epochs": base64_text(prove_members(moment.rows, number))} if number else told
