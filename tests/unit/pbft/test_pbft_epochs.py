"""Epochs in PBFT: heights are filled for a change of members alone, and nothing is voted before its epoch has begun."""

from typing import Any

import pytest

from consortium.core.crypto import KeyedHash
from consortium.core.machine import Executed, Received, Submit
from consortium.core.membership import Epoch, Member
from consortium.core.messages import Message, Signed
from consortium.core.transaction import batch_digest, encode_batch
from consortium.protocols.pbft.messages import Commit, Prepare, PrePrepare, Recall, Recalled, Suspect, ViewChange
from tests.pbft_bench import Bench
from tests.pbft_network import PARAMETERS, WALL_US, secret

EMPTY = encode_batch(WALL_US + 1_000, ())
DIGEST = batch_digest(EMPTY)
SUITE = KeyedHash()


def grown(bench: Bench, first_height: int, names: tuple[str, ...] = ("n0", "n1", "n2", "n3", "n4")) -> Epoch:
    """The next epoch, known from now on."""
    members = tuple(Member(name, "x", "validator", {"vote": SUITE.public_key(secret(name))}) for name in names)
    epoch = Epoch(1, first_height, members)
    bench.epochs.add(epoch)
    return epoch


def hear_in(bench: Bench, epoch: int, name: str, message: Message, attachment: bytes = b"") -> list[Any]:
    body = bench.verifier.codec.statement(epoch, message)
    signed = Signed(name, body, SUITE.sign(secret(name), body))
    return bench.do(Received(name, message, signed, epoch, attachment))


def test_an_empty_batch_is_refused_where_no_change_of_members_waits() -> None:
    bench = Bench()
    bench.hear("n0", PrePrepare(0, 1, DIGEST), EMPTY)
    assert bench.said(Prepare) == [] and bench.whys() == ["an empty batch, and nothing waits for it"]


def test_an_empty_batch_is_voted_for_where_one_waits_and_no_further() -> None:
    bench = Bench()
    bench.epochs.reach = 1
    bench.hear("n0", PrePrepare(0, 1, DIGEST), EMPTY)
    assert bench.said(Prepare) == [Prepare(0, 1, DIGEST)]
    bench.do(Executed(1, b"h" * 32, bench.epoch))
    bench.hear("n0", PrePrepare(0, 2, DIGEST), EMPTY)
    assert len(bench.said(Prepare)) == 1 and bench.whys()


def test_who_has_not_executed_what_decides_it_waits_with_its_judgement() -> None:
    """The leader may know of a change that we have yet to execute: neither a vote nor a refusal for good."""
    bench = Bench()
    bench.hear("n0", PrePrepare(0, 3, DIGEST), EMPTY)
    assert bench.said(Prepare) == [] and bench.whys() == []
    bench.epochs.reach = 8
    bench.do(Executed(1, b"h" * 32, bench.epoch))
    assert bench.said(Prepare) == [Prepare(0, 3, DIGEST)]


def test_a_leader_fills_the_heights_that_a_change_waits_for_and_stops_there() -> None:
    bench = Bench(me="n0")
    bench.epochs.reach = 2
    bench.do(Executed(1, b"h" * 32, bench.epoch))
    assert [order.height for order in bench.said(PrePrepare)] == [2]


def test_a_leader_that_does_not_fill_is_suspected() -> None:
    bench = Bench()
    bench.epochs.reach = 4
    bench.do(Executed(1, b"h" * 32, bench.epoch))
    bench.expire("progress", after_us=PARAMETERS.timer_base_us)
    assert bench.said(Suspect) == [Suspect(0)]


def test_nothing_of_an_epoch_is_voted_or_suspected_before_the_last_block_before_it_is_sealed() -> None:
    bench = Bench(head=7, stable=4)
    grown(bench, 9)
    bench.do(Executed(8, b"h" * 32, bench.epochs.newest))
    raw, digest = bench.batch()
    hear_in(bench, 1, "n0", PrePrepare(0, 9, digest), raw)
    for name in ("n2", "n3", "n4"):
        hear_in(bench, 1, name, Prepare(0, 9, digest))
        hear_in(bench, 1, name, Commit(0, 9, digest))
    bench.pool.add(bench.now, b"waits")
    bench.expire("progress", after_us=9 * PARAMETERS.timer_base_us)
    assert bench.said(Prepare) == bench.said(ViewChange) == []
    assert bench.replica.state.decided == 8, "a decision of the new members must wait, too"
    bench.stabilise(8)
    assert bench.said(Prepare) == [Prepare(0, 9, digest)]


