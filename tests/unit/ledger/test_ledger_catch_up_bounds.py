"""What one member can make another keep or send while catching up is bounded; an honest one is not held up."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from msgspec.structs import replace

from consortium.core.codec import Malformed, encode
from consortium.core.machine import Now, Received, Send
from consortium.core.messages import Signed
from consortium.core.seals import Checkpoint
from consortium.ledger import fetch, serve
from consortium.ledger.fetch import BlockFetch, Nonces, SnapshotFetch, _Request
from consortium.ledger.messages import Blocks, FetchBlocks, FetchSnapshot, Sealed, Snapshot, Status
from tests.unit.ledger.test_ledger_catch_up import FAR, LONG, _net


def _asked_snapshots(net: Any) -> list[FetchSnapshot]:
    return [message for _, message in net.sent if isinstance(message, FetchSnapshot)]


@pytest.mark.parametrize(("boasting", "is_asked"), [(("ada",), False), (("ada", "bob"), True)])
def test_a_snapshot_is_begun_when_more_than_the_traitors_claim_to_be_far_ahead(
    boasting: tuple[str, ...], is_asked: bool
) -> None:
    net = _net(LONG, behind=("ada", "bob", "cyd", "dan"))
    net.run(1_000_000)
    for name in boasting:
        message = Status(50_000, 0, 1)
        net.nodes["dan"].hear(Received(name, message, Signed(name, b"", b""), 0, b""))
    net.run(2_000_000)
    assert bool(_asked_snapshots(net)) == is_asked
    assert is_asked or any(isinstance(message, FetchBlocks) for _, message in net.sent)


def test_a_block_fetch_that_one_claim_began_gives_way_to_a_snapshot_that_two_prove() -> None:
    net = _net(FAR)
    dan = net.nodes["dan"]
    net.passes = lambda sender, receiver, message: receiver != "dan"  # no seal either, which would prove it
    dan.hear(Received("ada", Status(200, 0, 1), Signed("ada", b"", b""), 0, b""))
    net.run(1_000_000)
    assert not _asked_snapshots(net) and any(isinstance(message, FetchBlocks) for _, message in net.sent)
    net.passes = lambda *_: True
    dan.hear(Received("bob", Status(200, 0, 1), Signed("bob", b"", b""), 0, b""))
    net.run(5_000_000)
    assert dan.head == 200 and dan.noted("snapshot") == [{"height": 200}]


def _is(effect: Any, kind: type) -> bool:
    return isinstance(effect, Send) and isinstance(effect.message, kind)


@pytest.mark.parametrize("size", [3_000_000, 900_000])
def test_junk_parts_are_dropped_at_a_bound_and_another_member_is_asked(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part too big is refused at once; parts of a size that may be, when all together exceed the budget."""
    monkeypatch.setattr(fetch, "SNAPSHOT_BYTES_MAX", 3_000_000)
    net = _net(FAR)
    junk = encode([(b"junk", bytes(size))])
    held: list[int] = []

    def lie(effect: Any) -> Any:
        if not _is(effect, Snapshot):
            return effect
        now = net.nodes["dan"].catch_up._fetch
        held.append(now._bytes if isinstance(now, SnapshotFetch) else 0)
        changed = replace(effect.message, parts=400, digest=sha256(junk).digest())
        return effect._replace(message=changed, attachment=junk)

    for name in ("ada", "bob"):
        net.nodes[name].lies = lie
        original = net.nodes[name].catch_up._server._snapshot

        def any_part(now: Now, event: Received, asked: FetchSnapshot, original: Any = original) -> Any:
            effects = original(now, event, replace(asked, part=0))
            return [e._replace(message=replace(e.message, part=asked.part)) for e in effects]

        net.nodes[name].catch_up._server._snapshot = any_part  # type: ignore[method-assign]
    net.run(40_000_000)
    dan = net.nodes["dan"]
    assert held and max(held) <= 3_000_000
    assert any("a part of " in note["why"] for note in dan.noted("rejected"))
    assert dan.chain.ledger.head == FAR.ledger.head


def _question(index: int) -> Received:
    message = FetchBlocks("ada", index.to_bytes(4, "big"), 1, 64)
    return Received("bob", message, Signed("bob", b"", b""), 0, b"")


def test_one_member_is_sent_no_more_bytes_a_second_than_the_ration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "BYTES_A_SECOND", 200_000)
    net = _net(LONG)
    server = net.nodes["ada"].catch_up._server

    def size(effects: list[Any]) -> int:
        return sum(len(effect.attachment) for effect in effects)

    one = size(server.on_question(Now(0, 0), _question(0)))
    sent = one + sum(size(server.on_question(Now(0, 0), _question(index))) for index in range(1, 400))
    assert 200_000 <= sent < 200_000 + one and server.owes
    assert size(server.pay(Now(0, 0))) == 0
    sent += sum(size(server.pay(Now(at, at))) for at in range(0, 1_000_000, 50_000))
    assert sent < 400_000 + one


