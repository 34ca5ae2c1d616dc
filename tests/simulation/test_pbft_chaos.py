"""Many seeds of loss, repeats, reordering, partitions and crashes: PBFT keeps its promises, and goes on afterwards."""

import random
from typing import Any

import pytest

from consortium.core.crypto import KeyedHash
from consortium.core.messages import Frame, Signed, decode_frame, encode_frame
from consortium.core.transaction import batch_digest, encode_batch
from consortium.protocols.pbft.messages import Commit, Prepare, PrePrepare
from tests.pbft_network import WALL_US, Network, Peer, epoch_of, is_open, secret

BUNDLES = 60
HEALED_US = 14_000_000


def _crash(network: Network, rng: random.Random) -> None:
    up = [peer for peer in network.peers.values() if peer.is_up]
    if up:
        victim = rng.choice(up)
        victim.crash_after = rng.randint(0, 4)
        network.later(rng.randint(10_000, 3_000_000), lambda: _restart(victim))


def _restart(peer: Peer) -> None:
    if not peer.is_up or peer.crash_after is not None:
        peer.crash()
        peer.boot()


def _divide(network: Network, rng: random.Random) -> None:
    side = {name: rng.random() < 0.5 for name in network.peers}
    network.blocked = lambda sender, receiver: side[sender] != side[receiver]


def _heal(network: Network) -> None:
    network.blocked, network.loss = is_open, 0.0
    for peer in network.peers.values():
        peer.crash_after = None
        if not peer.is_up:
            peer.boot()


def chaos(n: int, seed: int) -> tuple[Network, bool]:
    """A run of random faults until HEALED_US; whether everything submitted was executed everywhere by 120 s."""
    rng = random.Random(f"chaos {n} {seed}")
    network = Network(n, seed, rng.choice([0, 0.02, 0.1, 0.2]), 0.1, (500, rng.choice([3_000, 20_000, 200_000])))
    network.start()
    spacing_us = rng.choice([20_000, 100_000])
    for index in range(BUNDLES):
        network.later(50_000 + index * spacing_us, lambda index=index: network.submit(b"bundle %d" % index))
    for _ in range(rng.randint(0, 6)):
        network.later(rng.randint(0, 10_000_000), lambda: _crash(network, rng))
    for _ in range(rng.randint(0, 4)):
        start_us = rng.randint(0, 9_000_000)
        network.later(start_us, lambda: _divide(network, rng))
        network.later(start_us + rng.randint(100_000, 4_000_000), lambda: setattr(network, "blocked", is_open))
    network.later(HEALED_US, lambda: _heal(network))
    network.later(HEALED_US + 1, lambda: network.submit(b"after the last fault"))
    done = network.run(120_000_000, lambda: len(network.submitted) > BUNDLES and network.is_complete())
    return network, done


@pytest.mark.parametrize("n", [4, 5, 7])
@pytest.mark.parametrize("seed", range(24))
def test_whatever_happens_all_agree_nobody_votes_twice_and_work_goes_on(n: int, seed: int) -> None:
    network, done = chaos(n, seed)
    network.check()
    assert done, "no progress after the last fault"
    assert network.time_us < HEALED_US + 20_000_000
    peers = network.peers.values()
    assert [peer.name for peer in peers if peer.noted("observing")] == []
    assert [fields for peer in peers for fields in peer.noted("rejected")] == []


def test_the_chaos_reaches_view_changes_and_reboots() -> None:
    views = boots = 0
    for seed in range(12):
        network, _ = chaos(4, seed)
        for peer in network.peers.values():
            views += len(peer.noted("new_view"))
            boots += len(peer.noted("booted")) - 1
    assert views > 10 and boots > 10


def test_the_same_seed_gives_the_same_run() -> None:
    first, second = chaos(5, 3)[0], chaos(5, 3)[0]
    assert first.transmitted == second.transmitted and first.decided == second.decided
    assert [peer.notes for peer in first.peers.values()] == [peer.notes for peer in second.peers.values()]


def _split(n: int, quorum: int | None) -> Network:
    """Two halves that never hear each other, each with work of its own."""
    epoch = epoch_of(n)
    if quorum is not None:
        epoch.__dict__["quorum"] = quorum
    network = Network(n, epoch=epoch).start()
    network.run(400_000)
    names = list(network.peers)
    side = {name: names.index(name) < n // 2 for name in names}
    network.blocked = lambda sender, receiver: side[sender] != side[receiver]
    for peer in network.peers.values():
        network._offer(peer, b"left" if side[peer.name] else b"right")
    network.run(20_000_000)
    return network


def test_two_halves_that_do_not_hear_each_other_never_decide_differently() -> None:
    assert _split(4, None).faults == []
    assert _split(7, None).faults == []


def test_with_too_small_a_quorum_the_agreement_check_fails() -> None:
    """The positive control of every test above."""
    assert any("decided otherwise" in fault for fault in _split(4, 2).faults)


def _two_faced(network: Network, traitor: str, dupes: tuple[str, ...]) -> None:
    """The traitor tells some members of another batch, and votes for it towards them."""

    def bend(sender: str, receiver: str, payload: bytes) -> bytes:
        if sender != traitor or receiver not in dupes:
            return payload
        message: Any = network.verifier.open(decode_frame(payload).signed, network.epochs).message
        if not isinstance(message, PrePrepare | Prepare | Commit):
            return payload
        other = encode_batch(WALL_US + network.time_us // 60_000_000, [b"for dupes %d" % message.height])
        lie = type(message)(message.view, message.height, batch_digest(other))
        body = network.verifier.codec.statement(0, lie)
        signed = Signed(traitor, body, KeyedHash().sign(secret(traitor), body))
        return encode_frame(Frame(signed, other if isinstance(lie, PrePrepare) else b""))

    network.bend = bend


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("n", "dupes"), [(4, ("n2", "n3")), (4, ("n3",)), (7, ("n3", "n4", "n5", "n6")), (5, ("n4",))])
def test_two_halves_told_different_things_never_commit_both(n: int, dupes: tuple[str, ...], seed: int) -> None:
    network = Network(n, seed, loss=0.02, delay_us=(500, 20_000)).start()
    _two_faced(network, "n0", dupes)
    for index in range(20):
        network.later(50_000 + index * 10_000, lambda index=index: network.submit(b"bundle %d" % index))
    honest = [peer for name, peer in network.peers.items() if name != "n0"]
    network.run(60_000_000, lambda: all(len(set(peer.bundles) & set(network.submitted)) == 20 for peer in honest))
    assert [fault for fault in network.faults if not fault.startswith("n0 ")] == []
    assert all(len(set(peer.bundles) & set(network.submitted)) == 20 for peer in honest)
    assert all(list(peer.replica.state.evidence) in ([], ["n0"]) for peer in honest)


def test_a_node_that_forgets_its_log_is_caught_by_the_others_memory() -> None:
    """The disk is rolled back to nothing between two lives: the node must not vote again."""
    network = Network(4, seed=2).start()
    for index in range(10):
        network.later(100_000 + index * 10_000, lambda index=index: network.submit(b"b%d" % index))
    network.run(1_000_000)
    victim = network.peers["n2"]
    victim.crash()
    victim.records.clear()
    victim.boot()
    network.later(100_000, lambda: network.submit(b"later"))
    network.run(network.time_us + 5_000_000)
    assert len(victim.noted("observing")) == 1
    network.check()
    assert all(b"later" in peer.pool.executed for peer in network.peers.values())
