"""Votes survive a boot: what is read back, and when a node that boots may vote again."""

import pytest
from msgspec.structs import replace

from consortium.core.codec import encode
from consortium.core.crypto import KeyedHash
from consortium.core.machine import Available, Executed, Received, Started
from consortium.core.messages import Message, Signed, decode_frame
from consortium.protocols.common.records import FORMAT
from consortium.protocols.pbft.messages import (
    Ask,
    Commit,
    Decision,
    Prepare,
    PrePrepare,
    Recall,
    Recalled,
    ViewChange,
)
from consortium.protocols.pbft.records import AcceptedRecord, ViewRecord
from consortium.protocols.pbft.replica import Replica
from consortium.protocols.pbft.view_change import KEPT_WINDOWS
from tests.pbft_bench import Bench
from tests.pbft_network import PARAMETERS, Network, secret


def _voted(bench: Bench) -> bytes:
    """n1 has said PREPARE and COMMIT at height 1, PREPARE at height 2."""
    raw, digest = bench.batch(b"one")
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    bench.hear("n2", Prepare(0, 1, digest))
    raw2, digest2 = bench.batch(b"two")
    bench.hear("n0", PrePrepare(0, 2, digest2), raw2)
    return digest


def _logged(bench: Bench) -> list[bytes]:
    return [record for record, _ in bench.records]


def _latest(bench: Bench, *messages: Prepare | Commit | ViewChange) -> tuple[Signed, ...]:
    return tuple(bench.sign("n1", message) for message in messages)


def test_the_log_gives_back_exactly_what_was_held() -> None:
    before = Bench()
    _voted(before)
    after = Bench(records=_logged(before), is_recalled=False)
    for height in (1, 2):
        old, new = before.replica.state.log.get(height), after.replica.state.log.get(height)
        assert old is not None and new is not None
        for name in ("view", "digest", "pre_prepare", "bodies", "prepared", "prepare_view", "commit_view"):
            assert getattr(old, name) == getattr(new, name), name


def test_a_node_listens_until_enough_others_answered_then_says_its_votes_again() -> None:
    before = Bench()
    digest = _voted(before)
    after = Bench(records=_logged(before), is_recalled=False)
    (question,) = after.said(Recall)
    raw, fresh = after.batch(b"three")
    after.hear("n0", PrePrepare(0, 3, fresh), raw)
    after.hear(
        "n2", Recalled("n1", question.nonce, _latest(before, Prepare(0, 1, digest), Commit(0, 1, digest)), None, None)
    )
    after.hear("n2", Recalled("n1", question.nonce, (), None, None))
    after.hear("n3", Recalled("n1", b"another nonce", (), None, None))
    assert after.said(Prepare) == []
    after.hear("n3", Recalled("n1", question.nonce, (), None, None))
    assert [vote.height for vote in after.said(Prepare)] == [1, 2, 3]
    assert after.said(Commit) == [Commit(0, 1, digest)]


def test_a_node_whose_log_was_rolled_back_only_observes() -> None:
    before = Bench()
    digest = _voted(before)
    for vote in (Prepare(0, 2, b"z" * 32), Commit(0, 1, digest), ViewChange(1, 0, None, ())):
        after = Bench(records=_logged(before)[:1], is_recalled=False)
        (question,) = after.said(Recall)
        after.hear("n2", Recalled("n1", question.nonce, _latest(before, vote), None, None))
        for name in ("n0", "n3"):
            after.hear(name, Recalled("n1", question.nonce, (), None, None))
        assert len(after.noted("observing")) == 1
        assert after.said(Prepare) == [] and after.said(Commit) == []


def test_a_log_that_holds_the_latest_votes_and_lacks_one_below_them_only_observes() -> None:
    """Votes are not given in the order of their heights: n1 voted at height 2 before it voted at height 1, and comes
    back with a copy of its disk that was made between the two."""
    network = Network(4, delay_us=(500, 500)).start()
    network.run(200_000)
    n1, arrive, late = network.peers["n1"], network.peers["n1"].arrive, list[tuple[str, bytes]]()

    def arrive_late(publisher: str, payload: bytes) -> None:
        message = network.verifier.open(decode_frame(payload).signed, network.epochs).message
        is_first = isinstance(message, PrePrepare | Prepare | Commit) and message.height == 1
        late.append((publisher, payload)) if is_first else arrive(publisher, payload)

    n1.arrive = arrive_late  # type: ignore[method-assign]
    for bundle in (b"one", b"two"):
        network.submit(bundle)
        network.run(network.time_us + 10_000)
    older = list(n1.records)
    for publisher, payload in late:
        arrive(publisher, payload)
    network.run(network.time_us + 10_000)
    assert [slot.commit_view for slot in n1.replica.state.log.above(0)] == [0, 0]
    n1.crash()
    n1.records, n1.chain = older, []
    n1.boot()
    network.run(network.time_us + 300_000)
    assert not n1.replica.state.is_recalled
    assert len(n1.noted("observing")) == 1