def test_votes_of_the_next_epoch_that_come_early_are_heard_when_it_is_entered() -> None:
    bench = Bench(head=7, stable=4)
    grown(bench, 9)
    raw, digest = bench.batch()
    hear_in(bench, 1, "n0", PrePrepare(0, 9, digest), raw)
    hear_in(bench, 1, "n4", Prepare(0, 9, digest))
    assert bench.whys() == []
    bench.do(Executed(8, b"h" * 32, bench.epochs.newest))
    bench.stabilise(8)
    assert bench.said(Prepare) == [Prepare(0, 9, digest)]


def test_votes_of_the_epoch_before_count_no_more() -> None:
    bench = Bench(head=7, stable=4)
    grown(bench, 9)
    bench.do(Executed(8, b"h" * 32, bench.epochs.newest))
    bench.stabilise(8)
    raw, digest = bench.batch()
    hear_in(bench, 0, "n0", PrePrepare(0, 9, digest), raw)
    assert bench.said(Prepare) == []


@pytest.mark.parametrize(("named", "votes"), [(7, True), (8, False)])
def test_a_member_with_a_new_voting_key_votes_again_in_its_epoch_if_nobody_had_signed_so_high(
    named: int, votes: bool
) -> None:
    """The epoch begins at 9. Had anybody signed for height 8 before n1 asked, n1 may have signed in that epoch, too."""
    bench = Bench(head=7, stable=4, is_recalled=False)
    nonce = bench.said(Recall)[-1].nonce
    shown = bench.sign("n1", Prepare(3, 9, b"z" * 32))
    bench.hear("n2", Recalled("n1", nonce, (shown,), None, None))
    assert bench.noted("observing")
    for name in ("n0", "n2", "n3"):
        bench.hear(name, Recalled("n1", nonce, (), None, named))
    names = ("n0", "n1", "n2", "n3")
    members = [Member(name, "x", "validator", {"vote": SUITE.public_key(secret(name))}) for name in names]
    members[1] = Member("n1", "x", "validator", {"vote": SUITE.public_key(secret("n1 new"))})
    bench.epochs.add(Epoch(1, 9, tuple(members)))
    bench.do(Executed(8, b"h" * 32, bench.epochs.newest))
    bench.stabilise(8)
    nonce = bench.said(Recall)[-1].nonce
    raw, digest = bench.batch()
    hear_in(bench, 1, "n0", PrePrepare(0, 9, digest), raw)
    assert bench.said(Prepare) == []
    hear_in(bench, 1, "n2", Recalled("n1", nonce, (shown,), None, None))
    hear_in(bench, 1, "n3", Recalled("n1", nonce, (), None, None))
    assert bench.said(Prepare) == [Prepare(0, 9, digest)][:votes]


def test_a_vote_of_ours_in_an_epoch_that_we_do_not_know_shows_that_our_disk_is_old() -> None:
    bench = Bench(is_recalled=False)
    nonce = bench.said(Recall)[-1].nonce
    body = bench.verifier.codec.statement(7, Prepare(0, 900, b"z" * 32))
    later = Signed("n1", body, SUITE.sign(secret("n1"), body))
    forged = Signed("n1", body, SUITE.sign(secret("n2"), body))
    bench.hear("n2", Recalled("n1", nonce, (forged,), None, None))
    assert bench.noted("observing") == []
    bench.hear("n3", Recalled("n1", nonce, (later,), None, None))
    assert bench.noted("observing")


def test_two_orders_of_a_leader_become_a_wish_for_the_ledger_once() -> None:
    bench = Bench()
    for height in (1, 2):
        for bundle in (b"one", b"two"):
            raw, digest = bench.batch(bundle)
            bench.hear("n0", PrePrepare(0, height, digest), raw)
    wishes = bench.effects(Submit)
    assert [wish.reference for wish in wishes] == ["evidence:n0/0/0/1"]
