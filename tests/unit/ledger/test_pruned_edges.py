"""What a pruned ledger is held against, one condition at a time: pieces that are sound, and not of their place."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from consortium.core.codec import encode
from consortium.core.header import decode_header, header_bytes_digest
from consortium.core.machine import Decide, Stable
from consortium.core.seals import Checkpoint
from consortium.core.transaction import batch_digest, decode_batch, encode_batch
from consortium.ledger.prune import AT_ONCE_MAX, AT_ONCE_MIN, bodies_above, prune, pruned_height
from consortium.ledger.rows import height_key
from consortium.ledger.snapshot import link, make_base
from consortium.ledger.verify import Fault, Verified, verify_ledger
from tests.unit.ledger.ledger_kit import CONTRACTS, NAMES, NOW, PROTOCOL, Ballot, Chain, certify
from tests.unit.ledger.test_ledger_prune import KEPT, pruned_chain, verify
from tests.unit.ledger.test_revoked_keys import EVERY, Governed, rekey

LAST = 60  # a height that the chains below end at, sealed


def fault(chain: Chain, *rows: tuple[str, bytes, bytes | None]) -> tuple[int, str, str]:
    """The first fault once these rows lie there."""
    copy = chain.rows.copy()
    copy.stage(list(rows))
    with pytest.raises(Fault) as found:
        verify(chain, copy)
    return found.value.height, found.value.record, found.value.why


# --- letting go -------------------------------------------------------------------------------------------------------


def test_bodies_go_when_enough_can_go_and_not_all_at_once() -> None:
    chain = Chain()
    chain.grow(KEPT + AT_ONCE_MAX + 10)

    def gone(sealed: int) -> int:
        rows = prune(chain.rows, KEPT, sealed)
        return len({key for table, key, value in rows if (table, value) == ("batch", None) and key > height_key(0)})

    assert gone(KEPT + AT_ONCE_MIN - 1) == 0 and gone(KEPT + AT_ONCE_MIN) == AT_ONCE_MIN
    assert gone(KEPT + AT_ONCE_MAX) == gone(KEPT + AT_ONCE_MAX + 10) == AT_ONCE_MAX


# --- blocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", [8, 56])
def test_a_sound_seal_of_another_height_or_over_another_header_is_none_here(at: int) -> None:
    chain = pruned_chain()
    moved = chain.rows.get("seal", height_key(at + 4))
    forked = encode(certify(chain.genesis, Checkpoint(at, b"d" * 32)))
    for seal in (moved, forked):
        assert fault(chain, ("seal", height_key(at), seal)) == (at, "seal", "over another header")


def test_a_sound_batch_with_the_same_transactions_is_not_the_one_that_was_decided() -> None:
    """Chain time does not tell: it was that of the block before."""
    chain = pruned_chain()
    chain.decide(chain.add("ada", "common", 1), time_us=1)
    stored = decode_batch(chain.rows.get("batch", height_key(LAST + 1)) or b"")
    other = encode_batch(2, stored.bundles)
    assert fault(chain, ("batch", height_key(LAST + 1), other)) == (
        LAST + 1,
        "batch",
        "not the one that the header names",
    )


@pytest.mark.parametrize("change", ["transactions", "time_us"])
def test_a_header_that_names_other_transactions_or_another_time_is_not_of_its_batch(change: str) -> None:
    """Of the last block, whose header no later one names and no seal proves yet."""
    chain = pruned_chain()
    chain.decide(chain.add("ada", "common", 1))
    header = decode_header(chain.rows.get("block", height_key(LAST + 1)) or b"")
    other: Any = {"transactions": b"d" * 32, "time_us": header.time_us + 1}[change]
    bent = encode(msgspec.structs.replace(header, **{change: other}))
    head = ("meta", b"head", height_key(LAST + 1) + header_bytes_digest(bent))
    assert fault(chain, ("block", height_key(LAST + 1), bent), head) == (
        LAST + 1,
        "batch",
        "the header names other transactions, or another time",
    )


def test_a_certificate_of_too_few_decides_nothing() -> None:
    chain = pruned_chain()
    digest = batch_digest(chain.rows.get("batch", height_key(58)) or b"")
    few = encode(certify(chain.genesis, Ballot(58, digest), NAMES[:2]))
    height, record, _ = fault(chain, ("certificate", height_key(58), few))
    assert (height, record) == (58, "certificate")


def test_a_ledger_that_ends_below_what_it_must_reach_is_refused() -> None:
    chain = pruned_chain()
    assert verify_ledger(chain.genesis, chain.rows, CONTRACTS, PROTOCOL, LAST).height == LAST
    with pytest.raises(Fault, match=f"below height {LAST + 1}"):
        verify_ledger(chain.genesis, chain.rows, CONTRACTS, PROTOCOL, LAST + 1)


# --- members ----------------------------------------------------------------------------------------------------------


def two_epochs() -> Governed:
    """The members change a key of bob in the second block; the bodies of both blocks are gone."""
    chain = Governed()
    chain.ledger._keep_blocks = KEPT
    chain.decide(chain.add("bob", "x", 1))
    chain.pass_(rekey())
    while chain.ledger.head_height < LAST:
        decided = chain.decision(chain.add("ada", "y", 1))
        epoch = chain.epochs.at(decided.height).number
        ballot = Ballot(decided.height, batch_digest(decided.batch or b""))
        chain.ledger.step(NOW, Decide(decided.height, decided.batch, certify(chain.genesis, ballot, epoch=epoch)))
        if chain.ledger.head_height % 4 == 0:
            chain.ledger.step(NOW, Stable(chain.ledger.head_height, chain.seal()))
    return chain


def test_the_members_are_followed_from_the_genesis_also_where_the_votes_for_them_are_gone() -> None:
    chain = two_epochs()
    first = chain.epochs.newest.first_height
    assert chain.epochs.newest.number == 1 and 2 < first <= pruned_height(chain.rows)
    assert verify_ledger(chain.genesis, chain.rows, EVERY, PROTOCOL).height == LAST
    rows = chain.rows.copy()
    rows.stage([("seal", height_key(first - 1), None)])
    with pytest.raises(Fault, match="missing: of the last block before an epoch"):
        verify_ledger(chain.genesis, rows, EVERY, PROTOCOL)
    few = encode(certify(chain.genesis, Checkpoint(first - 1, _digest(chain, first - 1)), NAMES[:2]))
    rows.stage([("seal", height_key(first - 1), few)])
    with pytest.raises(Fault) as found:
        verify_ledger(chain.genesis, rows, EVERY, PROTOCOL)
    assert found.value.record == "epoch"


def _digest(chain: Chain, height: int) -> bytes:
    return header_bytes_digest(chain.rows.get("block", height_key(height)) or b"")


# --- a base -----------------------------------------------------------------------------------------------------------


def begun_with_a_snapshot() -> Chain:
    """Of height 10, proven by the seal of height 12."""
    source = Chain()
    source.grow(10)
    state = list(source.rows.range("state", b"", b"\xff"))
    head = source.ledger.head
    source.grow(2)
    linked = link(source.rows, 10, 12)
    assert linked is not None and len(linked.headers) == 3
    chain = Chain(source.genesis)
    chain.ledger.install(make_base(head, linked, state))
    chain.numbers = dict(source.numbers)
    chain.ledger._keep_blocks = KEPT
    for height in (11, 12):
        batch = source.rows.get("batch", height_key(height)) or b""
        chain.ledger.step(NOW, Decide(height, batch, certify(chain.genesis, Ballot(height, batch_digest(batch)))))
    chain.ledger.step(NOW, Stable(12, chain.seal()))
    return chain


def grown(chain: Chain) -> Chain:
    while chain.ledger.head_height < LAST:
        chain.grow(4)
        chain.ledger.step(NOW, Stable(chain.ledger.head_height, chain.seal()))
    return chain


def test_the_state_that_a_ledger_began_with_goes_with_its_old_bodies_and_the_proof_of_it_stays() -> None:
    chain = begun_with_a_snapshot()

    def base() -> set[bytes]:
        return {key for key, _ in chain.rows.all("base")}

    before = base()
    assert any(key.startswith(b"state") for key in before) and bodies_above(chain.rows) == 10
    grown(chain)
    assert pruned_height(chain.rows) > 12
    assert base() == {key for key in before if not key.startswith(b"state")} != set()
    found: Verified = verify_ledger(chain.genesis, chain.rows, CONTRACTS, PROTOCOL)
    assert (found.first_height, found.height) == (10, LAST)


@pytest.mark.parametrize("height", [height_key(9), None])
def test_the_height_of_a_base_is_that_of_its_header(height: bytes | None) -> None:
    chain = grown(begun_with_a_snapshot())
    rows = chain.rows.copy()
    rows.stage([("base", b"height", height)])
    with pytest.raises(Fault, match="base"):
        verify(chain, rows)


@pytest.mark.parametrize("key", [b"header" + height_key(11), b"header" + height_key(12), b"seal"])
def test_each_row_of_the_proof_of_a_base_is_needed(key: bytes) -> None:
    chain = grown(begun_with_a_snapshot())
    assert chain.rows.get("base", key) is not None
    rows = chain.rows.copy()
    rows.stage([("base", key, None)])
    with pytest.raises(Fault):
        verify(chain, rows)
