"""The trusted sequencer: it is believed, it loses nothing in a crash, and nobody else can order."""

from __future__ import annotations

from typing import Any

import pytest

from consortium.core.codec import Malformed
from consortium.core.crypto import KeyedHash
from consortium.core.machine import Effect, Note, Received, Submit
from consortium.core.messages import Certificate, Message, Signed
from consortium.core.transaction import batch_digest, encode_batch
from consortium.protocols.common.shapes import INTEGER_MAX
from consortium.protocols.solo import PROTOCOL
from consortium.protocols.solo.messages import Ask, Order, check_decision
from tests.pbft_network import Network, is_open, secret


class SoloNetwork(Network):
    """Watches that the sequencer orders one batch a height, across its crashes."""

    protocol = PROTOCOL

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._orders: dict[int, bytes] = {}

    def _watch_message(self, sender: str, message: Message, signed: Signed) -> None:
        if isinstance(message, Order) and self._orders.setdefault(message.height, message.digest) != message.digest:
            self.faults.append(f"{sender} ordered twice at {message.height}")


def _loaded(seed: int, count: int = 30, **more: Any) -> SoloNetwork:
    network = SoloNetwork(4, seed, **more)
    network.start()
    for index in range(count):
        network.later(50_000 + index * 20_000, lambda index=index: network.submit(b"bundle %d" % index))
    return network


@pytest.mark.parametrize("seed", range(4))
def test_what_is_lost_is_fetched_and_everybody_executes_the_same(seed: int) -> None:
    network = _loaded(seed, loss=0.25, duplicate=0.2)
    assert network.run(30_000_000, lambda: len(network.submitted) == 30 and network.is_complete())
    network.check()


@pytest.mark.parametrize("outputs", range(6))
def test_a_sequencer_that_crashes_in_the_middle_of_a_step_orders_nothing_twice(outputs: int) -> None:
    network = _loaded(outputs)
    sequencer = network.peers["n0"]

    def restart() -> None:
        sequencer.crash()
        sequencer.boot()

    for at_us in (150_000, 400_000):
        network.later(at_us, lambda: setattr(sequencer, "crash_after", outputs))
        network.later(at_us + 100_000, restart)
    assert network.run(30_000_000, lambda: len(network.submitted) == 30 and network.is_complete())
    network.check()


def test_a_sequencer_cut_off_executes_nothing_that_nobody_else_holds() -> None:
    network = _loaded(1)
    network.run(200_000)
    network.blocked = lambda sender, receiver: "n0" in (sender, receiver)
    network.run(1_000_000)
    heights = [len(peer.live_chain) for peer in network.peers.values()]
    assert heights[0] <= max(heights[1:])
    network.blocked = is_open
    assert network.run(30_000_000, lambda: len(network.submitted) == 30 and network.is_complete())


def test_a_sequencer_that_lost_its_disk_orders_nothing_more() -> None:
    network = _loaded(2)
    network.run(400_000)
    sequencer = network.peers["n0"]
    sequencer.crash()
    sequencer.records.clear()
    sequencer.chain.clear()
    sequencer.stable, sequencer.seal = 0, None
    sequencer.boot()
    network.run(5_000_000)
    assert sequencer.noted("observing") and network.faults == []


def test_only_the_sequencers_signature_proves_a_decision() -> None:
    network = SoloNetwork(4)
    digest = batch_digest(b"batch")
    body = network.verifier.codec.statement(0, Order(0, 5, digest))

    def signed_by(*names: str) -> Certificate:
        return Certificate(body, tuple((name, KeyedHash().sign(secret(name), body)) for name in names))

    check_decision(signed_by("n0"), network.epochs, 5, digest, network.verifier)
    for proof, height, wanted in (
        (signed_by("n1"), 5, digest),
        (signed_by("n0", "n1"), 5, digest),
        (signed_by("n0"), 6, digest),
        (signed_by("n0"), 5, bytes(32)),
    ):
        with pytest.raises(Malformed):
            check_decision(proof, network.epochs, height, wanted, network.verifier)


def _started() -> SoloNetwork:
    network = SoloNetwork(4)
    network.start()
    network.run(1_000_000)
    return network


def _hear(network: SoloNetwork, sender: str, message: Message, attachment: bytes = b"") -> list[Effect]:
    """What n1 does about it."""
    body = network.verifier.codec.statement(0, message)
    signed = Signed(sender, body, KeyedHash().sign(secret(sender), body))
    return list(network.peers["n1"].replica.step(network.now, Received(sender, message, signed, 0, attachment)))


def test_many_orders_for_one_height_are_one_wish_for_evidence() -> None:
    network = _started()
    batches = [encode_batch(0, [b"bundle %d" % index]) for index in range(4)]
    heard = [_hear(network, "n0", Order(0, 1, batch_digest(batch)), batch) for batch in batches]
    assert [sum(isinstance(effect, Submit) for effect in effects) for effects in heard] == [0, 1, 0, 0]


@pytest.mark.parametrize(("height", "is_noted"), [(INTEGER_MAX - 1, False), (INTEGER_MAX, True)])
def test_a_height_that_is_too_large_is_noted(height: int, is_noted: bool) -> None:
    network = _started()
    effects = _hear(network, "n2", Ask(bytes(16), height))
    assert [effect.fields["why"] for effect in effects if isinstance(effect, Note)] == [
        "height out of bounds"
    ] * is_noted
