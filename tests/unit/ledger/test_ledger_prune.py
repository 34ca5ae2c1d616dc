"""A node that keeps no archive lets go of old bodies, and what is left is whole, provable, served and verified."""

from __future__ import annotations

import pytest

from consortium.core.machine import Apply, Stable
from consortium.core.proven import ProofError, verify_state_proof
from consortium.core.transaction import Bundles
from consortium.ledger.chain import Ledger
from consortium.ledger.proofs import prove_receipt, prove_state
from consortium.ledger.prune import BODIES, bodies_above, prune, pruned_height
from consortium.ledger.rows import TABLES, Damaged, DictRows, height_key, receipt_key
from consortium.ledger.verify import Fault, verify_ledger
from tests.unit.ledger.ledger_kit import CONTRACTS, NOW, PROTOCOL, SUITE, Chain

KEPT = 20


def pruned_chain(blocks: int = 60) -> Chain:
    """Of so many blocks, each fourth sealed; the bodies of the last twenty or so are there."""
    chain = Chain()
    chain.ledger._keep_blocks = KEPT
    for _ in range(blocks // 4):
        chain.grow(4)
        chain.ledger.step(NOW, Stable(chain.ledger.head_height, chain.seal()))
    return chain


def verify(chain: Chain, rows: DictRows | None = None) -> object:
    return verify_ledger(chain.genesis, rows or chain.rows, CONTRACTS, PROTOCOL)


def test_old_bodies_go_a_few_at_a_time_and_headers_seals_and_state_stay() -> None:
    chain = pruned_chain()
    above = pruned_height(chain.rows)
    assert 60 - KEPT - 16 < above <= 60 - KEPT and bodies_above(chain.rows) == above
    for table in BODIES:
        keys = {int.from_bytes(key[:8], "big") for key, _ in chain.rows.all(table)}
        assert keys == set(range(above + 1, 61)), table
    assert len(list(chain.rows.all("block"))) == 61 and len(list(chain.rows.all("seal"))) == 15
    assert prune(chain.rows, KEPT, 60) == (), "not for a few blocks"


def test_what_is_left_is_sound_and_is_said_to_be_no_archive() -> None:
    chain = pruned_chain()
    found = verify_ledger(chain.genesis, chain.rows, CONTRACTS, PROTOCOL)
    assert (found.height, found.pruned_height, found.sealed_height) == (60, pruned_height(chain.rows), 60)
    archive = Chain()
    archive.grow(60)
    assert verify_ledger(archive.genesis, archive.rows, CONTRACTS, PROTOCOL).pruned_height == 0
    assert found.header_digest == archive.ledger.head_digest, "the same chain"


def test_it_boots_goes_on_and_tells_the_blocks_that_it_holds() -> None:
    chain = pruned_chain()
    again = Ledger(chain.genesis, chain.rows, CONTRACTS, Bundles(chain.genesis.chain, SUITE), chain.epochs)
    again.boot()
    above = pruned_height(chain.rows)
    assert again.told_above == above and [past.height for past in again.history()] == list(range(above + 1, 61))
    assert again.receipted(above) is None
    chain.rows.stage([("batch", height_key(above + 3), None)])
    with pytest.raises(Damaged, match="is missing"):
        again.receipted(above + 3)


def test_the_state_is_proven_and_what_is_gone_is_asked_of_an_archive() -> None:
    chain = pruned_chain()
    proof = prove_state(chain.ledger, chain.rows, "tally", "common")
    assert verify_state_proof(chain.genesis, proof).value is not None
    assert prove_receipt(chain.rows, 59, 0)
    with pytest.raises(ProofError, match="an archive"):
        prove_receipt(chain.rows, 3, 0)


def test_an_archive_keeps_all() -> None:
    chain = Chain()
    chain.grow(60)
    effects = chain.ledger.step(NOW, Stable(60, chain.seal()))
    assert effects == [] and pruned_height(chain.rows) == 0


def test_letting_go_is_one_transaction_with_the_word_for_it() -> None:
    chain = Chain()
    chain.ledger._keep_blocks = KEPT
    chain.grow(60)
    (apply,) = chain.ledger.step(NOW, Stable(60, chain.seal()))
    assert isinstance(apply, Apply)
    assert apply.rows[-1] == ("meta", b"pruned", height_key(40))
    assert all(value is None for table, _, value in apply.rows if table != "meta")


@pytest.mark.parametrize(
    ("table", "key", "record"),
    [
        ("block", height_key(5), "block"),
        ("block", height_key(58), "b"),
        ("batch", height_key(58), "batch"),
        ("certificate", height_key(58), "certificate"),
        ("receipt", receipt_key(58, 1), "receipt"),
        ("seal", height_key(8), "seal"),
        ("state", b"tally\x00common", "state"),
        ("meta", b"pruned", ""),
        ("meta", b"seals", "meta seals"),
        ("epoch", height_key(0), ""),
    ],
)
def test_each_thing_that_is_left_is_held_against_something(table: str, key: bytes, record: str) -> None:
    chain = pruned_chain()
    for bent in (_flipped(chain.rows.get(table, key)), None):
        rows = chain.rows.copy()
        rows.stage([(table, key, bent)])
        with pytest.raises((Fault, Damaged)) as found:
            verify(chain, rows)
        if bent is not None and isinstance(found.value, Fault):
            assert found.value.record.startswith(record)
    verify(chain)


def _flipped(value: bytes | None) -> bytes:
    assert value is not None
    return value[:-1] + bytes([value[-1] ^ 1])


@pytest.mark.parametrize(
    "row",
    [
        ("batch", height_key(4), b""),
        ("receipt", receipt_key(58, 7), b"x"),
        ("receipt", receipt_key(61, 0), b"x"),
        ("block", height_key(58) + b"\x00", b"x"),
        ("seal", b"\xff" * 8, b"x"),
        ("base", b"statex", b"x"),
        ("meta", b"more", b"x"),
        ("state", b"tally\x00more", b"x"),
        ("epoch", height_key(9), b"x"),
        *((table, b"\xff" * 65, b"x") for table in TABLES),  # above the key that stands for the end
    ],
)
def test_nothing_more_may_lie_there(row: tuple[str, bytes, bytes]) -> None:
    chain = pruned_chain()
    chain.rows.stage([row])
    with pytest.raises((Fault, Damaged)):
        verify(chain)
