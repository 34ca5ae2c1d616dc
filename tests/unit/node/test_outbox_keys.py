"""The outbox under keys that change, numbers that others took, and bundles that others brought."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.core.machine import Available, BundleSigned, Effect, Note, Now, Receipted, Sign, Submit, Submitted
from consortium.core.transaction import Bundles, encode_transaction, sign_bundle
from consortium.node.outbox import Outbox
from tests.unit.node.test_outbox import CHAIN, NOW, SUITE, Told, numbers


def key(word: bytes) -> bytes:
    return SUITE.public_key(word * 32)


def bundle(word: bytes, *transactions: bytes, member: str = "a") -> bytes:
    return sign_bundle(CHAIN, SUITE, word * 32, member, transactions)


def one(number: int = 1, amount: int = 1) -> bytes:
    return encode_transaction(number, "bill", "issue", {"x": amount})


def notes(effects: Any, kind: str) -> list[dict[str, Any]]:
    return [effect.fields for effect in effects if isinstance(effect, Note) and effect.kind == kind]


def test_a_new_registered_key_signs_what_waits_again_and_executes_it_once() -> None:
    registered = [key(b"k")]
    outbox = Outbox("a", Bundles(CHAIN, SUITE), registered=lambda: registered[0])
    old = bundle(b"k", one())
    outbox.step(NOW, Submitted((old,)))
    registered[0] = key(b"n")
    effects: Any = outbox.step(NOW, Receipted(1, 1, (), False))
    (sign,) = effects
    assert isinstance(sign, Sign) and sign.transactions == (one(),), "the same transactions, the same ids"
    assert outbox.step(NOW, Receipted(2, 1, (), False)) == [], "once a key"
    new = bundle(b"n", one())
    (note,) = notes(outbox.step(NOW, Submitted((new,))), "submitted")
    assert note["replaces"] == Bundles(CHAIN, SUITE).open(old).digest.hex()[:16]


def test_what_is_said_under_an_older_key_is_signed_again_at_once() -> None:
    outbox = Outbox("a", Bundles(CHAIN, SUITE), registered=lambda: key(b"n"))
    effects = outbox.step(NOW, Submitted((bundle(b"k", one()),)))
    assert [effect.transactions for effect in effects if isinstance(effect, Sign)] == [(one(),)]


def test_a_receipt_that_says_unknown_key_ends_no_wait() -> None:
    told = Told()
    told.submit("one")
    told.carry(told.outbox.step(NOW, told.receipts(told.said[0], code="unknown-key")))
    assert told.outbox.pending == 1
    told.carry(told.outbox.step(NOW, told.receipts(told.said[0])))
    assert told.outbox.pending == 0


def test_bundles_of_others_and_bytes_that_are_none_are_not_ours_to_wait_for() -> None:
    outbox = Outbox("a", Bundles(CHAIN, SUITE))
    assert outbox.step(NOW, Submitted((b"junk", bundle(b"k", one(), member="b")))) == []
    assert outbox.pending == 0
    assert outbox.step(NOW, Available()) == []


def test_a_bundle_signed_elsewhere_whose_transaction_cannot_be_read_is_left_to_the_ledger() -> None:
    outbox = Outbox("a", Bundles(CHAIN, SUITE))
    effects = outbox.step(NOW, Submitted((bundle(b"k", b"no transaction"),)))
    assert len(notes(effects, "submitted")) == 1 and outbox.pending == 1


def test_what_was_executed_before_it_is_said_again_is_not_waited_for() -> None:
    bundles = Bundles(CHAIN, SUITE)
    raw = bundle(b"k", one())
    identity = bundles.open(raw).ids[0]
    outbox = Outbox("a", bundles, used_by=lambda number: identity[:16] if number == 1 else None)
    outbox.step(NOW, Submitted((raw,)))
    assert outbox.pending == 0


def test_the_same_bundle_brought_twice_is_waited_for_once() -> None:
    told = Told()
    told.submit("one")
    for _ in range(2):
        told.carry(told.outbox.step(NOW, Submitted((told.said[0],))))
    assert told.outbox.pending == 1
    told.carry(told.outbox.step(NOW, told.receipts(told.said[0])))
    assert told.outbox.pending == 0


def test_two_bundles_under_one_number_are_told_apart_by_the_one_that_took_it() -> None:
    told = Told()
    told.submit("one")
    rival = bundle(b"k", one(1, 9))
    told.carry(told.outbox.step(NOW, Submitted((rival,))))
    assert told.outbox.pending == 2
    told.carry(told.outbox.step(NOW, told.receipts(rival)))
    assert told.outbox.pending == 1 and numbers(told, told.said[-1]) == [2]


def test_who_wishes_nothing_says_nothing() -> None:
    outbox = Outbox("a", Bundles(CHAIN, SUITE))
    effects: list[Effect] = list(outbox.step(NOW, Submit("empty", ())))
    assert effects == [] and outbox.pending == 0


@pytest.mark.parametrize("count", [1, 3])
def test_included_is_told_with_the_last_transaction_of_a_bundle(count: int) -> None:
    told = Told()
    told.submit("one", count)
    past = told.receipts(told.said[0])
    for index, outcome in enumerate(past.outcomes):
        told.carry(told.outbox.step(Now(9, 9), Receipted(1, 1, (outcome,), False)))
        assert len([note for note in told.notes if note.kind == "included"]) == (index == count - 1)


class Hosted:
    """An outbox whose host has one secret, whatever key is registered; it counts what the host was asked to sign."""

    def __init__(self, registered: bytes, word: bytes = b"k") -> None:
        self.registered = registered
        self.word = word
        self.outbox = Outbox("a", Bundles(CHAIN, SUITE), registered=lambda: self.registered)
        self.signed = 0
        self.out: list[Effect] = []

    def hear(self, event: Any) -> None:
        """One step of a host: whatever comes back to the outbox is heard at once."""
        pending = [event]
        while pending:
            assert self.signed < 50, "it signs without end"
            for effect in self.outbox.step(NOW, pending.pop(0)):
                self.out.append(effect)
                if isinstance(effect, Sign):
                    self.signed += 1
                    raw = bundle(self.word, *effect.transactions)
                    pending.append(BundleSigned(effect.reference, raw))
                elif isinstance(effect, Submitted):
                    pending.append(effect)


def test_a_registered_key_that_the_host_has_not_is_told_once_and_signed_for_no_more() -> None:
    """It signed, found the key wrong, and signed the same again, inside one step and without end."""
    hosted = Hosted(key(b"n"))
    hosted.hear(Submitted((bundle(b"k", one()),)))
    assert hosted.signed == 1
    for number in (2, 3):
        hosted.hear(Submit(f"wish {number}", (("bill", "issue", {"x": 1}),)))
    hosted.hear(Submitted((bundle(b"k", one(9)),)))
    hosted.hear(Receipted(1, 1, (), False))
    assert hosted.signed == 3, "the wishes alone"
    assert len(notes(hosted.out, "key_missing")) == 1


def test_what_waited_for_a_key_of_ours_is_signed_again_when_one_is_registered() -> None:
    hosted = Hosted(key(b"n"))
    hosted.hear(Submit("wish", (("bill", "issue", {"x": 1}),)))
    hosted.registered, hosted.word = key(b"m"), b"m"
    before = hosted.signed
    hosted.hear(Receipted(1, 1, (), False))
    assert hosted.signed == before + 1
    said = [raw for effect in hosted.out if isinstance(effect, Submitted) for raw in effect.bundles]
    assert Bundles(CHAIN, SUITE).open(said[-1]).key == key(b"m")
    hosted.registered, hosted.word = key(b"z"), b"m"
    hosted.hear(Receipted(2, 1, (), False))
    assert len(notes(hosted.out, "key_missing")) == 2, "once a key"
