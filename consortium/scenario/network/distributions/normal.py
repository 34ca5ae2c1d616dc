"""The normal distribution of `mean_us` and `deviation_us`, never below 0."""

from __future__ import annotations

from consortium.scenario.network.distributions.distribution import Distribution
from consortium.scenario.scenario import Link
from consortium.scenario.streams import Stream


def _draw(link: Link, stream: Stream) -> int:
    return max(0, round(stream.normal(link.mean_us, link.deviation_us)))


DISTRIBUTION = Distribution("normal", _draw)
