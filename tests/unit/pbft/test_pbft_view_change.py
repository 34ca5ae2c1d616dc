"""Edge cases of the view change (OSDI'99 4.4): n=4, quorum 3, n1 leads view 1, n2 leads view 2."""

from typing import Any

import pytest
from msgspec.structs import replace

from consortium.core.codec import Malformed
from consortium.core.machine import Behind, Decide
from consortium.core.messages import Certificate
from consortium.core.transaction import NULL_DIGEST
from consortium.protocols.pbft.certificates import plan
from consortium.protocols.pbft.messages import (
    Body,
    Claim,
    Commit,
    FetchBody,
    NewView,
    Prepare,
    PrePrepare,
    Suspect,
    Told,
    ViewChange,
)
from tests.pbft_bench import Bench

A, B = b"a" * 32, b"b" * 32


def _judge(bench: Bench, message: ViewChange, sender: str = "n2") -> Any:
    return bench.change(bench.sign(sender, message), message)


def test_a_valid_view_change_proves_its_claims() -> None:
    bench = Bench()
    message = bench.view_change(3, bench.prepared(1, 5, A), Claim(None, bench.committed(2, 6, B)), stable=4)
    change = _judge(bench, message)
    assert [(fact.height, fact.view, fact.digest) for fact in change.proven] == [(5, 1, A), (6, 2, B)]


def _bad_changes(bench: Bench) -> dict[str, ViewChange]:
    good = bench.prepared(1, 5, A)
    assert good.pre_prepare is not None
    prepares = bench.certificate(Prepare(1, 5, A), ["n0", "n2"])
    change = bench.view_change
    return {
        "a claim of the wanted view itself": change(1, good, stable=4),
        "a height at the stable one": change(3, bench.prepared(1, 4, A), stable=4),
        "a height above the span": change(3, bench.prepared(1, 21, A), stable=4),
        "two claims for one height": change(3, good, good, stable=4),
        "claims out of order": change(3, bench.prepared(1, 6, A), good, stable=4),
        "a stable height without its seal": ViewChange(3, 4, None, ()),
        "a seal of another height": ViewChange(3, 5, bench.seal(4), ()),
        "a seal that too few signed": ViewChange(
            3, 4, Certificate(bench.seal(4).body, bench.seal(4).signatures[:2]), ()
        ),
        "too few prepares": change(3, Claim(good.pre_prepare, bench.certificate(Prepare(1, 5, A), ["n0"])), stable=4),
        "a prepare of the leader": change(
            3, Claim(good.pre_prepare, bench.certificate(Prepare(1, 5, A), ["n0", "n1"])), stable=4
        ),
        "an order of another digest": change(3, Claim(bench.sign("n1", PrePrepare(1, 5, B)), prepares), stable=4),
        "an order of another member": change(3, Claim(bench.sign("n2", PrePrepare(1, 5, A)), prepares), stable=4),
        "an order that is none": change(3, Claim(bench.sign("n1", Prepare(1, 5, A)), prepares), stable=4),
        "too few commits": change(3, Claim(None, bench.certificate(Commit(1, 5, A), ["n0", "n1"])), stable=4),
        "prepares in the place of commits": change(
            3, Claim(None, bench.certificate(Prepare(1, 5, A), ["n0", "n1", "n2"])), stable=4
        ),
        "one signature twice": change(
            3, Claim(good.pre_prepare, Certificate(prepares.body, (prepares.signatures[0],) * 2)), stable=4
        ),
        "a forged signature": change(
            3,
            Claim(good.pre_prepare, Certificate(prepares.body, (prepares.signatures[0], ("n2", b"\x00" * 32)))),
            stable=4,
        ),
    }


@pytest.mark.parametrize("fault", list(_bad_changes(Bench())))
def test_a_poisoned_view_change_is_refused(fault: str) -> None:
    bench = Bench()
    with pytest.raises(Malformed):
        _judge(bench, _bad_changes(bench)[fault])


def test_the_plan_takes_the_highest_view_fills_gaps_and_starts_above_the_newest_seal() -> None:
    bench = Bench()
    changes = [
        _judge(bench, bench.view_change(3, bench.prepared(0, 5, A), bench.prepared(0, 7, A), stable=4), "n0"),
        _judge(bench, bench.view_change(3, bench.prepared(1, 7, B), stable=5), "n1"),
        _judge(bench, bench.view_change(3), "n2"),
    ]
    result = plan(changes)
    assert result.stable_height == 5
    assert [(height, order.digest) for height, order in result.orders.items()] == [(6, NULL_DIGEST), (7, B)]
    assert plan(changes[::-1]) == result