def test_an_honest_node_gets_late_answers_and_is_not_taken_for_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "BYTES_A_SECOND", 20_000)
    net = _net(LONG)
    net.run(15_000_000)
    assert net.nodes["dan"].head == 100
    assert net.nodes["dan"].noted("rejected") == []
    assert not any(node.catch_up._server.owes for node in net.nodes.values())


def _peak_bytes(act: Callable[[], object]) -> int:
    """How much more memory than before this takes at its worst; it must be refused as malformed."""
    gc.collect()
    tracemalloc.start()
    try:
        with pytest.raises(Malformed):
            act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_answer_is_counted_before_it_is_decoded() -> None:
    """Regression: 16 MB of empty blocks cost 235 MB before they were counted."""
    blocks = BlockFetch("ada", Nonces("dan"), 0)
    (asked,) = blocks.pump(Now(0, 0), 0, 64)
    assert isinstance(asked, Send) and isinstance(asked.message, FetchBlocks)
    for count in (64, 2_000_000):
        junk = b"\xdd" + count.to_bytes(4, "big") + b"\x93\xc0\xc4\x00\xc0" * 2_000_000
        answer = Blocks("dan", asked.message.nonce, 1, sha256(junk).digest())
        event = Received("ada", answer, Signed("ada", b"", b""), 0, junk)
        blocks._requests[answer.nonce] = _Request(1, 64, 0)
        assert _peak_bytes(lambda event=event, answer=answer: blocks.take(event, answer)) < 1_000_000  # type: ignore[misc]


def test_rows_of_a_snapshot_are_counted_with_what_they_cost_in_memory() -> None:
    """Regression: 32 MB of tiny rows were taken for 32 MB, and cost 476 MB."""
    net = _net(FAR)
    net.run(100_000)
    snapshot = SnapshotFetch("ada", Nonces("dan"), 0)
    snapshot._count, snapshot._header = 400, FAR.ledger.head  # as its first part has said
    snapshot.height = FAR.ledger.head.height
    part = encode([(index.to_bytes(3, "big"), b"") for index in range(200_000)])
    message = Snapshot("dan", b"n", snapshot.height, 0, 400, (), b"", sha256(part).digest())
    taken = 0
    with pytest.raises(Malformed, match="200000 rows"):
        for number in range(400):
            answer = replace(message, part=number)
            snapshot._requests[b"n"] = (number, 0)
            event = Received("ada", answer, Signed("ada", b"", b""), 0, part)
            snapshot.take(event, answer, FAR.epochs, FAR.verifier)
            taken += len(part)
    assert taken < 5_000_000, "of rows that cost a few bytes on the wire few are taken"


def _asked_blocks(net: Any) -> list[FetchBlocks]:
    return [message for _, message in net.sent if isinstance(message, FetchBlocks)]


def _boast(net: Any, name: str, height: int) -> None:
    message = Status(height, 0, net.now.monotonic_us)
    net.nodes["dan"].hear(Received(name, message, Signed(name, b"", b""), 0, b""))


@pytest.mark.parametrize(("boasting", "is_believed"), [(("ada",), False), (("ada", "bob"), True)])
def test_one_members_boast_costs_one_question_to_it_for_one_block(boasting: tuple[str, ...], is_believed: bool) -> None:
    """Positive control: what f+1 say is worth asking everybody for many."""
    net = _net(LONG, behind=())
    net.run(1_000_000)
    net.sent.clear()
    for name in boasting:
        _boast(net, name, 150)
    net.run(9_000_000)
    asked = _asked_blocks(net)
    many = [message for message in asked if message.last_height > message.first_height]
    assert bool(many) == is_believed
    assert bool(net.nodes["dan"].noted("catching_up")) == is_believed
    assert is_believed or {(message.receiver, message.first_height) for message in asked} == {("ada", 101)}
    assert is_believed or len(asked) == 1


def test_one_honest_member_alone_is_enough_to_catch_up_from() -> None:
    """Nobody else is ahead, and no seal comes: its first block proves that it says the truth."""
    net = _net(LONG, behind=("bob", "cyd", "dan"))
    net.passes = lambda sender, receiver, message: not isinstance(message, Sealed | Checkpoint)
    net.nodes.pop("bob")
    net.nodes.pop("cyd")
    net.run(3_000_000)
    assert net.nodes["dan"].head == 100
    assert {message.receiver for message in _asked_blocks(net)} == {"ada"}


