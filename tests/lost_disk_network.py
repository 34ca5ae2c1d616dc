"""A network of real replicas with one two-faced traitor, in which a test says who hears what, and a disk may be lost.

The traitor is two peers of one name with one key: each is an honest replica by itself, and neither knows what the other
said. So it proposes, votes, answers and changes views towards each half as suits that half.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from consortium.core.messages import Message, decode_frame
from tests.hotstuff_network import HotStuffNetwork
from tests.pbft_network import Network, Peer

OTHER = "'"  # after the name of a traitor: its other face


def all_goes(sender: str, receiver: str, message: Message) -> bool:
    return True


class TwoFaced(Network):
    """`carries(sender, receiver, message)`: whether a message goes from one place to another; what does not go and
    `is_kept` is delivered by `release`. Faults of the traitor are its own."""

    traitor = ""

    def with_traitor(self, traitor: str) -> TwoFaced:
        self.traitor = traitor
        self.carries: Callable[[str, str, Message], bool] = all_goes
        self.is_kept: Callable[[str, str, Message], bool] = lambda sender, receiver, message: False
        self.kept: list[tuple[str, str, bytes]] = []
        if traitor:
            self.peers[traitor + OTHER] = Peer(self, traitor, traitor + OTHER)
        return self

    def transmit(self, sender: str, to: str | None, payload: bytes) -> None:
        name = self.peers[sender].name
        message = self.verifier.open(decode_frame(payload).signed, self.epochs).message
        if name != self.traitor:
            self._watch(name, payload)
        for place, peer in self.peers.items():
            if peer.name == name or to not in (None, peer.name):
                continue
            if self.is_kept(sender, place, message):
                self.kept.append((place, name, payload))
            elif self.carries(sender, place, message):
                self.later(self.random.randint(*self.delay_us), lambda peer=peer: peer.arrive(name, payload))

    def release(self) -> None:
        kept, self.kept = self.kept, []
        for place, name, payload in kept:
            self.peers[place].arrive(name, payload)

    def executed(self, peer: Peer, height: int, digest: bytes) -> None:
        if peer.name != self.traitor:
            super().executed(peer, height, digest)

    def divide(self, *groups: tuple[str, ...]) -> None:
        """Only those of one group hear each other."""
        group = {place: index for index, places in enumerate(groups) for place in places}
        self.carries = lambda sender, receiver, message: group.get(sender) == group.get(receiver)

    def offer(self, bundle: bytes, *places: str) -> None:
        """To the pools of these peers, at once."""
        for place in places:
            self._offer(self.peers[place], bundle)

    @property
    def forks(self) -> list[str]:
        return [fault for fault in self.faults if "decided otherwise" in fault]


class TwoFacedPbft(TwoFaced):
    pass


class TwoFacedHotStuff(TwoFaced, HotStuffNetwork):
    pass


def network_of(protocol: str, n: int, traitor: str, **more: Any) -> TwoFaced:
    """All are up, and have been recalled."""
    made = (TwoFacedPbft if protocol == "pbft" else TwoFacedHotStuff)(n, delay_us=(500, 500), **more)
    network = made.with_traitor(traitor)
    for peer in network.peers.values():
        peer.boot()
    network.run(300_000)
    return network
