"""Whoever leaves its view is followed: when faults are over, no member waits for a view while the others go on."""

from __future__ import annotations

import random

import pytest

from consortium.core.machine import Now
from consortium.exploration.draw import draw
from consortium.exploration.judge import examine, story
from consortium.protocols.pbft.suspicion import Suspicions
from tests.pbft_network import Network, is_open

T_US = 1_000_000
SETTLED_US = 12_000_000  # a member that has left calls within ten seconds


def _cut(network: Network, rng: random.Random) -> None:
    """For a while one member hears nobody, or is heard by nobody, or by some; it may die, too."""
    name = rng.choice(sorted(network.peers))
    deaf, mute = rng.random() < 0.7, rng.random() < 0.5
    some = {other for other in network.peers if rng.random() < 0.7}

    def blocked(sender: str, receiver: str) -> bool:
        is_cut = (deaf and receiver == name and sender in some) or (mute and sender == name and receiver in some)
        return sender != receiver and is_cut

    network.blocked = blocked
    if rng.random() < 0.3:
        network.peers[name].crash()
        network.later(rng.randint(100_000, 2_000_000), network.peers[name].boot)
    network.later(rng.randint(300_000, 3_000_000), lambda: setattr(network, "blocked", is_open))


def cut_and_healed(n: int, seed: int) -> Network:
    """Light work all the while; cuts until 12 s, and then time for everything to settle."""
    rng = random.Random(f"cut {n} {seed}")
    network = Network(n, seed, rng.choice([0, 0.05]), 0.0, (500, rng.choice([3_000, 40_000])))
    network.start()
    for index in range(60):
        network.later(50_000 + index * 300_000, lambda index=index: network.submit(b"bundle %d" % index))
    for at_us in (500_000, 4_000_000, 8_000_000):
        network.later(at_us + rng.randint(0, 500_000), lambda: _cut(network, rng))
    network.run(20_000_000 + SETTLED_US)
    return network


def left_alone(network: Network) -> list[str]:
    """Those that vote no more in a view in which f+1 others are."""
    states = {name: peer.replica.state for name, peer in network.peers.items()}
    weak = network.epochs.newest.weak
    entered = sorted((state.view for state in states.values() if not state.is_changing), reverse=True)
    common = entered[weak - 1] if len(entered) >= weak else -1
    return [name for name, state in states.items() if state.is_changing and state.wanted > common]


@pytest.mark.parametrize("n", [4, 7])
@pytest.mark.parametrize("seed", range(6))
def test_when_cuts_are_healed_nobody_waits_alone_for_a_view(n: int, seed: int) -> None:
    network = cut_and_healed(n, seed)
    network.check()
    assert left_alone(network) == [] and network.is_complete()


@pytest.mark.nightly
@pytest.mark.parametrize("n", [4, 5, 7])
@pytest.mark.parametrize("seed", range(6, 60))
def test_neither_under_many_other_seeds(n: int, seed: int) -> None:
    network = cut_and_healed(n, seed)
    network.check()
    assert left_alone(network) == [] and network.is_complete()


def test_where_members_leave_by_themselves_some_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The positive control: the rule of the paper."""

    def suspect(self: Suspicions, now: Now, view: int, why: str) -> list[object]:
        return list(self._view_changes.start(now, view + 1, why)) if view + 1 > self._state.wanted else []

    monkeypatch.setattr(Suspicions, "suspect", suspect)
    assert any(left_alone(cut_and_healed(4, seed)) for seed in range(12))


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [208, 321, 358, 463, 840])
def test_the_seeds_that_showed_it_hold(seed: int) -> None:
    examined = examine(draw(seed))
    assert examined.failures == (), story(examined.trace)[-4_000:]