@pytest.mark.parametrize("is_logged", [True, False])
def test_votes_of_a_later_epoch_bind_a_node_whose_ledger_was_lost(is_logged: bool) -> None:
    """Its log outlives its ledger, and nobody remembers its votes. Control: without such a log it votes."""
    bench = Bench(is_recalled=False)
    epoch = replace(bench.epoch, number=1, first_height=5)

    def received(name: str, message: Message, attachment: bytes = b"") -> Received:
        body = bench.verifier.codec.statement(1, message)
        return Received(name, message, Signed(name, body, KeyedHash().sign(secret(name), body)), 1, attachment)

    raw, digest = bench.batch(b"first")
    order = received("n0", PrePrepare(0, 5, digest)).signed
    logged = [encode(ViewRecord(FORMAT, 1, 0, 0)), encode(AcceptedRecord(FORMAT, 1, 0, 5, digest, order, raw))]
    bench = Bench(records=logged if is_logged else (), is_recalled=False)
    bench.epochs.add(epoch)
    bench.recall()
    assert bench.replica.state.is_recalled is not is_logged
    for height in range(1, 5):
        bench.do(Executed(height, b"h" * 32, bench.epochs.at(height + 1)))
    bench.stabilise(4)
    if is_logged:
        nonce = bench.said(Recall)[-1].nonce
        for name in ("n2", "n3"):
            bench.do(received(name, Recalled("n1", nonce, (received("n1", Prepare(0, 5, digest)).signed,), None, None)))
    assert bench.replica.state.is_recalled and bench.noted("observing") == []
    other, other_digest = bench.batch(b"another")
    bench.do(received("n0", PrePrepare(0, 5, other_digest), other))
    assert [vote.digest for vote in bench.said(Prepare)] == [digest if is_logged else other_digest]


def test_votes_that_were_acted_on_are_told_also_after_a_boot_of_ones_own() -> None:
    """n2 took part in two prepared certificates and a NEW-VIEW of n1; what n1 only heard is gone with its memory."""
    before = Bench()
    for height, bundle in ((1, b"one"), (2, b"two")):
        raw, digest = before.batch(bundle)
        before.hear("n0", PrePrepare(0, height, digest), raw)
        before.hear("n2", Prepare(0, height, digest))
    before.hear("n2", Prepare(0, 3, b"z" * 32))
    after = Bench(records=_logged(before))
    (answer,) = after.said(Recalled, after.hear("n2", Recall(b"q")))
    told = [after.verifier.open(vote, after.epochs).message for vote in answer.votes]
    assert {vote.height for vote in told if isinstance(vote, Prepare)} == {1, 2}
    changes = {name: before.view_change(2, before.prepared(0, 1, digest)) for name in ("n0", "n2", "n3")}
    before.hear("n2", before.new_view(2, changes))
    after = Bench(records=_logged(before))
    (answer,) = after.said(Recalled, after.hear("n3", Recall(b"q")))
    assert [after.verifier.open(vote, after.epochs).message for vote in answer.votes] == [changes["n3"]]


def test_nobody_can_invent_a_vote_of_another() -> None:
    bench = Bench(is_recalled=False)
    (question,) = bench.said(Recall)
    forged = Signed("n1", bench.sign("n2", Prepare(0, 9, b"z" * 32)).body, b"\x00" * 32)
    bench.hear("n2", Recalled("n1", question.nonce, (forged, bench.sign("n2", Prepare(0, 9, b"z" * 32))), None, None))
    bench.hear("n3", Recalled("n1", question.nonce, (), None, None))
    assert bench.noted("observing") == [] and bench.replica.state.is_recalled


def test_a_node_answers_with_the_latest_votes_that_it_holds_also_while_it_recalls() -> None:
    bench = Bench(is_recalled=False)
    for message in (Prepare(0, 1, b"a" * 32), Prepare(0, 2, b"a" * 32), Commit(0, 1, b"a" * 32)):
        bench.hear("n2", message)
    (answer,) = bench.said(Recalled, bench.hear("n2", Recall(b"q" * 16)))
    held = [bench.verifier.open(vote, bench.epochs).message for vote in answer.votes]
    assert held == [Prepare(0, 2, b"a" * 32), Commit(0, 1, b"a" * 32), Prepare(0, 1, b"a" * 32)]


def test_a_leader_that_reboots_says_its_old_order_again_and_never_another() -> None:
    before = Bench(me="n0")
    before.pool.add(before.now, b"one")
    before.do(Available())
    after = Bench(me="n0", records=_logged(before), is_recalled=False)
    after.pool.add(after.now, b"other")
    after.recall()
    old, new = before.said(PrePrepare), after.said(PrePrepare)
    assert new[0] == old[0] and [vote.height for vote in new] == [1, 2]


