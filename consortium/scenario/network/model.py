"""The link model: how long a hop takes, what is lost, what comes twice. Shared by the simulator and real runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from consortium.core.membership import NodeId
from consortium.scenario.network.distributions import draw_us
from consortium.scenario.network.regions import Placement
from consortium.scenario.scenario import Hub, Line, Link, LinkChange, Network
from consortium.scenario.streams import Stream

PPM = 1_000_000
DRAWN_TOGETHER = ("constant", "normal", "lognormal")  # those that the simulator can draw for many links at once
_NOTHING = Link(mean_us=0)


def matches(pattern: str, sender: NodeId, receiver: NodeId) -> bool:
    """Whether "sender>receiver" (`*` for any) means this link."""
    left, _, right = pattern.partition(">")
    return left in ("*", sender) and right in ("*", receiver)


def is_plain(link: Link) -> bool:
    """Whether it only delays, as DRAWN_TOGETHER do: nothing is lost, doubled, reordered or kept in order."""
    bare = replace(link, distribution="constant", mean_us=0, deviation_us=0)
    return link.distribution in DRAWN_TOGETHER and bare == _NOTHING


class LinkModel:
    """Draws the fate of each message of one link, from a stream of its own."""

    __slots__ = ("_last_us", "_link", "_stream")

    def __init__(self, link: Link, seed: int, sender: NodeId, receiver: NodeId) -> None:
        self._link = link
        self._stream = Stream(seed, "network", sender, receiver)
        self._last_us = 0  # when the last of a link that keeps its order arrives

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

    def arrivals_us(self, now_us: int) -> tuple[int, ...]:
        """When each copy of a message that leaves now arrives; in their order, where the link keeps it."""
        arrivals = tuple(now_us + delay_us for delay_us in self.delays_us())
        if not self._link.in_order or not arrivals:
            return arrivals
        kept = []
        for arrival_us in arrivals:
            self._last_us = max(self._last_us, arrival_us)
            kept.append(self._last_us)
        return tuple(kept)

    def _delay_us(self) -> int:
        link = self._link
        if link.reorder_ppm and self._stream.below(PPM) < link.reorder_ppm:
            return draw_us(link, self._stream) + self._stream.below(link.reorder_us + 1)
        return draw_us(link, self._stream)

    def go_on(self, state: int) -> None:
        """Where somebody else drew the delays so far, from a stream that stands here now."""
        self._stream.state = state


class NetworkModel:
    """All links of a scenario, made when first used. `members`: in the scenario's order, for the regions."""

    def __init__(self, network: Network, seed: int, members: Sequence[NodeId] = ()) -> None:
        self.network = network
        self.seed = seed
        self._links: dict[tuple[NodeId, NodeId], LinkModel] = {}
        self._changes: list[tuple[str, dict[str, Any]]] = []  # pattern, fields of Link
        self._scheduled: tuple[LinkChange, ...] = ()  # those of the scenario that hold now
        self._placement = Placement(network, members)
        self.version = 0  # grows when links change

    def link(self, sender: NodeId, receiver: NodeId) -> LinkModel:
        known = self._links.get((sender, receiver))
        if known is None:
            known = LinkModel(self.spec(sender, receiver), self.seed, sender, receiver)
            self._links[sender, receiver] = known
        return known

    def line(self, member: NodeId) -> Line | None:
        """What joins it to the network; None: nothing bounds it."""
        return self.network.lines.get(member) or self.network.lines.get("*")

    def to_hub_us(self, sender: NodeId) -> int:
        return self._placement.to_hub_us(sender)

    def turn_to(self, now_us: int) -> bool:
        """The scenario's own changes as they hold at this time; whether anything is other than before."""
        holding = tuple(
            change
            for change in self.network.changes
            if change.at_us <= now_us and (change.to_us is None or now_us < change.to_us)
        )
        if holding == self._scheduled:
            return False
        self._scheduled = holding
        self._respecify()
        return True

    def change(self, patterns: Sequence[str], fields: Mapping[str, Any]) -> None:
        """A fault: these fields of the links that match (all, where no pattern is given), until `calm`."""
        self._changes += [(pattern, dict(fields)) for pattern in patterns or ("*>*",)]
        self._respecify()

    def calm(self) -> None:
        """All links are as the scenario says."""
        self._changes.clear()
        self._respecify()

    @property
    def common(self) -> Link | None:
        """The spec of all links, where nothing tells one from another."""
        network = self.network
        is_uniform = not (network.links or network.regions or self._scheduled or self._changes)
        return network.default if is_uniform else None

    def _respecify(self) -> None:
        self.version += 1
        for (sender, receiver), link in self._links.items():
            link.change(self.spec(sender, receiver))

    def spec(self, sender: NodeId, receiver: NodeId) -> Link:
        link = self._base(sender, receiver)
        for change in self._scheduled:
            if any(matches(pattern, sender, receiver) for pattern in change.links or ("*>*",)):
                link = replace(link, **change.fields)
        for pattern, fields in self._changes:
            if matches(pattern, sender, receiver):
                link = replace(link, **fields)
        return link

    def _base(self, sender: NodeId, receiver: NodeId) -> Link:
        links = self.network.links
        for pattern in (f"{sender}>{receiver}", f"{sender}>*", f"*>{receiver}"):
            if pattern in links:
                return links[pattern]
        default = self.network.default
        mean_us = self._placement.mean_us(sender, receiver)
        if mean_us is None:
            return default
        deviation_us = self._placement.deviation_us(mean_us)
        return replace(default, distribution="lognormal", mean_us=mean_us, deviation_us=deviation_us)


def as_local_processes(network: Network) -> Network:
    """The network that a run of local processes has: the scenario's where it is applied `in_real_runs`, else none; all
    on one machine, through a broker that costs what it costs there, and stands where the scenario says."""
    if network.in_real_runs:
        region = network.hub.region if network.hub is not None else ""
        return replace(network, hub=Hub(region=region) if region else None, machines="one")
    return Network(default=Link(mean_us=0))


def change_times_us(network: Network) -> list[int]:
    """When the scenario's own changes begin or end, in order; each once."""
    times = {change.at_us for change in network.changes} | {change.to_us for change in network.changes}
    return sorted(time_us for time_us in times if time_us is not None)
