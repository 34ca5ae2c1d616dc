"""The link model: how long a hop takes, what is lost, what comes twice. Shared by the simulator and real runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from consortium.core.membership import NodeId
from consortium.scenario.scenario import Link, Network
from consortium.scenario.streams import Stream

PPM = 1_000_000
DISTRIBUTIONS = ("constant", "normal", "lognormal")


def matches(pattern: str, sender: NodeId, receiver: NodeId) -> bool:
    """Whether "sender>receiver" (`*` for any) means this link."""
    left, _, right = pattern.partition(">")
    return left in ("*", sender) and right in ("*", receiver)


class LinkModel:
    """Draws the fate of each message of one link, from a stream of its own."""

    __slots__ = ("_link", "_stream")

    def __init__(self, link: Link, seed: int, sender: NodeId, receiver: NodeId) -> None:
        self._link = link
        self._stream = Stream(seed, "network", sender, receiver)

    def change(self, link: Link) -> None:
        """From now on; the stream goes on where it is."""
        self._link = link

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
        if link.reorder_ppm and self._stream.below(PPM) < link.reorder_ppm:
            return self._ordinary_us() + self._stream.below(link.reorder_us + 1)
        return self._ordinary_us()

    def _ordinary_us(self) -> int:
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
        self._changes: list[tuple[str, dict[str, Any]]] = []  # pattern, fields of Link

    def link(self, sender: NodeId, receiver: NodeId) -> LinkModel:
        known = self._links.get((sender, receiver))
        if known is None:
            known = LinkModel(self.spec(sender, receiver), self._seed, sender, receiver)
            self._links[sender, receiver] = known
        return known

    def change(self, patterns: Sequence[str], fields: Mapping[str, Any]) -> None:
        """A fault: these fields of the links that match (all, where no pattern is given), until `calm`."""
        self._changes += [(pattern, dict(fields)) for pattern in patterns or ("*>*",)]
        self._respecify()

    def calm(self) -> None:
        """All links are as the scenario says."""
        self._changes.clear()
        self._respecify()

    def _respecify(self) -> None:
        for (sender, receiver), link in self._links.items():
            link.change(self.spec(sender, receiver))

    def spec(self, sender: NodeId, receiver: NodeId) -> Link:
        link = self._base(sender, receiver)
        for pattern, fields in self._changes:
            if matches(pattern, sender, receiver):
                link = replace(link, **fields)
        return link

    def _base(self, sender: NodeId, receiver: NodeId) -> Link:
        links = self._network.links
        for pattern in (f"{sender}>{receiver}", f"{sender}>*", f"*>{receiver}"):
            if pattern in links:
                return links[pattern]
        return self._network.default
