"""CHECKPOINTs become seals: by a quorum, at the interval and when idle, also where votes were lost."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.core.machine import Behind, Received
from consortium.core.messages import Signed
from consortium.core.seals import Checkpoint
from consortium.ledger.certificate import newest_seal
from consortium.ledger.messages import Sealed
from consortium.ledger.verify import verify_ledger
from tests.unit.ledger.ledger_kit import CONTRACTS, NAMES, PROTOCOL, Chain, certify, make_genesis
from tests.unit.ledger.ledger_net import Net

GENESIS = make_genesis(checkpoint_interval=4, window=8, idle_seal_us=2_000_000)


@pytest.fixture
def net() -> Net:
    return Net(GENESIS, NAMES)


def _grow(net: Net, source: Chain, blocks: int, names: tuple[str, ...] = NAMES) -> None:
    for _ in range(blocks):
        decided = source.decision(source.add("ada", "x", 1))
        source.ledger.step(net.now, decided)
        net.decide(decided, names)


def test_a_checkpoint_height_is_sealed_by_a_quorum(net: Net) -> None:
    _grow(net, Chain(GENESIS), 5)
    net.run(100_000)
    for node in net.nodes.values():
        assert node.sealer.stable_height == 4
        height, seal = newest_seal(node.chain.rows)
        assert height == 4 and seal is not None and len(seal.signatures) >= 3
        assert [fields["height"] for fields in node.noted("sealed")] == [4]


def test_an_idle_head_is_sealed_and_then_it_is_quiet(net: Net) -> None:
    _grow(net, Chain(GENESIS), 5)
    net.run(2_500_000)
    assert {node.sealer.stable_height for node in net.nodes.values()} == {5}
    net.sent.clear()
    net.run(60_000_000)
    assert len(net.sent) <= 6 * len(NAMES)  # a Status in ten seconds each


def test_fewer_than_a_quorum_seal_nothing(net: Net) -> None:
    net.passes = lambda sender, receiver, _: (sender in NAMES[:2]) == (receiver in NAMES[:2])
    _grow(net, Chain(GENESIS), 4, NAMES[:2])
    net.run(30_000_000)
    assert {node.sealer.stable_height for node in net.nodes.values()} == {0}
    net.passes = lambda *_: True  # the others come back, catch up, and vote
    net.run(30_000_000)
    assert {node.sealer.stable_height for node in net.nodes.values()} == {4}


def test_lost_votes_are_said_again(net: Net) -> None:
    net.passes = lambda _, __, message: not isinstance(message, Checkpoint)
    _grow(net, Chain(GENESIS), 4)
    net.run(500_000)
    assert {node.sealer.stable_height for node in net.nodes.values()} == {0}
    net.passes = lambda *_: True
    net.run(3_000_000)
    assert {node.sealer.stable_height for node in net.nodes.values()} == {4}


def test_who_lost_all_votes_gets_the_seal_from_those_who_have_it(net: Net) -> None:
    net.passes = lambda _, receiver, message: receiver != "dan" or not isinstance(message, Checkpoint)
    _grow(net, Chain(GENESIS), 4)
    net.run(3_000_000)
    assert net.nodes["dan"].sealer.stable_height == 4
    assert verify_ledger(GENESIS, net.nodes["dan"].chain.rows, CONTRACTS, PROTOCOL).sealed_height == 4


def test_a_member_counts_once_and_only_for_what_we_executed(net: Net) -> None:
    source = Chain(GENESIS)
    _grow(net, source, 4, ("ada",))
    ada = net.nodes["ada"]
    net.run(10)

    def vote(name: str, digest: bytes, height: int = 4) -> None:
        certificate = certify(GENESIS, Checkpoint(height, digest), (name,))
        signed = Signed(name, certificate.body, certificate.signatures[0][1])
        ada.hear(Received(name, Checkpoint(height, digest), signed, 0, b""))

    for _ in range(5):
        vote("bob", source.ledger.head_digest)
    vote("cyd", bytes(32))
    vote("cyd", source.ledger.head_digest)  # too late: the first counts
    assert ada.sealer.stable_height == 0
    vote("eve", source.ledger.head_digest)
    vote("dan", b"short")
    assert ada.sealer.stable_height == 0
    vote("dan", source.ledger.head_digest)
    assert ada.sealer.stable_height == 4


def test_huge_and_negative_heights_are_harmless(net: Net) -> None:
    ada = net.nodes["ada"]
    for height in (-1, -(1 << 63), 1 << 62, (1 << 64) - 1):
        for name in NAMES[1:]:
            certificate = certify(GENESIS, Checkpoint(height, bytes(32)), (name,))
            signed = Signed(name, certificate.body, certificate.signatures[0][1])
            ada.hear(Received(name, Checkpoint(height, bytes(32)), signed, 0, b""))
            seal = Sealed(certify(GENESIS, Checkpoint(height, bytes(32))))
            ada.hear(Received(name, seal, signed, 0, b""))
    net.run(60_000_000)
    assert ada.sealer.stable_height == 0 and ada.head == 0


def test_f_plus_1_votes_above_the_head_say_that_we_are_behind(net: Net) -> None:
    sealer = net.nodes["ada"].sealer
    told: list[Any] = []
    for name, height in (("bob", 100), ("cyd", 200), ("cyd", 300)):
        certificate = certify(GENESIS, Checkpoint(height, bytes(32)), (name,))
        signed = Signed(name, certificate.body, certificate.signatures[0][1])
        told += sealer.step(net.now, Received(name, Checkpoint(height, bytes(32)), signed, 0, b""))
    assert told == [Behind(100), Behind(100)]


def test_a_seal_by_too_few_or_by_strangers_is_rejected(net: Net) -> None:
    source = Chain(GENESIS)
    _grow(net, source, 3)
    ada = net.nodes["ada"]
    digest = source.ledger.head_digest
    for signers in (("bob", "cyd"), ("bob", "cyd", "eve")):
        seal = Sealed(certify(GENESIS, Checkpoint(3, digest), signers))
        signed = Signed("bob", b"", b"")
        ada.hear(Received("bob", seal, signed, 0, b""))
    assert ada.sealer.stable_height == 0 and len(ada.noted("rejected")) == 2
    ada.hear(Received("bob", Sealed(certify(GENESIS, Checkpoint(3, digest))), signed, 0, b""))
    assert ada.sealer.stable_height == 3


def test_a_node_that_executed_otherwise_than_the_rest_says_so(net: Net) -> None:
    source, other = Chain(GENESIS), Chain(GENESIS)
    _grow(net, source, 4, NAMES[:3])
    _grow(net, other, 3, ("dan",))
    decided = other.decision(other.add("bob", "y", 1))
    net.decide(decided, ("dan",))
    net.run(100_000)
    assert [note["is_proven"] for note in net.nodes["dan"].noted("diverged")][-1], "a quorum signed the other header"
    assert net.nodes["ada"].sealer.stable_height == 4


def test_a_restarted_sealer_seals_an_unsealed_tail(net: Net) -> None:
    _grow(net, Chain(GENESIS), 5)
    net.run(100_000)
    for name in NAMES:
        net.boot(name, net.nodes[name].chain.rows)
    assert {node.sealer.stable_height for node in net.nodes.values()} == {4}
    net.run(3_000_000)
    assert {node.sealer.stable_height for node in net.nodes.values()} == {5}