def _new_view(bench: Bench, view: int = 2, *claims: Claim) -> NewView:
    change = bench.view_change(view, *claims)
    return bench.new_view(view, dict.fromkeys(("n0", "n2", "n3"), change))


def test_a_backup_enters_by_a_valid_new_view_and_votes_for_its_orders_only() -> None:
    bench = Bench()
    raw, digest = bench.batch()
    bench.hear("n2", _new_view(bench, 2, bench.prepared(0, 1, digest), bench.prepared(1, 3, A)))
    assert bench.noted("new_view") == [{"view": 2, "leader": "n2"}]
    bench.hear("n2", PrePrepare(2, 1, B))
    bench.hear("n2", PrePrepare(2, 2, NULL_DIGEST))
    assert bench.said(Prepare) == [Prepare(2, 2, NULL_DIGEST)]
    bench.hear("n2", PrePrepare(2, 1, digest))
    asked = bench.said(FetchBody)
    assert asked and asked[0].digest == digest
    bench.hear("n3", Body("n1", asked[0].nonce, 1, digest), raw)
    assert bench.said(Prepare)[-1] == Prepare(2, 1, digest)


def test_an_order_of_a_new_view_is_not_judged_for_freshness() -> None:
    bench = Bench()
    raw, digest = bench.batch()
    bench.time_us += 60_000_000
    bench.hear("n2", _new_view(bench, 2, bench.prepared(0, 1, digest)))
    bench.hear("n2", PrePrepare(2, 1, digest), raw)
    assert bench.said(Prepare) == [Prepare(2, 1, digest)]


def test_a_bad_new_view_is_refused() -> None:
    bench = Bench()
    good = _new_view(bench, 2, bench.prepared(0, 1, A))
    for bad, sender in (
        (good, "n3"),
        (replace(good, changes=good.changes[:2]), "n2"),
        (replace(good, changes=(good.changes[0],) * 3), "n2"),
        (replace(good, changes=good.changes[::-1]), "n2"),
        (replace(good, orders=()), "n2"),
        (replace(good, orders=((1, B),)), "n2"),
        (replace(good, orders=(*good.orders, (2, B))), "n2"),
        (replace(good, view=6), "n2"),
        (_new_view(bench, 1), "n1x"),
    ):
        bench.hear(sender, bad)
        assert bench.replica.state.wanted == 0 and bench.noted("new_view") == []
    assert len(bench.whys()) == 9
    bench.hear("n2", good)
    assert bench.replica.state.wanted == 2


def test_no_vote_between_view_change_and_new_view() -> None:
    bench = Bench(me="n3")
    bench.pool.add(bench.now, b"waits")
    raw, digest = bench.batch()
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    bench.expire("progress", after_us=1_000_000)
    bench.suspected(0, "n1", "n2")
    assert bench.noted("view_change") == [{"view": 1, "why": "no progress"}]
    for name in ("n1", "n2"):
        bench.hear(name, Prepare(0, 1, digest))
    raw2, digest2 = bench.batch(b"second")
    bench.hear("n0", PrePrepare(0, 2, digest2), raw2)
    assert bench.said(Prepare) == [Prepare(0, 1, digest)] and bench.said(Commit) == []
    for name in ("n0", "n1", "n2"):
        bench.hear(name, Commit(0, 1, digest))
    assert [decide.height for decide in bench.effects(Decide)] == [1]  # listening goes on


def test_the_new_leader_builds_the_new_view_once_and_orders_again() -> None:
    bench = Bench(me="n1")
    bench.hear("n0", bench.view_change(1, bench.prepared(0, 2, A)))
    assert bench.noted("view_change") == []
    effects = bench.hear("n2", bench.view_change(1))
    assert bench.noted("view_change", effects) == [{"view": 1, "why": "joined"}]
    (said,) = bench.said(NewView)
    assert said.orders == ((1, NULL_DIGEST), (2, A))
    assert bench.said(PrePrepare) == [PrePrepare(1, 1, NULL_DIGEST), PrePrepare(1, 2, A)]
    assert bench.noted("null") == [{"view": 1, "height": 1}]
    bench.hear("n3", bench.view_change(1))
    assert len(bench.said(NewView)) == 1


