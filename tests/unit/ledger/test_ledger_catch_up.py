"""A node that was away ends with the ledger of the others, whoever lies to it."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.core.genesis import Genesis
from consortium.core.machine import Behind, Decide, Received, Send
from consortium.core.messages import Signed
from consortium.ledger.messages import Blocks, FetchBlocks, FetchSnapshot, Snapshot, Status
from consortium.ledger.rows import DictRows
from consortium.ledger.verify import Fault, verify_ledger
from tests.unit.ledger.ledger_kit import CONTRACTS, NAMES, PROTOCOL, Add, Chain, Scatter, make_genesis
from tests.unit.ledger.ledger_net import Net

GENESIS = make_genesis(checkpoint_interval=4, window=8, snapshot_gap=150)


def _history(genesis: Genesis, blocks: int, seal_each: int = 4) -> Chain:
    source = Chain(genesis)
    source.decide(source.bundle("bob", source.transaction("bob", "scatter", Scatter("many", 300))))
    for _ in range(blocks - 1):
        if source.ledger.head_height % 7 == 3:
            source.decide_nothing()
        else:
            source.decide(source.add("ada", f"x{source.ledger.head_height % 9}", 1))
        if source.ledger.head_height % seal_each == 0:
            source.seal()
    return source


LONG = _history(GENESIS, 100)


def _net(source: Chain, *, behind: tuple[str, ...] = ("dan",), genesis: Genesis = GENESIS) -> Net:
    net = Net(genesis, ())
    for name in NAMES:
        net.boot(name, None if name in behind else source.rows.copy())
    return net


def test_a_node_that_was_away_catches_up_at_boot_with_seals() -> None:
    net = _net(LONG)
    net.run(2_000_000)
    dan = net.nodes["dan"]
    assert dan.head == 100 and dan.sealer.stable_height == 100
    assert dan.chain.ledger.head == LONG.ledger.head
    assert dan.noted("catching_up") == [{"from_height": 0, "to_height": 100}]
    assert dan.noted("caught_up") == [{"height": 100}]
    assert verify_ledger(GENESIS, dan.chain.rows, CONTRACTS, PROTOCOL).seals == 25


def test_an_idle_node_that_missed_the_last_height_still_gets_it() -> None:
    net = _net(LONG, behind=())
    net.run(1_000_000)
    decided = LONG_NEXT
    net.decide(decided, NAMES[:3])
    net.run(25_000_000)
    assert net.nodes["dan"].head == 101
    assert net.nodes["dan"].sealer.stable_height == 101


def test_a_small_gap_is_left_to_consensus_while_it_closes_it() -> None:
    net = _net(LONG, behind=())
    net.run(1_000_000)
    net.sent.clear()
    dan = net.nodes["dan"]
    net.decide(LONG_NEXT, NAMES[:3])
    dan.hear(Behind(101))
    net.run(200_000)
    net.decide(LONG_NEXT, ("dan",))
    net.run(2_000_000)
    assert not any(isinstance(message, FetchBlocks) for _, message in net.sent)


def _lying(kind: str) -> Any:
    """How Ada lies when asked for blocks."""

    def lie(effect: Any) -> Any:
        if not (isinstance(effect, Send) and isinstance(effect.message, Blocks)):
            return effect
        if kind == "silent":
            return None
        if kind == "other attachment":
            return effect._replace(attachment=b"\x90")
        if kind == "garbage":
            return _with(effect, b"\xc1\x00")
        if kind == "nothing":
            return _with(effect, b"\x90")
        return _with(effect, effect.attachment.replace(b"\xa3add", b"\xa3bdd"))

    return lie


def _with(effect: Send, attachment: bytes) -> Send:
    from hashlib import sha256

    message = effect.message
    assert isinstance(message, Blocks)
    changed = Blocks(message.receiver, message.nonce, message.first_height, sha256(attachment).digest())
    return effect._replace(message=changed, attachment=attachment)


@pytest.mark.parametrize("kind", ["silent", "other attachment", "garbage", "nothing", "changed batch"])
def test_a_liar_is_left_alone_and_another_is_asked(kind: str) -> None:
    net = _net(LONG)
    net.nodes["ada"].lies = net.nodes["bob"].lies = _lying(kind)
    net.run(20_000_000)
    assert net.nodes["dan"].chain.ledger.head == LONG.ledger.head


def test_if_all_lie_nothing_is_executed_and_the_node_lives() -> None:
    net = _net(LONG)
    for name in NAMES[:3]:
        net.nodes[name].lies = _lying("changed batch")
    net.run(20_000_000)
    assert net.nodes["dan"].head < 5
    for name in NAMES[:3]:
        net.nodes[name].lies = lambda effect: effect
    net.run(120_000_000)
    assert net.nodes["dan"].head == 100


def test_a_claim_of_an_absurd_height_does_no_harm() -> None:
    net = _net(LONG)
    dan = net.nodes["dan"]
    for height in (1 << 61, 1 << 63, -5):
        message = Status(height, -1, 0)
        dan.hear(Received("ada", message, net.sign("ada", 0, message), 0, b""))
    dan.hear(Behind(1 << 63))
    net.run(300_000_000)
    assert dan.head == 100


def test_a_node_behind_heights_that_nobody_has_yet_is_quiet_and_then_gets_them() -> None:
    net = _net(LONG, behind=())
    net.run(1_000_000)
    net.sent.clear()
    dan = net.nodes["dan"]
    dan.hear(Behind(110))
    net.run(20_000_000)
    assert sum(isinstance(message, FetchBlocks) for _, message in net.sent) <= 4
    net.decide(LONG_NEXT, NAMES[:3])
    dan.hear(Behind(101))
    net.run(1_000_000)
    assert dan.head == 101


def test_odd_questions_are_not_answered() -> None:
    net = _net(LONG)
    ada = net.nodes["ada"]
    net.sent.clear()
    for first, last in ((-5, 3), (0, 0), (1 << 63, 1 << 63), (50, 2), (500, 600)):
        message = FetchBlocks("ada", b"n", first, last)
        ada.hear(Received("bob", message, Signed("bob", b"", b""), 0, b""))
    for height, part in ((1 << 63, 0), (-1, -1), (0, 1 << 60)):
        question = FetchSnapshot("ada", b"n", height, part)
        ada.hear(Received("bob", question, Signed("bob", b"", b""), 0, b""))
    message = FetchBlocks("cyd", b"n", 1, 9)  # meant for another
    ada.hear(Received("bob", message, Signed("bob", b"", b""), 0, b""))
    assert not any(isinstance(message, Snapshot) for _, message in net.sent)
    assert all(isinstance(message, Blocks) for _, message in net.sent)


def test_blocks_that_nobody_asked_for_are_ignored() -> None:
    net = _net(LONG)
    dan = net.nodes["dan"]
    dan.hear(Received("ada", Blocks("dan", b"x", 1, bytes(32)), Signed("ada", b"", b""), 0, b""))
    message = Snapshot("dan", b"x", 5, 0, 1, (), b"", bytes(32))
    dan.hear(Received("ada", message, Signed("ada", b"", b""), 0, b""))
    assert dan.head == 0


FAR = _history(GENESIS, 200)


def test_a_node_far_behind_takes_a_snapshot_and_its_ledger_verifies() -> None:
    net = _net(FAR)
    net.run(5_000_000)
    dan = net.nodes["dan"]
    assert dan.head == 200 and dan.noted("snapshot") == [{"height": 200}]
    assert dan.chain.ledger.head == FAR.ledger.head and dan.sealer.stable_height == 200
    extra = FAR_NEXT
    net.decide(extra)
    net.run(5_000_000)
    verified = verify_ledger(GENESIS, dan.chain.rows, CONTRACTS, PROTOCOL)
    assert (verified.first_height, verified.height, verified.sealed_height) == (200, 201, 201)
    assert [past.height for past in dan.chain.ledger.history()] == [201]
    twin = Chain(GENESIS, dan.chain.rows.copy())
    assert twin.ledger.head == dan.chain.ledger.head


def test_every_changed_byte_of_a_base_is_refused() -> None:
    net = _net(FAR)
    net.run(5_000_000)
    rows = net.nodes["dan"].chain.rows
    verify_ledger(GENESIS, rows, CONTRACTS, PROTOCOL)
    for key, value in list(rows.all("base"))[::23]:
        for at in (0, len(value) // 2, len(value) - 1):
            damaged = rows.copy()
            damaged.stage([("base", key, value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :])])
            with pytest.raises(Fault):
                verify_ledger(GENESIS, damaged, CONTRACTS, PROTOCOL)


def test_after_a_restart_a_snapshot_of_an_unsealed_head_waits_for_its_seal() -> None:
    source = _history(GENESIS, 201)
    net = _net(source)
    net.run(1_000_000)
    assert net.nodes["dan"].head == 0
    net.run(5_000_000)  # the idle tail is sealed, and those who wait are answered
    assert net.nodes["dan"].head == 201
    assert net.nodes["dan"].sealer.stable_height == 201


def test_a_snapshot_is_of_the_newest_seal_while_the_head_runs_on() -> None:
    source = _history(GENESIS, 198)
    net = Net(GENESIS, NAMES[:3])
    for height in range(1, 199):
        net.decide(_stored(source, height))
        net.run(3_000)
    assert {(node.head, node.sealer.stable_height) for node in net.nodes.values()} == {(198, 196)}
    net.boot("dan")
    net.run(300_000)
    dan = net.nodes["dan"]
    assert dan.noted("snapshot") == [{"height": 196}] and dan.head == 198
    assert dan.chain.ledger.head == source.ledger.head
    assert verify_ledger(GENESIS, dan.chain.rows, CONTRACTS, PROTOCOL).first_height == 196


def test_a_changed_snapshot_is_refused_and_another_is_taken() -> None:
    net = _net(FAR)

    def lie(effect: Any) -> Any:
        from hashlib import sha256

        from msgspec.structs import replace

        if isinstance(effect, Send) and isinstance(effect.message, Snapshot):
            attachment = effect.attachment.replace(b"many-5", b"many-X")
            changed = replace(effect.message, digest=sha256(attachment).digest())
            return effect._replace(message=changed, attachment=attachment)
        return effect

    net.nodes["ada"].lies = net.nodes["bob"].lies = lie
    net.run(40_000_000)
    assert net.nodes["dan"].head == 200
    assert net.nodes["dan"].chain.ledger.head == FAR.ledger.head


def test_a_node_whose_peers_all_began_with_snapshots_takes_one() -> None:
    net = _net(FAR, behind=("bob", "cyd", "dan"))
    net.run(5_000_000)
    net.decide(FAR_NEXT)
    net.run(3_000_000)
    net.nodes.pop("ada")
    net.nodes.pop("dan")
    rows = DictRows()
    young = Chain(GENESIS, rows)
    for height in range(1, 150):  # a gap below `snapshot_gap`
        young.ledger.step(net.now, _stored(FAR, height))
    net.boot("dan", rows)
    net.run(20_000_000)
    assert net.nodes["dan"].head == 201


def _stored(chain: Chain, height: int) -> Decide:
    from consortium.core.seals import decode_certificate
    from consortium.ledger.rows import height_key

    key = height_key(height)
    batch, certificate = chain.rows.get("batch", key), chain.rows.get("certificate", key)
    assert batch is not None and certificate is not None
    return Decide(height, batch or None, decode_certificate(certificate))


def _next(chain: Chain) -> Decide:
    return chain.decision(chain.bundle("cyd", chain.transaction("cyd", "add", Add("next", 1))))


LONG_NEXT, FAR_NEXT = _next(LONG), _next(FAR)
