"""The pool at its edges: bytes that are nothing, messages that are too much, and what it forgets."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import msgpack

from consortium.core.codec import sha256
from consortium.core.machine import (
    Available,
    Broadcast,
    Decide,
    Executed,
    Expired,
    Jumped,
    Note,
    Received,
    SetTimer,
    Started,
    Submitted,
)
from consortium.core.messages import Signed
from consortium.core.transaction import Bundle, encode_batch, encode_transaction, sign_bundle
from consortium.node import held_bundles
from consortium.node.pool import RELAY_TIMER, WASTED_MAX
from consortium.node.relays import RELAY_BUNDLES_MAX
from consortium.node.submission import SUBMISSION_BUNDLES_MAX, Busy, Submission
from tests.unit.node.test_pool import CHAIN, NOBODY, SUITE, at, bundle, execute, pool, received, secret, taken


def whys(effects: Any) -> list[str]:
    return [effect.fields["why"] for effect in effects if isinstance(effect, Note)]


def test_a_busy_answer_is_told_and_changes_nothing() -> None:
    it = pool()
    (note,) = it.step(at(0), Received("b", Busy(b"d" * 32, 3), Signed("b", b"", b""), 0, b""))
    assert isinstance(note, Note) and note.fields == {"by": "b", "refused": 3}
    assert it.waiting == 0


def test_an_attachment_that_is_no_list_of_bundles_is_refused() -> None:
    attachment = b"\xc1 no MessagePack"
    event = Received("b", Submission(sha256(attachment)), Signed("b", b"", b""), 0, attachment)
    assert whys(pool().step(at(0), event)) == ["submission malformed"]


def test_what_others_say_to_the_node_is_not_for_the_pool() -> None:
    it = pool()
    assert it.step(at(0), Started(())) == []
    assert it.step(at(0), Executed(1, b"h", it._epochs.newest)) == []


def test_bytes_of_our_own_that_are_no_bundle_are_said_to_nobody() -> None:
    it = pool()
    assert it.step(at(0), Submitted((b"junk",))) == []
    good = bundle("a", 1)
    effects = it.step(at(0), Submitted((b"junk", good)))
    assert Available() in effects and sum(isinstance(effect, Broadcast) for effect in effects) == 1


def test_a_bundle_longer_than_a_batch_or_of_too_many_transactions_is_not_taken_in() -> None:
    it = pool(batch_bytes_max=400, batch_transactions_max=2)
    long = sign_bundle(CHAIN, SUITE, secret("b"), "b", [encode_transaction(1, "bill", "issue", {"x": "y" * 500})])
    for raw in (long, bundle("b", 1, count=3), b"junk"):
        assert whys(it.step(at(0), received([raw]))) == ["unfit bundles"]
    assert it.waiting == 0
    assert it.judge(encode_batch(1, [long])) == "batch too long"


def test_junk_in_a_submission_is_looked_at_a_few_times_only() -> None:
    it = pool()
    (note,) = it.step(at(0), received([b"junk %d" % index for index in range(100)] + [bundle("b", 1)]))
    assert isinstance(note, Note) and note.fields["count"] == WASTED_MAX + 1 and it.waiting == 0


def test_garbage_that_was_decided_or_ordered_changes_nothing() -> None:
    it = pool()
    it.step(at(0), received([bundle("b", 1)]))
    for batch in (None, b"garbage"):
        it.step(at(1), Decide(1, batch, NOBODY))
    it.order(b"garbage")
    assert it.waiting == 1


def test_what_was_executed_is_remembered_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger's numbers refuse it in any case: what is remembered only saves the look."""
    monkeypatch.setattr(held_bundles, "EXECUTED_REMEMBERED_MAX", 3)
    it = pool()
    raws = [bundle("b", number) for number in range(1, 8)]
    execute(it, at(0), 1, raws)
    it.step(at(1), received(raws))
    assert it.waiting == 0
    looked: list[bytes] = []
    it._bundles.decode = looked.append  # type: ignore[assignment]
    it._bundles.recall = lambda digest: None  # type: ignore[method-assign]
    it.step(at(2), received(raws[-3:]))
    assert looked == []


def test_a_relay_keeps_to_its_budget_and_goes_on_with_the_rest_later() -> None:
    it = pool(timer_base_us=1_000_000)
    raws = [bundle("b", number) for number in range(1, RELAY_BUNDLES_MAX + 9)]
    it.step(at(0), received(raws))
    effects = it.step(at(600_000), Expired(RELAY_TIMER))
    (told,) = [effect for effect in effects if isinstance(effect, Broadcast)]
    assert len(msgpack.decode(told.attachment)) == RELAY_BUNDLES_MAX
    assert [effect for effect in effects if isinstance(effect, SetTimer)] == [SetTimer(RELAY_TIMER, 500_000)]


def test_large_bundles_are_relayed_one_at_a_time() -> None:
    it = pool(timer_base_us=1_000_000)
    raws = [
        sign_bundle(CHAIN, SUITE, secret("b"), "b", [encode_transaction(index, "bill", "issue", {"x": "y" * 30_000})])
        for index in range(1, 6)
    ]
    it.step(at(0), received(raws))
    (told,) = [effect for effect in it.step(at(600_000), Expired(RELAY_TIMER)) if isinstance(effect, Broadcast)]
    assert len(msgpack.decode(told.attachment)) == 2


def test_a_pool_that_is_empty_sets_no_timer() -> None:
    it = pool()
    assert it.step(at(0), Expired(RELAY_TIMER)) == []


def test_many_submissions_are_as_few_messages_as_their_size_allows() -> None:
    it = pool(pool_transactions_max=400_000)
    raws = tuple(bundle("a", number) for number in range(1, SUBMISSION_BUNDLES_MAX + 3))
    said = [effect for effect in it.step(at(0), Submitted(raws)) if isinstance(effect, Broadcast)]
    assert [len(msgpack.decode(each.attachment)) for each in said] == [SUBMISSION_BUNDLES_MAX, 2]


def test_a_batch_of_ours_that_another_ordered_comes_back_when_its_view_ends() -> None:
    """Ordered before we had the bundle: it waits as one in flight, and then in its own place."""
    it = pool()
    raw = bundle("b", 1)
    it.order(encode_batch(1, [raw]))
    it.step(at(0), received([raw]))
    it.step(at(0), received([raw]))
    assert (it.waiting, it.unexecuted) == (0, 1)
    it.release()
    assert (it.waiting, it.unexecuted) == (1, 1) and taken(it.take(at(1))) == [raw]
    it.step(at(2), Jumped(9, lambda member: {1: b""}))
    assert (it.waiting, it.unexecuted) == (0, 0)


def test_a_bundle_of_which_nothing_can_be_executed_is_not_taken_in() -> None:
    """No block would give its transactions a number, so it would be refused, and could be sent again for ever."""
    it = pool()
    unread = sign_bundle(CHAIN, SUITE, secret("b"), "b", [b"no transaction"])
    it.step(at(0), received([unread, bundle("b", 0)]))
    assert it.waiting == 0
    it.step(at(0), received([sign_bundle(CHAIN, SUITE, secret("b"), "b", [b"x", encode_transaction(1, "a", "b", {})])]))
    assert it.waiting == 2, "the other transaction of the bundle has a number"


def test_a_bundle_of_another_format_is_unfit() -> None:
    from consortium.core.codec import encode

    it = pool()
    good = it._bundles.decode(bundle("b", 1))
    strange = encode(Bundle(2, good.member, good.key, good.transactions, good.signature))
    assert whys(it.step(at(0), received([strange]))) == ["unfit bundles"]