def _held(node: Any) -> int:
    now = node.catch_up._fetch
    return now._bytes if isinstance(now, BlockFetch) else 0


def test_what_a_liar_can_make_a_node_hold_is_bounded_by_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """It withholds the next block, and gives large ones above it. Nothing above the bound is asked for."""
    monkeypatch.setattr(fetch, "READY_BYTES_MAX", 400_000)
    monkeypatch.setattr(fetch, "ANSWER_BYTES_MAX", 100_000)
    net = _net(LONG)
    held: list[int] = []
    asked: list[int] = []

    def lie(effect: Any) -> Any:
        if not _is(effect, Blocks):
            return effect
        held.append(_held(net.nodes["dan"]))
        asked.append(effect.message.first_height)
        if effect.message.first_height == 1:
            return None
        junk = encode([(bytes(30_000), b"", None)] * 3)
        return effect._replace(message=replace(effect.message, digest=sha256(junk).digest()), attachment=junk)

    for name in ("ada", "bob"):
        net.nodes[name].lies = lie
    net.run(20_000_000)
    assert 90_000 < max(held) <= 400_000
    assert net.nodes["dan"].chain.ledger.head == LONG.ledger.head, "and the third member was asked in the end"


def test_several_blocks_in_an_answer_above_the_bound_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "ANSWER_BYTES_MAX", 50_000)
    net = _net(LONG)
    junk = encode([(bytes(30_000), b"", None)] * 2)

    def lie(effect: Any) -> Any:
        if not _is(effect, Blocks):
            return effect
        return effect._replace(message=replace(effect.message, digest=sha256(junk).digest()), attachment=junk)

    net.nodes["ada"].lies = net.nodes["bob"].lies = lie
    net.run(20_000_000)
    dan = net.nodes["dan"]
    assert any("2 blocks in" in note["why"] for note in dan.noted("rejected"))
    assert dan.head == 100


@pytest.mark.parametrize("parts", [1, 3])
def test_a_giver_whose_rows_are_not_those_of_the_sealed_root_costs_one_copy_and_is_left_for_another(parts: int) -> None:
    """State rows are proven only when the last has come: a liar is found then, at the price of what it sent once."""
    net = _net(FAR)
    sent: list[tuple[str, int]] = []

    def lie(name: str) -> Any:
        def lied(effect: Any) -> Any:
            if not _is(effect, Snapshot):
                return effect
            junk = encode([(b"junk %d" % effect.message.part, bytes(100_000))])
            sent.append((name, effect.message.part))
            message = replace(effect.message, parts=parts, digest=sha256(junk).digest())
            return effect._replace(message=message, attachment=junk)

        return lied

    for name in ("ada", "bob"):
        net.nodes[name].lies = lie(name)
        server = net.nodes[name].catch_up._server
        _answer_any_part(server)
    net.run(25_000_000)
    dan = net.nodes["dan"]
    assert dan.chain.ledger.head == FAR.ledger.head
    liars = sorted({name for name, _ in sent})
    assert liars and sorted(sent) == [(name, part) for name in liars for part in range(parts)], "each gave one copy"
    assert len([note for note in dan.noted("rejected") if "state root" in note["why"]]) == len(liars)


def _answer_any_part(server: Any) -> None:
    original = server._snapshot

    def any_part(now: Now, event: Received, asked: FetchSnapshot) -> Any:
        effects = original(now, event, replace(asked, part=0))
        return [e._replace(message=replace(e.message, part=asked.part)) for e in effects]

    server._snapshot = any_part


def test_late_answers_do_not_make_a_node_believe_that_it_has_caught_up() -> None:
    """Regression (a starved machine): those that claimed more were left alone for a moment, and their claims forgotten;
    the node said that it had caught up, at height 161 of 5,700."""
    net = _net(LONG)
    dan = net.nodes["dan"]
    seen: list[int] = []

    def passes(sender: str, receiver: str, message: Any) -> bool:
        if isinstance(message, Sealed | Checkpoint):
            return False
        if isinstance(message, Blocks) and message.first_height > 1:
            seen.append(net.now.monotonic_us)
            return net.now.monotonic_us > 15_000_000
        return True

    net.passes = passes
    net.run(14_000_000)
    assert seen and 0 < dan.head < 100 and dan.noted("caught_up") == []
    assert any("no answer" in note["why"] for note in dan.noted("rejected"))
    net.run(40_000_000)
    assert dan.head == 100 and dan.noted("caught_up") == [{"height": 100}]
    assert len(dan.noted("catching_up")) == 1
