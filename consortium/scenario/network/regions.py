"""Published round-trip times between regions, each with its source, and what a link between two regions is made of.

No figure here is ours: each table stands as its source prints it (docs/networks.md tells how each was read). The two
directions of a pair are separate figures where the source has both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from consortium.scenario.scenario import Network

PPM = 1_000_000


class Matrix(NamedTuple):
    """`rtt_us[i][j]`: the mean round trip that region i measured to region j; None: not published."""

    name: str
    source: str
    measured: str
    regions: tuple[str, ...]
    rtt_us: tuple[tuple[int | None, ...], ...]

    def one_way_us(self, sender: str, receiver: str) -> int | None:
        """Half the published round trip: what a one-way delay is taken to be."""
        rtt_us = self.rtt_us[self.regions.index(sender)][self.regions.index(receiver)]
        return None if rtt_us is None else rtt_us // 2


AWS_2021 = Matrix(
    "aws-2021",
    "github.com/vitorenesduarte/fantoch, folder latency_aws/2021_02_13 (commit 27486bad): the measurements that go "
    "with Enes, Baquero, Gotsman, Sutra: Efficient Replication via Timestamp Stability, EuroSys 2021",
    "ping (minimum/average/maximum/deviation) between five Amazon EC2 regions, 13 February 2021; the averages",
    ("eu-west-1", "us-west-1", "ap-southeast-1", "ca-central-1", "sa-east-1"),
    (
        (154, 135_900, 175_732, 72_241, 180_554),
        (135_902, 143, 172_974, 78_614, 173_156),
        (175_729, 172_972, 99, 205_970, 321_092),
        (72_243, 78_614, 205_968, 103, 124_295),
        (180_550, 173_153, 321_086, 124_296, 325),
    ),
)


def _milliseconds(rows: Sequence[Sequence[int]]) -> tuple[tuple[int | None, ...], ...]:
    """Rows without their own region, as the source prints them."""
    return tuple(
        (*(1_000 * cell for cell in row[:place]), None, *(1_000 * cell for cell in row[place:]))
        for place, row in enumerate(rows)
    )


IBM_2024 = Matrix(
    "ibm-2024",
    "IBM Cloud documentation, VPC, «Network latency», table of 3 March 2024 (github.com/ibm-cloud-docs/vpc, "
    "_include-segments/network-latency.md, commit 009bede4)",
    "average latency between ten IBM Cloud regions from 3 February to 3 March 2024, in whole milliseconds; the table "
    "does not say «round trip», its figures are of that size (Frankfurt to London 12 ms, Sydney to Sao Paulo 329 ms)",
    (
        "dallas",
        "toronto",
        "washington-dc",
        "frankfurt",
        "london",
        "madrid",
        "osaka",
        "sydney",
        "tokyo",
        "sao-paulo",
    ),
    _milliseconds(
        (
            (34, 32, 123, 113, 118, 149, 185, 142, 144),
            (34, 19, 92, 82, 107, 170, 215, 162, 130),
            (32, 19, 98, 75, 87, 174, 215, 167, 119),
            (123, 92, 98, 12, 29, 242, 260, 237, 196),
            (113, 82, 75, 12, 26, 253, 272, 247, 186),
            (118, 107, 87, 29, 26, 268, 281, 260, 205),
            (149, 170, 174, 245, 255, 268, 124, 9, 293),
            (185, 215, 214, 260, 271, 285, 124, 117, 329),
            (141, 164, 167, 237, 246, 259, 9, 117, 286),
            (145, 128, 120, 196, 185, 206, 292, 326, 285),
        )
    ),
)

MATRICES: Mapping[str, Matrix] = {matrix.name: matrix for matrix in (AWS_2021, IBM_2024)}


class Placement:
    """Who stands where: `region_of` each member, the members in the scenario's order."""

    def __init__(self, network: Network, members: Sequence[str]) -> None:
        self._matrix = MATRICES.get(network.matrix)
        self._jitter_ppm = network.jitter_ppm
        self._hub_region = network.hub.region if network.hub is not None else ""
        self.region_of = dict(network.regions)
        in_turn = [word.strip() for word in self.region_of.pop("*", "").split(",") if word.strip()]
        others = [name for name in members if name not in self.region_of]
        if in_turn:
            self.region_of.update((name, in_turn[place % len(in_turn)]) for place, name in enumerate(others))

    def to_hub_us(self, sender: str) -> int:
        """From the sender to the hub, where the hub stands in a region; else 0."""
        return self._one_way_us(self.region_of.get(sender), self._hub_region) or 0

    def mean_us(self, sender: str, receiver: str) -> int | None:
        """The one-way delay of a link, without `to_hub_us`; None: the regions say nothing of it."""
        return self._one_way_us(self._hub_region or self.region_of.get(sender), self.region_of.get(receiver))

    def deviation_us(self, mean_us: int) -> int:
        return mean_us * self._jitter_ppm // PPM

    def _one_way_us(self, sender: str | None, receiver: str | None) -> int | None:
        if self._matrix is None or not sender or not receiver:
            return None
        return self._matrix.one_way_us(sender, receiver)
