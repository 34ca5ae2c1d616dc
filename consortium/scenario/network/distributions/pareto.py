"""The Pareto distribution: `shape`, and either `minimum_us` or `mean_us`. Its tail ends at DELAY_MAX_US."""

from __future__ import annotations

from consortium.scenario.network.distributions.distribution import DELAY_MAX_US, Distribution
from consortium.scenario.scenario import Link
from consortium.scenario.streams import Stream


def _draw(link: Link, stream: Stream) -> int:
    return min(DELAY_MAX_US, round(stream.pareto(pareto_minimum_us(link), link.shape)))


def pareto_minimum_us(link: Link) -> float:
    """The least delay: as given, or out of the mean, which a shape above 1 has."""
    return float(link.minimum_us) if link.minimum_us else link.mean_us * (link.shape - 1) / link.shape


def _explain(link: Link) -> str | None:
    if not 0 < link.shape < 1_000:
        return f"shape={link.shape:g}: a Pareto delay needs a shape above 0 and below 1,000, as in shape=3"
    if link.minimum_us and link.mean_us != Link().mean_us:
        return f"mean_us={link.mean_us} and minimum_us={link.minimum_us} are both given; with `shape` one is enough"
    if not link.minimum_us and link.shape <= 1:
        return f"shape={link.shape:g}: a Pareto delay has a mean above shape 1 only; give minimum_us instead of mean_us"
    return None


DISTRIBUTION = Distribution("pareto", _draw, ("shape", "minimum_us"), _explain)
