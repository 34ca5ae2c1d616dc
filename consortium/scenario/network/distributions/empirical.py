"""Measured delays, drawn with replacement: `samples_us`, or `file`, which loading the scenario turns into them."""

from __future__ import annotations

from consortium.scenario.network.distributions.distribution import (
    DELAY_MAX_US,
    SAMPLES_MAX,
    Distribution,
)
from consortium.scenario.scenario import Link
from consortium.scenario.streams import Stream


def _draw(link: Link, stream: Stream) -> int:
    return link.samples_us[stream.below(len(link.samples_us))]


def _explain(link: Link) -> str | None:
    if not link.samples_us:
        return "an empirical delay needs `file` (a CSV beside the scenario) or `samples_us`"
    if min(link.samples_us) < 0 or max(link.samples_us) > DELAY_MAX_US:
        return f"samples_us: expected delays from 0 to {DELAY_MAX_US} microseconds"
    if len(link.samples_us) > SAMPLES_MAX:
        return f"samples_us: {len(link.samples_us):,} samples, at most {SAMPLES_MAX:,}: take some of them"
    return None


DISTRIBUTION = Distribution("empirical", _draw, ("file", "samples_us"), _explain)