def test_a_new_leader_that_lacks_an_ordered_batch_does_not_propose_its_bundles_again() -> None:
    """Found in a demo on a loaded machine: 332 of 5,000 transactions were ordered twice (and took effect once)."""
    bench = Bench(me="n1")
    raw, digest = bench.batch(b"waits")
    bench.pool.add(bench.now, b"waits")
    bench.pool.add(bench.now, b"waits too")
    bench.hear("n0", bench.view_change(1, bench.prepared(0, 1, digest)))
    bench.hear("n2", bench.view_change(1))
    assert bench.said(PrePrepare) == [PrePrepare(1, 1, digest)] and bench.noted("proposed") == []
    (asked, *_) = bench.said(FetchBody)
    bench.hear(asked.receiver, Body("n1", asked.nonce, 1, digest), raw)
    (proposed,) = bench.noted("proposed")
    assert proposed["transactions"] == 1 and bench.pool.waiting == 0


def test_who_leaves_goes_to_the_highest_view_that_a_quorum_leads_to_and_huge_ones_are_harmless() -> None:
    bench = Bench(n=7, me="n6")
    bench.hear("n1", bench.view_change(1 << 50))
    bench.hear("n2", bench.view_change((1 << 52) - 1))
    bench.hear("n2", ViewChange(1 << 53, 0, None, ()))
    assert bench.said(Suspect) == []
    bench.hear("n3", bench.view_change(1))
    assert bench.said(Suspect) == [Suspect(0)] and bench.replica.state.wanted == 0
    bench.hear("n4", bench.view_change(3))
    assert bench.replica.state.wanted == 1 and bench.said(Suspect) == [Suspect(0), Suspect(2)]
    assert bench.whys() == ["view out of bounds"]


def test_the_wait_for_a_new_view_doubles_and_then_the_next_view_is_wanted() -> None:
    bench = Bench(me="n3")
    waits = []
    for view in (1, 2):
        effects = []
        for name in ("n0", "n1"):
            effects += bench.hear(name, bench.view_change(view))
        waits += [
            e.delay_us for e in effects if getattr(e, "name", None) == ("pbft", "new_view") and hasattr(e, "delay_us")
        ]
        bench.expire("new_view")
    assert bench.replica.state.wanted == 2 and waits == [1_000_000, 2_000_000]
    assert bench.said(Suspect)[-1] == Suspect(2)
    bench.suspected(2, "n0", "n1")
    assert bench.replica.state.wanted == 3


def test_a_commit_certificate_counts_as_prepared_in_its_view() -> None:
    bench = Bench(me="n3")
    _, digest = bench.batch()
    for name in ("n0", "n1", "n2"):
        bench.hear(name, Commit(0, 1, digest))
    bench.hear("n0", bench.view_change(1))
    bench.hear("n1", bench.view_change(1))
    (said,) = bench.said(ViewChange)
    assert [claim.pre_prepare for claim in said.claims] == [None]


def test_whoever_missed_a_new_view_is_told() -> None:
    bench = Bench()
    message = _new_view(bench)
    bench.hear("n2", message)
    told = bench.said(Told, bench.hear("n3", bench.view_change(1)))
    assert [each.receiver for each in told] == ["n3"]
    late = Bench(me="n3")
    late.hear("n1", replace(told[0], receiver="n3"))
    assert late.replica.state.view == 2


def test_a_seal_above_our_head_in_a_view_change_is_a_reason_to_catch_up() -> None:
    bench = Bench()
    bench.hear("n2", bench.view_change(1, stable=8))
    assert bench.effects(Behind) == [Behind(8)]


def test_a_leader_that_passes_over_old_bundles_is_deposed() -> None:
    bench = Bench()
    bench.pool.add(bench.now, b"old")
    bench.pool.is_overtaken = True
    bench.hear("n0", Prepare(1, 1, A))
    bench.expire("progress", after_us=500_000)
    assert bench.noted("suspect") == []
    raw, digest = bench.batch()
    for name in ("n0", "n2", "n3"):
        bench.hear(name, Commit(0, 1, digest))
    bench.hear("n2", Body("n1", b"", 1, digest), raw)
    bench.expire("progress", after_us=600_000)
    assert bench.noted("suspect") == [{"view": 0, "why": "overtaken"}]


def test_whoever_left_for_a_later_view_does_not_enter_an_earlier_one() -> None:
    bench = Bench(me="n3")
    change = bench.view_change(1)
    early = bench.new_view(1, dict.fromkeys(("n0", "n1", "n2"), change))
    for name in ("n0", "n1"):
        bench.hear(name, bench.view_change(2))
    bench.hear("n1", early)
    assert bench.noted("new_view") == [] and bench.replica.state.wanted == 2
    control = Bench(me="n3")
    control.hear("n1", early)
    assert control.replica.state.view == 1
