"""Rules of PBFT that have two conditions, each condition alone: n=4, quorum 3, n1 leads views 1 and 5."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from consortium.core.machine import Available, Executed
from consortium.protocols.pbft.messages import (
    Body,
    Commit,
    FetchBody,
    NewView,
    Prepare,
    PrePrepare,
    Suspect,
    ViewChange,
)
from tests.pbft_bench import Bench
from tests.pbft_network import PARAMETERS
from tests.unit.pbft.test_pbft_epochs import grown, hear_in

A = b"a" * 32


def test_the_batch_behind_our_own_prepared_certificate_is_kept_while_another_is_ordered() -> None:
    """A later view may fall back on our certificate, and then on us to tell what was in it."""
    bench = Bench(me="n3")
    raw, digest = bench.batch(b"first")
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    for name in ("n1", "n2"):
        bench.hear(name, Prepare(0, 1, digest))
    assert bench.said(Commit) == [Commit(0, 1, digest)], "so it is prepared here"
    bench.hear("n2", bench.new_view(2, dict.fromkeys(("n0", "n1", "n2"), bench.view_change(2))))
    other, other_digest = bench.batch(b"second")
    bench.hear("n2", PrePrepare(2, 1, other_digest), other)
    assert bench.said(Prepare)[-1] == Prepare(2, 1, other_digest), "so another one is ordered"
    effects = bench.hear("n0", FetchBody("n3", b"nonce", 1, digest))
    assert bench.said(Body, effects) == [Body("n0", b"nonce", 1, digest)]


# --- a new view is planned from what it carries ---------------------------------------------------------------------


def test_a_new_view_is_not_planned_from_view_changes_for_other_views() -> None:
    bench = Bench(me="n1")
    bench.hear("n0", bench.view_change(5, bench.prepared(0, 3, A)))
    for name in ("n2", "n3"):
        bench.hear(name, bench.view_change(1))
    (said,) = bench.said(NewView)
    assert said.orders == () and [change.sender for change in said.changes] == ["n1", "n2", "n3"]


def test_a_new_view_is_not_planned_from_view_changes_that_it_does_not_carry() -> None:
    """A leader that is recalled late holds more of them than the quorum that it puts in."""
    bench = Bench(me="n1", is_recalled=False)
    for name in ("n0", "n2"):
        bench.hear(name, bench.view_change(1))
    bench.hear("n3", bench.view_change(1, bench.prepared(0, 3, A)))
    assert bench.said(NewView) == []
    bench.recall()
    (said,) = bench.said(NewView)
    assert said.orders == () and [change.sender for change in said.changes] == ["n0", "n1", "n2"]


# --- what is ordered is in flight -----------------------------------------------------------------------------------


def test_the_bundles_of_an_order_that_we_vote_for_are_in_flight() -> None:
    bench = Bench()
    bench.pool.add(bench.now, b"waits")
    raw, digest = bench.batch(b"waits")
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    assert bench.said(Prepare) == [Prepare(0, 1, digest)] and bench.pool.waiting == 0


def _holding(me: str) -> tuple[Bench, bytes]:
    """A member that holds the batch of height 1 and whose pool holds its bundle."""
    bench = Bench(me=me)
    bench.pool.add(bench.now, b"waits")
    raw, digest = bench.batch(b"waits")
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    return bench, digest


def test_the_bundles_of_an_order_that_a_new_view_takes_over_are_in_flight() -> None:
    bench, digest = _holding("n3")
    change = bench.view_change(2, bench.prepared(0, 1, digest))
    bench.hear("n2", bench.new_view(2, dict.fromkeys(("n0", "n1", "n2"), change)))
    assert bench.replica.state.view == 2 and bench.pool.waiting == 0


def test_a_new_leader_does_not_propose_again_what_its_new_view_orders() -> None:
    bench, digest = _holding("n1")
    for name in ("n0", "n2"):
        bench.hear(name, bench.view_change(1, bench.prepared(0, 1, digest)))
    assert bench.said(PrePrepare) == [PrePrepare(1, 1, digest)] and bench.noted("proposed") == []


@pytest.mark.parametrize("me", ["n0", "n3"])
def test_what_our_log_ordered_is_in_flight_after_a_boot(me: str) -> None:
    """Else a leader that was killed orders its own batch a second time."""
    bench = Bench(me=me)
    if me == "n0":
        bench.pool.add(bench.now, b"waits")
        bench.do(Available())
    else:
        raw, digest = bench.batch(b"waits")
        bench.hear("n0", PrePrepare(0, 1, digest), raw)
    again = Bench(me=me, records=[record for record, _ in bench.records])
    again.pool.add(again.now, b"waits")
    assert again.pool.waiting == 0


# --- an epoch that has not begun ------------------------------------------------------------------------------------


def test_nobody_joins_a_view_change_of_an_epoch_before_the_last_block_before_it_is_sealed() -> None:
    bench = Bench(head=7, stable=4)
    grown(bench, 9)
    bench.do(Executed(8, b"h" * 32, bench.epochs.newest))
    for name in ("n2", "n3", "n4"):
        hear_in(bench, 1, name, bench.view_change(1, stable=8))
    assert bench.said(ViewChange) == [] == bench.said(Suspect) and bench.whys() == []
    bench.stabilise(8)
    assert [change.view for change in bench.said(ViewChange)] == [1]


def test_a_replica_works_with_the_parameters_of_the_epoch_that_it_is_in() -> None:
    bench = Bench(head=7, stable=4)
    tuned = replace(grown(Bench(), 9), tuning={"timer_base_us": 300_000})
    bench.epochs.add(tuned)
    assert bench.replica.state.parameters.timer_base_us == PARAMETERS.timer_base_us
    bench.do(Executed(8, b"h" * 32, tuned))
    assert bench.replica.state.parameters.timer_base_us == 300_000
