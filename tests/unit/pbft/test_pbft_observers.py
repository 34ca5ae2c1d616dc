"""An observer hears, executes and serves; nothing that it signs counts."""

from __future__ import annotations

import pytest

from consortium.core.codec import Malformed
from consortium.core.machine import Available, Decide
from consortium.protocols.pbft.messages import Claim, Commit, Prepare, PrePrepare, Recall, Recalled, Told, ViewChange
from tests.pbft_bench import Bench

EYES = ("eye", "owl")


def test_observers_votes_prepare_and_commit_nothing() -> None:
    bench = Bench(observers=EYES)
    raw, digest = bench.batch()
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    for name in EYES:
        bench.hear(name, Prepare(0, 1, digest))
        bench.hear(name, Commit(0, 1, digest))
    assert bench.said(Commit) == [] and bench.effects(Decide) == []
    assert bench.whys() == ["not a validator"] * 4


def test_observers_answers_end_no_recall() -> None:
    bench = Bench(observers=EYES, is_recalled=False)
    (question,) = bench.said(Recall)
    for name in EYES:
        bench.hear(name, Recalled("n1", question.nonce, (), None, None))
    assert not bench.replica.state.is_recalled
    for name in ("n2", "n3"):
        bench.hear(name, Recalled("n1", question.nonce, (), None, None))
    assert bench.replica.state.is_recalled


@pytest.mark.parametrize(("liars", "is_behind"), [(EYES, False), (("n0", "n2"), True)])
def test_what_observers_claim_to_have_executed_keeps_nobody_busy(liars: tuple[str, ...], is_behind: bool) -> None:
    """f+1 validators show that we lag: the positive control. Any number of observers may be liars."""
    bench = Bench(observers=EYES)
    for name in liars:
        bench.hear(name, Told("n1", b"", 0, 1 << 52, None, ()))
    assert bench.replica._retransmission.has_open_work() is is_behind


def test_observers_move_nobody_into_another_view() -> None:
    bench = Bench(observers=EYES)
    for name in EYES:
        bench.hear(name, bench.view_change(1))
    assert bench.replica.state.wanted == 0 and bench.whys() == ["not a validator"] * 2


def test_an_observers_signature_spoils_a_certificate() -> None:
    bench = Bench(observers=EYES)
    order = bench.sign("n0", PrePrepare(0, 1, b"a" * 32))
    for claim in (
        Claim(order, bench.certificate(Prepare(0, 1, b"a" * 32), ["eye", "n1"])),
        Claim(None, bench.certificate(Commit(0, 1, b"a" * 32), ["eye", "n1", "n2"])),
    ):
        message = bench.view_change(3, claim)
        with pytest.raises(Malformed, match="no validator"):
            bench.change(bench.sign("n2", message), message)


def test_an_observer_executes_and_votes_for_nothing() -> None:
    bench = Bench(me="eye", observers=EYES, is_recalled=False)
    raw, digest = bench.batch()
    bench.pool.add(bench.now, b"waits")
    bench.do(Available())
    bench.hear("n0", PrePrepare(0, 1, digest), raw)
    for name in ("n0", "n2", "n3"):
        bench.hear(name, Prepare(0, 1, digest))
        bench.hear(name, Commit(0, 1, digest))
    bench.expire("progress", after_us=9_000_000)
    assert [decide.batch for decide in bench.effects(Decide)] == [raw]
    assert bench.said(Prepare) == bench.said(Commit) == bench.said(ViewChange) == bench.said(Recall) == []
