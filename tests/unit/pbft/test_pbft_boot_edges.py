"""PBFT at its edges, second part: a consortium of one, boots, and what a node does that is no member."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from consortium.core.codec import encode
from consortium.core.crypto import KeyedHash
from consortium.core.machine import (
    Available,
    Behind,
    Broadcast,
    Decide,
    Executed,
    Persist,
    Stable,
    Started,
)
from consortium.core.messages import Signed, statement
from consortium.core.transaction import NULL_DIGEST
from consortium.protocols.common.records import FORMAT, persist
from consortium.protocols.pbft.messages import (
    Ask,
    Claim,
    Commit,
    NewView,
    Prepare,
    PrePrepare,
    Recall,
    Recalled,
    Told,
    ViewChange,
)
from consortium.protocols.pbft.records import AcceptedRecord, PreparedRecord, ViewRecord, decode_record
from tests.pbft_bench import Bench
from tests.unit.pbft.test_pbft_epochs import grown

A = b"a" * 32


# --- a consortium of one ------------------------------------------------------------------------------------------


def test_one_alone_asks_nobody_and_decides_by_its_own_word() -> None:
    bench = Bench(n=1, me="n0", is_recalled=False)
    assert bench.said(Recall) == [] and bench.replica.state.is_recalled
    bench.pool.add(bench.now, b"alone")
    bench.do(Available())
    assert [decide.height for decide in bench.effects(Decide)] == [1]
    assert len(bench.said(Prepare)) == 0 and bench.said(Commit)


def test_who_is_left_alone_by_a_change_of_members_asks_nobody_either() -> None:
    bench = Bench(me="n1", head=7, stable=4, is_recalled=False)
    grown(bench, 9, ("n1",))
    bench.do(Executed(8, b"h" * 32, bench.epochs.newest))
    assert bench.replica.state.is_recalled


# --- boots --------------------------------------------------------------------------------------------------------


def test_a_record_of_another_version_or_none_at_all_is_told_and_the_rest_read() -> None:
    good = persist(ViewRecord(FORMAT, 0, 2, 2), None).record
    strange = persist(ViewRecord(9, 0, 5, 5), None).record
    foreign = persist(ViewRecord(FORMAT, 7, 6, 6), None).record
    bench = Bench(records=(b"junk", strange, good, foreign), is_recalled=False)
    assert bench.replica.state.view == 2 and len(bench.whys()) == 2
    assert "format 9" in bench.whys()[1]


def test_a_member_that_left_a_view_and_lost_what_it_said_says_it_anew() -> None:
    """The small record of the view is kept for good, that of the message until its heights are sealed."""
    before = Bench(me="n3")
    for name in ("n0", "n1"):
        before.hear(name, before.view_change(1))
    kept = [record for record, height in before.records if height is None]
    after = Bench(me="n3", records=kept)
    assert [change.view for change in after.said(ViewChange)] == [1]


def test_a_leader_that_boots_before_its_new_view_was_entered_says_the_same_one_again() -> None:
    before = Bench(me="n1")
    for name in ("n0", "n2"):
        effects = before.hear(name, before.view_change(1, before.prepared(0, 2, A)))
    (said,) = before.said(NewView)
    entered = [record for record, _ in before.records]
    cut = next(i for i, raw in enumerate(entered) if type(decode_record(raw)).__name__ == "NewViewRecord") + 1
    after = Bench(me="n1", records=entered[:cut])
    assert after.said(NewView)[0] == said and effects
    assert after.replica.state.view == 1, "it hears itself, and enters"


def test_the_orders_of_a_new_view_bind_after_a_boot_even_if_its_proof_is_no_longer_understood() -> None:
    before = Bench()
    change = before.view_change(2, before.prepared(0, 1, A))
    before.hear("n2", before.new_view(2, dict.fromkeys(("n0", "n2", "n3"), change)))
    records: list[bytes] = []
    for raw, _ in before.records:
        record: Any = decode_record(raw)
        if type(record).__name__ == "NewViewRecord":
            record = replace(record, message=replace(record.message, changes=record.message.changes[:1]))
        records.append(encode(record))
    after = Bench(records=records)
    raw, digest = after.batch()
    after.hear("n2", PrePrepare(2, 1, digest), raw)
    assert after.said(Prepare) == [] and after.whys() == ["not what the new view orders"]


def test_claims_that_reach_further_than_a_view_change_may_are_sealed_first() -> None:
    """A crash took newer seals than votes: to leave a claim out would be to forget it."""
    bench = Bench(head=17, stable=0, is_recalled=False)
    claim = bench.prepared(0, 17, A)
    records = [encode(PreparedRecord(FORMAT, 0, 0, 17, A, claim))]
    after = Bench(head=17, stable=0, records=records)
    after.pool.add(after.now, b"waits")
    after.hear("n0", Prepare(1, 1, A))
    after.do(Available())
    after.suspected(0, "n2")
    after.expire("progress", after_us=1_000_000)
    assert after.effects(Behind) == [], "no quorum suspects"
    after.suspected(0, "n3")
    assert after.said(ViewChange) == [] and after.effects(Behind) == [Behind(9)]
    after.stabilise(9)
    assert [change.view for change in after.said(ViewChange)] == [1]


def test_a_prepared_certificate_that_was_read_back_is_claimed_and_remembered_for_those_who_ask() -> None:
    before = Bench()
    raw, digest = before.batch()
    before.hear("n0", PrePrepare(0, 1, digest), raw)
    before.hear("n2", Prepare(0, 1, digest))
    after = Bench(records=[record for record, _ in before.records])
    (answer,) = after.said(Recalled, after.hear("n2", Recall(b"q" * 16)))
    assert [after.verifier.open(vote, after.epochs).message for vote in answer.votes] == [Prepare(0, 1, digest)]
    after.pool.add(after.now, b"waits")
    after.hear("n0", Prepare(1, 1, A))
    for name in ("n2", "n3"):
        after.hear(name, after.view_change(1))
    assert [len(change.claims) for change in after.said(ViewChange)] == [1]


def test_what_is_no_vote_of_ours_shows_nothing_about_our_log() -> None:
    bench = Bench(is_recalled=False)
    (question,) = bench.said(Recall)
    suite = KeyedHash()

    def ours(body: bytes) -> Signed:
        return Signed("n1", body, suite.sign(b"n1".ljust(32, b"\x00"), body))

    shown = (
        ours(b"no statement"),
        ours(statement(b"another chain", suite.name, 9, Prepare(0, 9, A))),
        bench.sign("n1", Recall(b"q" * 16)),
    )
    bench.hear("n2", Recalled("n1", question.nonce, shown, None, None))
    bench.hear("n3", Recalled("n1", question.nonce, (), None, None))
    assert bench.noted("observing") == [] and bench.replica.state.is_recalled


def test_a_node_that_is_no_member_says_nothing_and_is_told_so() -> None:
    bench = Bench(me="stranger", is_recalled=False)
    assert bench.noted("removed") == [{"epoch": 0}]
    raw, digest = bench.batch()
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    bench.hear("n2", Ask(b"q", 0, 0, 0))
    assert not any(isinstance(effect, Broadcast) for effect in bench.out) and bench.said(Told) == []


def test_who_comes_in_and_who_goes_out_with_an_epoch_is_noted() -> None:
    going = Bench(me="n3", head=7, stable=4)
    grown(going, 9, ("n0", "n1", "n2"))
    going.do(Executed(8, b"h" * 32, going.epochs.newest))
    assert going.noted("removed") == [{"epoch": 1}] and not going.replica.state.is_recalled
    coming = Bench(me="n4", head=7, stable=4, is_recalled=False)
    grown(coming, 9)
    coming.do(Executed(8, b"h" * 32, coming.epochs.newest))
    assert coming.noted("admitted") == [{"epoch": 1}] and coming.said(Recall)


def test_a_node_whose_seal_runs_ahead_of_its_head_keeps_what_it_still_has_to_execute() -> None:
    bench = Bench()
    bench.do(Stable(4, bench.seal(4)))
    assert bench.replica.state.floor == 0
    bench.do(Stable(12, bench.seal(12)))
    assert bench.replica.state.floor == 12, "too far behind for consensus"


def test_an_order_of_a_null_request_needs_no_batch_and_stores_none() -> None:
    bench = Bench(me="n2")
    change = bench.view_change(2, bench.prepared(0, 2, NULL_DIGEST))
    for name in ("n0", "n3"):
        bench.hear(name, change)
    orders = [order for order in bench.said(PrePrepare) if order.view == 2]
    assert [order.digest for order in orders] == [NULL_DIGEST] * 2
    stored = [decode_record(e.record) for e in bench.out if isinstance(e, Persist)]
    assert all(record.body is None for record in stored if isinstance(record, AcceptedRecord))


def test_a_huge_view_change_is_judged_but_not_remembered_to_be_told_again() -> None:
    bench = Bench()
    order = bench.sign("n0", PrePrepare(0, 1, A))
    huge = bench.view_change(2, *[Claim(order, bench.certificate(Prepare(0, 1, A), ["n1", "n2"]))] * 200)
    bench.hear("n2", huge)
    assert bench.whys() == ["too many claims"]
    (answer,) = bench.said(Recalled, bench.hear("n2", Recall(b"q" * 16)))
    assert answer.votes == ()
    bench.hear("n3", bench.view_change(2))
    (answer,) = bench.said(Recalled, bench.hear("n3", Recall(b"q" * 16)))
    assert len(answer.votes) == 1


def test_a_boot_with_nothing_in_the_log_begins_at_view_0() -> None:
    bench = Bench(is_recalled=False)
    assert list(bench.replica.step(bench.now, Started(()))) and bench.replica.view == 0
