"""What a peer can fill or make us do is bounded, a share a member."""

from __future__ import annotations

from consortium.core.crypto import KeyedHash
from consortium.core.genesis import Parameters
from consortium.core.machine import Executed, Now
from consortium.core.transaction import batch_digest
from consortium.protocols.common.next_epoch import ATTACHED_BYTES_MAX, NextEpochInbox
from consortium.protocols.common.rate_limit import RateLimit
from consortium.protocols.pbft.bodies import EARLY_BYTES_MAX
from consortium.protocols.pbft.messages import (
    STATEMENTS_MAX,
    Ask,
    Body,
    FetchBody,
    Prepare,
    PrePrepare,
    Recall,
    Recalled,
    Told,
)
from tests.pbft_bench import Bench
from tests.unit.pbft.test_pbft_epochs import grown, hear_in


class CountingSuite(KeyedHash):
    count = 0

    def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
        self.count += 1
        return super().verify(public, message, signature)


SHARE_MAX = 64  # votes kept of a member


def test_of_the_next_epoch_a_share_a_member_is_kept_and_batches_within_a_bound_of_bytes() -> None:
    """Regression: four attachments of any size were kept of each member, 76 MB of two."""
    bench = Bench(head=7, stable=4)
    grown(bench, 9)
    early = NextEpochInbox()
    for height in range(9, 9 + 10 * SHARE_MAX):
        event = bench.received("n2", PrePrepare(0, height, b"d" * 32), bytes(1_500_000))._replace(epoch=1)
        early.keep(event, bench.replica.state)
    early.keep(bench.received("n3", Prepare(0, 9, b"d" * 32))._replace(epoch=1), bench.replica.state)
    kept = early.take(1)
    assert 0 < [event.sender for event in kept].count("n2") <= SHARE_MAX
    assert 0 < sum(len(event.attachment) for event in kept) <= ATTACHED_BYTES_MAX
    assert [event.sender for event in kept].count("n3") == 1, "one that floods takes nobody else's place"
    assert early.take(1) == []


def test_batches_that_a_leader_orders_far_ahead_are_held_within_a_bound_of_bytes_and_fetched_later() -> None:
    """Regression: a leader could have a batch held at every height of two windows, 64 MB as the defaults are."""
    bench = Bench(parameters=Parameters())
    raws: dict[int, bytes] = {}
    for height in range(1, 65):
        raw = raws[height] = bytes([height]) * 999_000
        bench.hear("n0", PrePrepare(0, height, batch_digest(raw)), raw)
    slots = list(bench.replica.state.log.above(0))
    assert len(slots) == 64 and all(slot.pre_prepare is not None for slot in slots), "the orders are all kept"
    in_flight = bench.replica.state.parameters.batches_in_flight
    held = sum(len(body) for slot in slots[in_flight:] for body in slot.bodies.values())
    assert 0 < held <= EARLY_BYTES_MAX
    assert all(slot.bodies for slot in slots[:in_flight]), "what may be in flight is always held"
    far = slots[-1]
    assert bench.said(FetchBody) == [], "nothing is asked for that there is no room for"
    bench.hear("n0", Body("n1", b"", far.height, far.digest), raws[far.height])
    assert not far.bodies, "nor taken where nobody asked"


def test_strangers_and_epochs_beyond_the_next_are_not_kept_at_all() -> None:
    bench = Bench(head=7, stable=4)
    grown(bench, 9)
    early = NextEpochInbox()
    for name, epoch in (("n2", 0), ("n2", 2), ("n9", 1)):
        early.keep(
            bench.received("n2", Prepare(0, 9, b"d" * 32))._replace(sender=name, epoch=epoch), bench.replica.state
        )
    assert early.take(1) == early.take(2) == []


def test_answers_that_nobody_asked_for_cost_a_bounded_number_of_signature_checks() -> None:
    """Forty answers full of statements of the liar's own, all fresh. Control: the first is looked at."""
    bench = Bench()
    checks = CountingSuite()
    bench.verifier.suite = checks
    bench.hear("n2", Told("n1", b"", 0, 0, None, (bench.sign("n3", Prepare(0, 1, b"d" * 32)),)))
    assert checks.count == 1
    for answer in range(40):
        heights = range(100 + answer * STATEMENTS_MAX, 100 + (answer + 1) * STATEMENTS_MAX)
        statements = tuple(bench.sign("n2", Prepare(7, height, b"d" * 32)) for height in heights)
        bench.hear("n2", Told("n1", b"", 0, 0, None, statements))
    assert checks.count <= 100


def test_an_allowance_is_per_member_and_period() -> None:
    allowance = RateLimit(2, 1_000)
    assert [allowance.spend(Now(5, 0), "a") for _ in range(4)] == [True, True, False, False]
    assert allowance.spend(Now(6, 0), "b")
    assert not allowance.spend(Now(999, 0), "a") and allowance.spend(Now(1_000, 0), "a")


def test_one_that_asks_without_end_is_answered_a_few_times_and_the_others_too() -> None:
    bench = Bench()
    for _ in range(50):
        bench.hear("n2", Recall(b"again"))
        bench.hear("n3", Ask(b"q", 0, 0, 0))
    assert 0 < len(bench.said(Recalled)) <= 4
    assert 0 < len(bench.said(Told)) <= 2
    bench.hear("n0", Recall(b"once"))
    assert bench.said(Recalled)[-1].receiver == "n0"


def test_votes_of_the_epoch_after_the_next_leave_no_trace() -> None:
    bench = Bench(head=7, stable=4)
    grown(bench, 9)
    hear_in(bench, 7, "n2", Prepare(0, 9, b"d" * 32))
    assert bench.whys() == ["not a validator"]
    bench.do(Executed(8, b"h" * 32, bench.epochs.newest))
    bench.stabilise(8)
    assert len(bench.replica.state.log) == 0
