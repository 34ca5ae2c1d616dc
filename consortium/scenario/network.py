"""The link model: how long a hop takes, what is lost, what comes twice. Shared by the simulator and real runs."""

from __future__ import annotations

from consortium.core.membership import NodeId
from consortium.scenario.scenario import Link, Network
from consortium.scenario.streams import Stream

PPM = 1_000_000
DISTRIBUTIONS = ("constant", "normal", "lognormal")


class LinkModel:
    """Draws the fate of each message of one link, from a stream of its own."""

    __slots__ = ("_link", "_stream")

    def __init__(self, link: Link, seed: int, sender: NodeId, receiver: NodeId) -> None:
        self._link = link
        self._stream = Stream(seed, "network", sender, receiver)

    def delays_us(self) -> tuple[int, ...]:
        """One delay for each copy that arrives: none if lost, two if duplicated."""
        link = self._link
        if link.loss_ppm and self._stream.below(PPM) < link.loss_ppm:
            return ()
        if link.duplicate_ppm and self._stream.below(PPM) < link.duplicate_ppm:
            return (self._delay_us(), self._delay_us())
        return (self._delay_us(),)

    def _delay_us(self) -> int:
        link = self._link
        if link.distribution == "normal":
            return max(0, round(self._stream.normal(link.mean_us, link.deviation_us)))
        if link.distribution == "lognormal":
            return max(0, round(self._stream.lognormal(link.mean_us, link.deviation_us)))
        return link.mean_us


class NetworkModel:
    """All links of a scenario, made when first used."""

    def __init__(self, network: Network, seed: int) -> None:
        self._network = network
        self._seed = seed
        self._links: dict[tuple[NodeId, NodeId], LinkModel] = {}

    def link(self, sender: NodeId, receiver: NodeId) -> LinkModel:
        known = self._links.get((sender, receiver))
        if known is None:
            known = LinkModel(self.spec(sender, receiver), self._seed, sender, receiver)
            self._links[sender, receiver] = known
        return known

    def spec(self, sender: NodeId, receiver: NodeId) -> Link:
        links = self._network.links
        for pattern in (f"{sender}>{receiver}", f"{sender}>*", f"*>{receiver}"):
            if pattern in links:
                return links[pattern]
        return self._network.default
