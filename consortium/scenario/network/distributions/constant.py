"""Always the mean: `mean_us`."""

from __future__ import annotations

from consortium.scenario.network.distributions.distribution import Distribution
from consortium.scenario.scenario import Link
from consortium.scenario.streams import Stream


def _draw(link: Link, stream: Stream) -> int:
    return link.mean_us


DISTRIBUTION = Distribution("constant", _draw)
