"""PBFT's normal case (OSDI'99 4.2), one replica on a bench; n=4, quorum 3, n0 leads view 0."""

from consortium.core.machine import Available, Broadcast, Decide, Persist
from consortium.core.transaction import NULL_DIGEST
from consortium.protocols import load_protocols
from consortium.protocols.pbft.messages import Body, Commit, FetchBody, Prepare, PrePrepare
from tests.pbft_bench import Bench


def test_the_room_offers_pbft_by_name() -> None:
    assert load_protocols()["pbft"].name == "pbft"


def _decided(bench: Bench, height: int = 1) -> bytes:
    raw, digest = bench.batch(b"bundle %d" % height)
    bench.hear("n0", PrePrepare(0, height, digest), raw)
    bench.hear("n2", Prepare(0, height, digest))
    for name in ("n0", "n2"):
        bench.hear(name, Commit(0, height, digest))
    return digest


def test_a_backup_prepares_commits_and_decides() -> None:
    bench = Bench()
    digest = _decided(bench)
    assert bench.said(Prepare) == [Prepare(0, 1, digest)]
    assert bench.said(Commit) == [Commit(0, 1, digest)]
    (decide,) = bench.effects(Decide)
    assert decide.height == 1 and len(decide.certificate.signatures) == 3
    assert bench.whys() == []


def test_vote_and_body_are_durable_before_prepare_and_the_certificate_before_commit() -> None:
    bench = Bench()
    _decided(bench)
    kinds = [
        type(effect.message).__name__ if isinstance(effect, Broadcast) else "Persist"
        for effect in bench.out
        if isinstance(effect, Persist)
        or (isinstance(effect, Broadcast) and isinstance(effect.message, Prepare | Commit))
    ]
    assert kinds == ["Persist", "Prepare", "Persist", "Commit"]
    assert b"bundle 1" in bench.records[0][0]


def test_the_leader_proposes_at_once_and_at_most_its_batches_in_flight() -> None:
    bench = Bench(me="n0")
    for index in range(40):
        bench.pool.add(bench.now, b"b%d" % index)
    bench.do(Available())
    assert [vote.height for vote in bench.said(PrePrepare)] == [1, 2, 3]
    assert [note["transactions"] for note in bench.noted("proposed")] == [4, 4, 4]


def test_a_leader_waits_for_a_small_batch_to_fill_only_while_others_are_in_flight() -> None:
    from msgspec.structs import replace

    from tests.pbft_network import PARAMETERS

    bench = Bench(me="n0", parameters=replace(PARAMETERS, batch_delay_us=5_000))
    bench.pool.add(bench.now, b"first")
    bench.do(Available())
    bench.pool.add(bench.now, b"second")
    bench.do(Available())
    assert len(bench.said(PrePrepare)) == 1
    bench.expire("batch", after_us=5_000)
    assert len(bench.said(PrePrepare)) == 2


def test_a_second_order_for_one_height_is_refused_and_kept_as_evidence() -> None:
    bench = Bench()
    for bundle in (b"one", b"two"):
        raw, digest = bench.batch(bundle)
        bench.hear("n0", PrePrepare(0, 1, digest), raw)
    assert len(bench.said(Prepare)) == 1
    assert bench.whys() == ["equivocation"]
    evidence = bench.replica.state.evidence["n0"]
    first, second = evidence.first, evidence.second
    assert first.sender == second.sender == "n0" and first.body != second.body


def test_a_member_that_votes_for_two_batches_counts_once() -> None:
    bench = Bench()
    raw, digest = bench.batch()
    bench.hear("n2", Prepare(0, 1, b"x" * 32))
    bench.hear("n2", Prepare(0, 1, digest))
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    assert bench.whys() == ["equivocation"] and bench.said(Commit) == []
    bench.hear("n3", Prepare(0, 1, digest))
    assert len(bench.said(Commit)) == 1


