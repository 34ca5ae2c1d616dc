"""The log-normal distribution; `mean_us` and `deviation_us` are those of the delay itself."""

from __future__ import annotations

from consortium.scenario.network.distributions.distribution import Distribution
from consortium.scenario.scenario import Link
from consortium.scenario.streams import Stream


def _draw(link: Link, stream: Stream) -> int:
    return max(0, round(stream.lognormal(link.mean_us, link.deviation_us))) if link.mean_us else 0


def _explain(link: Link) -> str | None:
    if link.mean_us == 0 and link.deviation_us:
        return "a log-normal delay with a deviation needs a mean above 0"
    return None


DISTRIBUTION = Distribution("lognormal", _draw, explain=_explain)
