"""A proof carried away convinces with the genesis alone, and nothing but the truth can be proven."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from consortium.core.codec import encode
from consortium.core.proven import (
    ProofError,
    ReceiptProof,
    TransactionProof,
    verify_receipt_proof,
    verify_state_proof,
    verify_transaction_proof,
)
from consortium.core.transaction import decode_call
from consortium.ledger.proofs import (
    complete_state_proof,
    prove_receipt,
    prove_state,
    prove_transaction,
    take_state_evidence,
)
from consortium.ledger.rows import Damaged, height_key, receipt_key
from tests.unit.ledger.ledger_kit import Add, Chain, Tally, make_genesis


@pytest.fixture(scope="module")
def chain() -> Chain:
    chain = Chain()
    chain.grow(3)
    transactions = [chain.transaction("bob", "add", Add("claim", amount)) for amount in range(7)]
    chain.decide(chain.bundle("bob", *transactions), chain.add("cyd", "claim", -1000))
    chain.grow(4)
    return chain


def test_one_transaction_is_proven_without_the_others(chain: Chain) -> None:
    for index in range(7):
        proof = prove_transaction(chain.genesis, chain.rows, 4, index)
        proven = verify_transaction_proof(chain.genesis, proof)
        assert (proven.header.height, proven.member) == (4, "bob")
        assert bytes(decode_call(proven.transaction).arguments) == encode(Add("claim", index))
        assert len(proof) < 4_000


def test_a_receipt_is_proven_also_a_refusal(chain: Chain) -> None:
    proven = verify_receipt_proof(chain.genesis, prove_receipt(chain.rows, 4, 7))
    assert proven.receipt.code == "below-zero"
    identity = verify_transaction_proof(chain.genesis, prove_transaction(chain.genesis, chain.rows, 4, 7)).identity
    assert proven.receipt.transaction == identity


def test_a_value_and_an_absence_are_proven(chain: Chain) -> None:
    present = verify_state_proof(chain.genesis, prove_state(chain.ledger, chain.rows, "tally", "claim"))
    assert present.value == encode(Tally(21)) and (present.table, present.key) == ("tally", "claim")
    absent = verify_state_proof(chain.genesis, prove_state(chain.ledger, chain.rows, "tally", "nobody"))
    assert absent.value is None and absent.header == chain.ledger.head


def test_what_is_not_sealed_yet_is_proven_later() -> None:
    chain = Chain()
    chain.grow(5)
    evidence = take_state_evidence(chain.ledger, chain.rows, "tally", "common")
    with pytest.raises(ProofError, match="no seal stands"):
        complete_state_proof(chain.rows, evidence)
    with pytest.raises(ProofError, match="no seal stands"):
        prove_receipt(chain.rows, 5, 0)
    chain.grow(3)
    proven = verify_state_proof(chain.genesis, complete_state_proof(chain.rows, evidence))
    assert proven.header.height == 5 and proven.value == encode(Tally(5))


def test_another_genesis_is_not_convinced(chain: Chain) -> None:
    proof = prove_transaction(chain.genesis, chain.rows, 4, 0)
    with pytest.raises(ProofError, match="not sealed by the members"):
        verify_transaction_proof(make_genesis(idle_seal_us=5), proof)


def test_what_does_not_exist_has_no_proof(chain: Chain) -> None:
    for height, index in ((4, 8), (4, -1), (99, 0), (0, 0)):
        with pytest.raises(ProofError):
            prove_transaction(chain.genesis, chain.rows, height, index)
    with pytest.raises(ProofError):
        prove_receipt(chain.rows, 4, 8)


@pytest.mark.parametrize("index", range(8))
def test_index_and_size_within_a_proof_cannot_be_rewritten(chain: Chain, index: int) -> None:
    """Regression (hostile suite, finding 11): "0 of 8" verified as "0 of 5"."""
    made = (
        (prove_transaction(chain.genesis, chain.rows, 4, index), TransactionProof, verify_transaction_proof),
        (prove_receipt(chain.rows, 4, index), ReceiptProof, verify_receipt_proof),
    )
    for proof, kind, verify in made:
        value: Any = msgspec.msgpack.decode(proof, type=kind)
        assert (value.index, value.size) == (index, 8)
        for place in [(other, size) for size in range(1, 20) for other in range(size)]:
            changed = encode(msgspec.structs.replace(value, index=place[0], size=place[1]))
            if place == (index, 8):
                verify(chain.genesis, changed)
                continue
            with pytest.raises(ProofError, match="does not lie under"):
                verify(chain.genesis, changed)


def test_a_proof_out_of_damaged_rows_is_not_made(chain: Chain) -> None:
    """It would convince nobody, and its giver would be taken for a liar."""
    receipt, earlier = chain.rows.get("receipt", receipt_key(4, 2)), chain.rows.get("batch", height_key(3))
    assert receipt is not None
    for table, key, value in (
        ("receipt", receipt_key(4, 2), receipt[:-1] + bytes([receipt[-1] ^ 1])),
        ("batch", height_key(4), earlier),
        ("batch", height_key(4), b"\xc1"),
        ("seal", height_key(4), b"\xc1"),
        ("block", height_key(4), b"\xc1"),
    ):
        rows = chain.rows.copy()
        rows.stage([(table, key, value)])
        with pytest.raises(Damaged):
            prove_transaction(chain.genesis, rows, 4, 0)
            prove_receipt(rows, 4, 0)
    evidence = take_state_evidence(chain.ledger, chain.rows, "tally", "claim")
    with pytest.raises(Damaged):
        complete_state_proof(chain.rows, evidence._replace(value=encode(Tally(22))))


def test_no_changed_byte_goes_unnoticed(chain: Chain) -> None:
    made = (
        (prove_transaction(chain.genesis, chain.rows, 4, 3), verify_transaction_proof),
        (prove_receipt(chain.rows, 4, 3), verify_receipt_proof),
        (prove_state(chain.ledger, chain.rows, "tally", "claim"), verify_state_proof),
        (prove_state(chain.ledger, chain.rows, "tally", "nobody"), verify_state_proof),
    )
    chance = random.Random(1)
    for proof, verify in made:
        verify(chain.genesis, proof)
        for _ in range(80):
            at = chance.randrange(len(proof))
            changed = bytearray(proof)
            changed[at] ^= chance.randrange(1, 256)
            with pytest.raises(ProofError):
                verify(chain.genesis, bytes(changed))
