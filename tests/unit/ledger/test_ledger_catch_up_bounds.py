"""What one member can make another keep or send while catching up is bounded; an honest one is not held up."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from msgspec.structs import replace
from test_ledger_catch_up import FAR, LONG, _net

from consortium.core.codec import encode
from consortium.core.machine import Now, Received, Send
from consortium.core.messages import Signed
from consortium.ledger import fetch, serve
from consortium.ledger.fetch import SnapshotFetch
from consortium.ledger.messages import FetchBlocks, FetchSnapshot, Snapshot, Status


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
    assert any("bytes, " in note["why"] for note in dan.noted("rejected"))
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