def test_a_view_once_left_stays_left_after_a_boot() -> None:
    before = Bench(me="n3")
    for name in ("n0", "n1"):
        before.hear(name, before.view_change(1))
    after = Bench(me="n3", records=_logged(before))
    raw, digest = after.batch()
    after.hear("n0", PrePrepare(0, 1, digest), raw)
    assert after.said(Prepare) == []
    assert after.said(ViewChange) == before.said(ViewChange)


def test_an_asker_that_lacks_a_decision_gets_it_with_its_batch() -> None:
    bench = Bench()
    raw, digest = bench.batch()
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    for name in ("n0", "n2", "n3"):
        bench.hear(name, Commit(0, 1, digest))
    effects = bench.hear("n3", Ask(b"q", 0, 0, 1))
    (decision,) = bench.said(Decision, effects)
    late = Bench(me="n3")
    late.hear("n1", decision, raw)
    assert late.replica.state.decided == 1
    poor = Bench(me="n3")
    body = decision.certificate
    for bad in (
        Decision("n3", b"q", 2, digest, body),
        Decision("n3", b"q", 1, digest, type(body)(body.body, body.signatures[:2])),
    ):
        poor.hear("n1", bad, raw)
    assert poor.replica.state.decided == 0 and len(poor.whys()) == 2


def test_what_is_kept_for_good_is_small_and_the_rest_carries_the_height_at_which_it_may_go() -> None:
    bench = Bench(me="n1")
    _voted(bench)
    for name in ("n0", "n2"):
        bench.hear(name, bench.view_change(1))
    for_good = [record for record, height in bench.records if height is None]
    assert [len(record) < 64 for record in for_good] == [True, True, True]
    heights = [height for _, height in bench.records if height is not None]
    *others, entered = sorted(heights)  # the NEW-VIEW that it entered is kept longer: others may have missed it
    assert heights[:3] == [1, 1, 2] and len(heights) >= 6 and max(others) <= 16
    assert entered == 16 + KEPT_WINDOWS * PARAMETERS.window


def _after_seal(before: Bench, stable: int) -> list[bytes]:
    """What the store keeps of its log once `stable` is sealed."""
    return [record for record, height in before.records if height is None or height > stable]


def test_a_node_that_lost_its_ledger_and_not_its_log_votes_once_it_is_back_where_it_had_sealed() -> None:
    before = Bench()
    digest = _voted(before)
    before.hear("n3", Commit(0, 1, digest))
    before.hear("n2", Commit(0, 1, digest))
    before.stabilise(1)
    answer = _latest(before, Prepare(0, 1, digest), Commit(0, 1, digest))
    after = Bench(records=_after_seal(before, 1), is_recalled=False)
    (question,) = after.said(Recall)
    for name in ("n0", "n2", "n3"):
        after.hear(name, Recalled("n1", question.nonce, answer, None, None))
    raw, other = after.batch(b"other")
    after.hear("n0", PrePrepare(0, 1, other), raw)
    assert after.noted("observing") == [] and after.said(Prepare) == [], "it may not vote where it forgot its votes"
    after.do(Executed(1, b"h" * 32, after.epoch))
    after.stabilise(1)
    after.hear("n2", Recalled("n1", question.nonce, answer, None, None))
    assert after.replica.state.is_recalled
    without = [record for record in _after_seal(before, 1) if b"SealedRecord" not in record]
    unmarked = Bench(records=without[:0], is_recalled=False)
    (question,) = unmarked.said(Recall)
    unmarked.hear("n2", Recalled("n1", question.nonce, answer, None, None))
    assert len(unmarked.noted("observing")) == 1, "positive control: an empty log is a lost one"


def test_a_node_votes_where_its_log_has_a_seal_that_its_ledger_lost_and_all_the_votes_below() -> None:
    """Found by exploration: all died before their first seal was durable. Their logs held all the votes below it, and
    each waited for ever for a ledger that nobody had."""
    before = Bench()
    digest = _voted(before)
    before.hear("n3", Commit(0, 1, digest))
    before.hear("n2", Commit(0, 1, digest))
    before.stabilise(1)
    whole = [record for record, _ in before.records]
    assert any(b"SealedRecord" in record for record in whole)
    after = Bench(records=whole, is_recalled=False)
    (question,) = after.said(Recall)
    for name in ("n0", "n2", "n3"):
        after.hear(name, Recalled("n1", question.nonce, (), None, None))
    assert after.replica.state.is_recalled and after.replica.state.forgotten == 0


def test_a_node_whose_log_was_damaged_does_not_vote_because_nobody_remembers_a_vote() -> None:
    for lost, votes in ((b"key", False), (b"", False), (None, True)):
        after = Bench(is_recalled=False)
        after.replica = Replica(after.replica.state.context)
        after.out.clear()
        after.do(Started((), lost))
        assert len(after.noted("observing")) == (not votes)
        for question in after.said(Recall):
            for name in ("n0", "n2", "n3"):
                after.hear(name, Recalled("n1", question.nonce, (), None, None))
        raw, digest = after.batch(b"one")
        after.hear("n0", PrePrepare(0, 1, digest), raw)
        assert bool(after.said(Prepare)) == votes