def test_the_leaders_own_prepare_does_not_count() -> None:
    bench = Bench()
    raw, digest = bench.batch()
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    bench.hear("n0", Prepare(0, 1, digest))
    assert bench.said(Commit) == []
    assert bench.whys() == ["a leader's PREPARE does not count"]


def test_only_the_leader_orders() -> None:
    bench = Bench()
    raw, digest = bench.batch()
    bench.hear("n2", PrePrepare(0, 1, digest), raw)
    assert bench.said(Prepare) == [] and bench.whys() == ["not the leader of that view"]


def test_without_the_body_there_is_no_prepare_and_it_is_fetched_by_digest() -> None:
    bench = Bench()
    raw, digest = bench.batch()
    bench.hear("n0", PrePrepare(0, 1, digest), raw + b"tampered")
    assert bench.said(Prepare) == []
    (request,) = bench.said(FetchBody)
    assert request.receiver == "n0" and request.digest == digest
    bench.hear("n3", Body("n1", request.nonce, 1, digest), raw + b"again")
    assert bench.said(Prepare) == []
    bench.hear("n3", Body("n1", request.nonce, 1, digest), raw)
    assert len(bench.said(Prepare)) == 1


def test_a_holder_serves_the_body_that_it_holds() -> None:
    bench = Bench()
    raw, digest = bench.batch()
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    (send,) = [e for e in bench.hear("n3", FetchBody("n1", b"nonce", 1, digest)) if hasattr(e, "to")]
    assert send.to == "n3" and send.attachment == raw and send.message == Body("n3", b"nonce", 1, digest)
    assert bench.said(Body, bench.hear("n3", FetchBody("n1", b"other", 1, b"y" * 32))) == []


def test_unfit_batches_null_requests_and_strange_times_get_no_vote() -> None:
    bench = Bench()
    raw, digest = bench.batch(b"unfit")
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    bench.hear("n0", PrePrepare(0, 2, NULL_DIGEST))
    bench.time_us += 11_000_000
    late, late_digest = bench.batch(b"late")
    bench.time_us -= 11_000_000
    bench.hear("n0", PrePrepare(0, 3, late_digest), late)
    assert bench.said(Prepare) == []
    assert bench.whys() == [
        "unfit",
        "not what the new view orders",
        "the batch's time is too far from our clock",
    ]


def test_decisions_are_consecutive_whatever_the_order_of_arrival() -> None:
    bench = Bench()
    _decided(bench, 2)
    assert bench.effects(Decide) == []
    _decided(bench, 1)
    assert [decide.height for decide in bench.effects(Decide)] == [1, 2]


def test_no_vote_above_the_high_watermark_until_the_window_moves() -> None:
    bench = Bench(head=4)
    raw, digest = bench.batch()
    bench.hear("n0", PrePrepare(0, 9, digest), raw)
    assert bench.said(Prepare) == []
    bench.stabilise(4)
    assert bench.said(Prepare) == [Prepare(0, 9, digest)]


def test_heights_and_views_beyond_reason_leave_no_trace() -> None:
    bench = Bench()
    for view, height in ((1 << 60, 1), (0, 1 << 60), (-1, 1), (0, -5), (1 << 52, 1 << 52), (0, 17)):
        for kind in (PrePrepare, Prepare, Commit):
            bench.hear("n2", kind(view, height, b"d" * 32))
    assert len(bench.replica.state.log) == 0
    bench.hear("n2", Prepare((1 << 52) + 3, 1, b"d" * 32))
    assert len(bench.replica.state.log) == 1


def test_a_quorum_of_commits_decides_even_for_one_who_saw_nothing_else() -> None:
    bench = Bench()
    raw, digest = bench.batch()
    for name in ("n0", "n2", "n3"):
        bench.hear(name, Commit(0, 1, digest))
    asked = bench.said(FetchBody)
    assert {request.receiver for request in asked} <= {"n0", "n2", "n3"} and bench.effects(Decide) == []
    bench.hear("n2", Body("n1", asked[0].nonce, 1, digest), raw)
    assert [decide.batch for decide in bench.effects(Decide)] == [raw]
