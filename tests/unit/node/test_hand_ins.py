"""What an application handed in: durable before it is said, said again after a boot, dropped when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from consortium.core.codec import encode
from consortium.core.contract import OK, Receipt
from consortium.core.machine import Effect, HandedIn, Jumped, Note, Outcome, Persist, Receipted, Started, Submitted
from consortium.core.requests import request_number
from consortium.core.transaction import Bundles, Opened, encode_transaction, sign_bundle
from consortium.node.hand_ins import KEPT_HEIGHTS, RENEWED_BEFORE, SAID_MAX, Handed, HandIns
from tests.unit.node.test_outbox import CHAIN, NOW, SUITE


class Site:
    """Beside a ledger of which we say what it has used."""

    def __init__(self) -> None:
        self.bundles = Bundles(CHAIN, SUITE)
        self.used: dict[int, bytes] = {}
        self.height = 0
        self.gone: set[bytes] = set()
        self.hand_ins = self.boot()

    def boot(self) -> HandIns:
        self.hand_ins = HandIns(
            self.bundles, self.is_gone, lambda _, number: self.used.get(number), lambda: self.height
        )
        return self.hand_ins

    def is_gone(self, bundle: Opened) -> bool:
        return bundle.digest in self.gone

    def step(self, event: Any) -> list[Effect]:
        return list(self.hand_ins.step(NOW, event))

    def executed(self, *ids: bytes, code: str = OK) -> list[Effect]:
        self.height += 1
        outcomes = tuple(Outcome("m", 1, "c", "o", b"", Receipt(each, code, "", ())) for each in ids)
        return self.step(Receipted(self.height, 1, outcomes, False))


def request(token: int) -> bytes:
    return encode_transaction(request_number(20260730, token), "bill", "issue", {"x": token})


def bundle(*tokens: int) -> bytes:
    return sign_bundle(CHAIN, SUITE, b"k" * 32, "m", [request(token) for token in tokens])


def kept(effects: Sequence[Effect]) -> list[tuple[Any, Any]]:
    return [(effect.record, effect.height) for effect in effects if isinstance(effect, Persist)]


def record(raw: bytes) -> bytes:
    return encode(Handed(1, raw))


def test_a_bundle_is_durable_before_it_is_said_and_said_once() -> None:
    site, one, two = Site(), bundle(1), bundle(2, 3)
    effects = site.step(HandedIn((one, b"junk", two, one)))
    assert [type(effect) for effect in effects] == [Persist, Note, Persist, Note, Submitted]
    assert kept(effects) == [(record(one), KEPT_HEIGHTS), (record(two), KEPT_HEIGHTS)]
    assert effects[-1] == Submitted((one, two)) and site.hand_ins.pending == 3
    assert site.step(HandedIn((one,))) == [], "it is known"
    opened = site.bundles.open(two)
    assert site.executed(opened.ids[0]) == [] and site.hand_ins.pending == 2
    (note,) = site.executed(opened.ids[1], code="not-permitted")
    assert isinstance(note, Note) and note.kind == "included"
    bundle_id = opened.digest.hex()[:16]
    assert note.fields == {"height": 2, "transactions": 2, "latency_us": 0, "bundle": bundle_id}
    assert site.hand_ins.pending == 1, "what is refused is over, too"


def test_a_boot_says_again_what_was_not_executed() -> None:
    site, done, open_ = Site(), bundle(1), bundle(2)
    site.gone.add(site.bundles.open(done).digest)
    site.boot()
    site.height = 7
    effects = site.step(Started((record(done), record(open_), record(open_))))
    assert kept(effects) == [(record(open_), 7 + KEPT_HEIGHTS)] and effects[-1] == Submitted((open_,))
    assert site.step(HandedIn((open_, done))) == [], "the one waits, the other is over"


def test_what_was_recovered_is_said_bit_by_bit() -> None:
    size = 500
    raws = [bundle(*range(first, first + size)) for first in range(0, 3 * SAID_MAX, size)]
    site = Site()
    effects = site.step(Started(tuple(map(record, raws))))
    assert [len(said.bundles) for said in effects if isinstance(said, Submitted)] == [SAID_MAX // size]
    effects = site.executed(*site.bundles.open(raws[0]).ids)
    assert [type(effect) for effect in effects] == [Note, Submitted]
    assert effects[-1] == Submitted((raws[SAID_MAX // size],))


def test_a_record_is_written_anew_before_a_seal_reaches_it() -> None:
    """A seal stands at most at the head; a log forgets what lies at or below it."""
    site, raw = Site(), bundle(1)
    until = kept(site.step(HandedIn((raw,))))[0][1]
    for _ in range(5 * KEPT_HEIGHTS):
        renewed = kept(site.executed())
        assert until > site.height, "in the log, whatever was sealed"
        if renewed:
            assert until == site.height + RENEWED_BEFORE and renewed[0][0] == record(raw)
            until = renewed[0][1]
    assert until > 5 * KEPT_HEIGHTS
    assert kept(site.step(Jumped(10_000, lambda _: {}))) == [(record(raw), 10_000 + KEPT_HEIGHTS)]


def test_what_can_be_executed_no_more_is_dropped_with_a_note_unless_it_was_executed() -> None:
    site, one, two = Site(), bundle(1), bundle(2)
    site.step(HandedIn((one, two)))
    opened = site.bundles.open(one)
    site.used = {request_number(20260730, 1): opened.ids[0][:16]}
    site.gone = {opened.digest, site.bundles.open(two).digest}
    notes = [each for each in site.step(Jumped(9, lambda _: {})) if isinstance(each, Note)]
    assert [each.kind for each in notes] == ["included", "hand_in_dropped"] and notes[1].fields["transactions"] == 1
    assert site.hand_ins.pending == 0
