"""What certificates, VIEW-CHANGEs and NEW-VIEWs prove: nothing beyond reason, and nothing of another batch or epoch."""

from __future__ import annotations

import pytest

from consortium.core.codec import Malformed
from consortium.protocols.pbft import PROTOCOL
from consortium.protocols.pbft.messages import Claim, Commit, Prepare, PrePrepare, ViewChange
from tests.pbft_bench import Bench
from tests.unit.pbft.test_pbft_epochs import grown

A, B = b"a" * 32, b"b" * 32


def test_a_decision_is_proven_for_one_batch_at_one_height() -> None:
    bench = Bench()
    certificate = bench.committed(3, 5, A)
    PROTOCOL.check_decision(certificate, bench.epochs, 5, A, bench.verifier)
    for height, digest in ((5, B), (6, A)):
        with pytest.raises(Malformed):
            PROTOCOL.check_decision(certificate, bench.epochs, height, digest, bench.verifier)


def test_a_quorums_word_on_what_cannot_be_proves_no_decision() -> None:
    bench = Bench()
    for message in (Commit(-1, 5, A), Commit(0, 5, b"short"), Prepare(0, 5, A)):
        with pytest.raises(Malformed):
            PROTOCOL.check_decision(bench.certificate(message, ["n0", "n1", "n2"]), bench.epochs, 5, A, bench.verifier)


def judge(bench: Bench, message: ViewChange, sender: str = "n2") -> None:
    bench.change(bench.sign(sender, message), message)


def test_a_view_change_beyond_reason_is_refused() -> None:
    bench = Bench()
    judge(bench, bench.view_change(3, bench.prepared(1, 5, A), stable=4))
    order = bench.sign("n1", PrePrepare(1, 5, A))
    for message, why in (
        (ViewChange(0, 0, None, ()), "out of bounds"),
        (ViewChange(1 << 53, 0, None, ()), "out of bounds"),
        (ViewChange(3, -1, None, ()), "out of bounds"),
        (bench.view_change(3, *[bench.prepared(1, 5, A)] * 17, stable=4), "too many claims"),
        (bench.view_change(3, Claim(order, bench.committed(1, 5, A)), stable=4), "must be of PREPAREs"),
        (
            bench.view_change(3, Claim(None, bench.certificate(Commit(1, -5, A), ["n0", "n1", "n2"])), stable=4),
            "out of bounds",
        ),
    ):
        with pytest.raises(Malformed, match=why):
            judge(bench, message)


def test_a_view_change_of_a_stranger_proves_nothing() -> None:
    bench = Bench()
    message = bench.view_change(3)
    with pytest.raises(Malformed, match="no validator"):
        bench.change(bench.sign("n9", message), message)


def test_claims_and_checkpoints_are_of_the_epoch_of_the_view_change() -> None:
    bench = Bench()
    epoch = grown(bench, 9)
    message = bench.view_change(3, bench.prepared(1, 9, A), stable=4)
    with pytest.raises(Malformed, match="another epoch"):
        judge(bench, message)
    from consortium.protocols.pbft.certificates import check_view_change

    early = ViewChange(1, 4, bench.seal(4), ())
    with pytest.raises(Malformed, match="has not begun"):
        check_view_change(bench.sign("n2", early), early, epoch, bench.epochs, bench.verifier, bench.check_seal, 16)
