"""The tiny deterministic network of `pbft_network`, with HotStuff replicas and a watcher of HotStuff's promises."""

from __future__ import annotations

import random
from typing import Any

from consortium.core.messages import Message, Signed
from consortium.protocols.hotstuff import PROTOCOL
from consortium.protocols.hotstuff.messages import Ballot, Proposal, Timeout
from tests.pbft_network import Network, Peer, is_open

BUNDLES = 60
HEALED_US = 14_000_000


class HotStuffNetwork(Network):
    """Every statement that leaves a replica is held against those before, across its crashes."""

    protocol = PROTOCOL

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._said: dict[tuple[str, str, int], bytes] = {}
        self._gone: dict[str, int] = {}
        self._voted: dict[str, int] = {}

    def _watch_message(self, sender: str, message: Message, signed: Signed) -> None:
        if not isinstance(message, Proposal | Ballot | Timeout):
            return
        if not self.peers[sender].replica.state.is_recalled:
            self.faults.append(f"{sender} voted before it was recalled")
        if isinstance(message, Timeout):
            self._gone[sender] = max(message.view, self._gone.get(sender, -1))
            return
        key = (sender, type(message).__name__, message.view)
        if key not in self._said and message.view <= self._gone.get(sender, -1):
            self.faults.append(f"{sender} voted in a view it had left: {key}")
        if key not in self._said and isinstance(message, Ballot):
            if message.view < self._voted.get(sender, -1):
                self.faults.append(f"{sender} voted in an older view than before: {key}")
            self._voted[sender] = message.view
        if self._said.setdefault(key, signed.body) != signed.body:
            self.faults.append(f"{sender} voted twice: {key}")


def crash(network: Network, rng: random.Random) -> None:
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


def chaos(n: int, seed: int) -> tuple[HotStuffNetwork, bool]:
    """A run of random faults until HEALED_US; whether everything submitted was executed everywhere by 120 s."""
    rng = random.Random(f"hotstuff chaos {n} {seed}")
    delay_us = (500, rng.choice([3_000, 20_000, 200_000]))
    network = HotStuffNetwork(n, seed, rng.choice([0, 0.02, 0.1, 0.2]), 0.1, delay_us)
    network.start()
    spacing_us = rng.choice([20_000, 100_000])
    for index in range(BUNDLES):
        network.later(50_000 + index * spacing_us, lambda index=index: network.submit(b"bundle %d" % index))
    for _ in range(rng.randint(0, 6)):
        network.later(rng.randint(0, 10_000_000), lambda: crash(network, rng))
    for _ in range(rng.randint(0, 4)):
        start_us = rng.randint(0, 9_000_000)
        network.later(start_us, lambda: _divide(network, rng))
        network.later(start_us + rng.randint(100_000, 4_000_000), lambda: setattr(network, "blocked", is_open))
    network.later(HEALED_US, lambda: _heal(network))
    network.later(HEALED_US + 1, lambda: network.submit(b"after the last fault"))
    done = network.run(120_000_000, lambda: len(network.submitted) > BUNDLES and network.is_complete())
    return network, done
