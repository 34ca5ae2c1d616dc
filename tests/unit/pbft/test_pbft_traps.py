"""Turns of events in which a vote would be wrong though each message alone is in order; n=4, quorum 3."""

from __future__ import annotations

from consortium.core.machine import Decide
from consortium.protocols.pbft.messages import (
    Ask,
    Body,
    Commit,
    Decision,
    FetchBody,
    Prepare,
    PrePrepare,
    ViewChange,
)
from tests.pbft_bench import Bench


def test_one_prepare_beside_the_leaders_order_prepares_nothing() -> None:
    bench = Bench()
    raw, digest = bench.batch()
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    assert bench.said(Prepare) == [Prepare(0, 1, digest)] and bench.said(Commit) == []
    bench.hear("n3", Prepare(0, 1, digest))
    assert bench.said(Commit) == [Commit(0, 1, digest)]


def test_prepares_for_another_batch_than_the_ordered_one_prepare_nothing() -> None:
    bench = Bench()
    raw, digest = bench.batch()
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    for name in ("n2", "n3"):
        bench.hear(name, Prepare(0, 1, b"o" * 32))
    assert bench.said(Commit) == [] and bench.whys() == []


def test_a_window_that_moves_makes_nothing_prepared() -> None:
    """Every height is looked at anew then, not only those that a vote has just come for."""
    bench = Bench(n=7, head=4)
    raw, digest = bench.batch()
    bench.hear("n0", PrePrepare(0, 5, digest), raw)
    for name in ("n2", "n3"):
        bench.hear(name, Prepare(0, 5, digest))
    bench.stabilise(4)
    assert bench.said(Prepare) == [Prepare(0, 5, digest)] and bench.said(Commit) == []
    bench.hear("n4", Prepare(0, 5, digest))
    assert bench.said(Commit) == [Commit(0, 5, digest)]


def test_a_certificate_of_an_earlier_view_allows_no_commit_in_the_next() -> None:
    bench = Bench()
    raw, digest = bench.batch()
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    bench.hear("n2", Prepare(0, 1, digest))
    assert bench.said(Commit) == [Commit(0, 1, digest)]
    change = bench.view_change(2, bench.prepared(0, 1, digest))
    bench.hear("n2", bench.new_view(2, dict.fromkeys(("n0", "n2", "n3"), change)))
    bench.hear("n2", PrePrepare(2, 1, digest))
    assert bench.said(Prepare)[-1] == Prepare(2, 1, digest)
    assert bench.said(Commit) == [Commit(0, 1, digest)], "prepared in view 0 is not prepared in view 2"
    bench.hear("n3", Prepare(2, 1, digest))
    assert bench.said(Commit)[-1] == Commit(2, 1, digest)


def test_nobody_votes_against_a_decision_that_it_knows_and_cannot_execute_yet() -> None:
    bench = Bench()
    _, decided = bench.batch(b"decided elsewhere")
    for name in ("n0", "n2", "n3"):
        bench.hear(name, Commit(0, 1, decided))
    raw, digest = bench.batch(b"another")
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    assert bench.said(Prepare) == [] and bench.whys() == ["conflicts with a decision"]


def test_a_batch_that_comes_after_its_view_was_left_gets_no_vote_in_it() -> None:
    """The order was accepted before, the batch was fetched meanwhile."""
    bench = Bench()
    raw, digest = bench.batch()
    bench.hear("n0", PrePrepare(0, 1, digest))
    (asked, *_) = bench.said(FetchBody)
    bench.pool.add(bench.now, b"waits")
    bench.expire("progress", after_us=1_000_000)
    bench.suspected(0, "n2", "n3")
    assert [change.view for change in bench.said(ViewChange)] == [1]
    bench.hear(asked.receiver, Body("n1", asked.nonce, 1, digest), raw)
    assert bench.said(Prepare) == []


def test_an_order_above_the_window_gets_no_vote_once_its_view_is_over() -> None:
    bench = Bench(head=4)
    raw, digest = bench.batch()
    bench.hear("n0", PrePrepare(0, 9, digest), raw)
    change = bench.view_change(2)
    bench.hear("n2", bench.new_view(2, dict.fromkeys(("n0", "n2", "n3"), change)))
    bench.stabilise(4)
    assert bench.replica.state.view == 2 and bench.said(Prepare) == []


def test_a_decision_is_executed_with_the_batch_of_its_digest_and_no_other() -> None:
    bench = Bench()
    raw, digest = bench.batch()
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    for name in ("n0", "n2", "n3"):
        bench.hear(name, Commit(0, 1, digest))
    (decision,) = bench.said(Decision, bench.hear("n3", Ask(b"q", 0, 0, 1)))
    late = Bench(me="n3")
    late.hear("n1", decision, raw + b"tampered")
    assert late.effects(Decide) == [] and late.said(FetchBody)
    late.hear("n2", decision, raw)
    assert [decide.batch for decide in late.effects(Decide)] == [raw]
