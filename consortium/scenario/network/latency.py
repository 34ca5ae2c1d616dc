"""Latency distributions: what a link's delay is drawn from, and the sentences for those that cannot be meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from consortium.scenario.scenario import Link
from consortium.scenario.streams import Stream

DELAY_MAX_US = 1 << 50  # a heavy tail ends here: 35 years
SAMPLES_MAX = 100_000

Draw = Callable[[Link, Stream], int]


def _constant(link: Link, stream: Stream) -> int:
    return link.mean_us


def _normal(link: Link, stream: Stream) -> int:
    return max(0, round(stream.normal(link.mean_us, link.deviation_us)))


def _lognormal(link: Link, stream: Stream) -> int:
    return max(0, round(stream.lognormal(link.mean_us, link.deviation_us))) if link.mean_us else 0


def _pareto(link: Link, stream: Stream) -> int:
    return min(DELAY_MAX_US, round(stream.pareto(pareto_minimum_us(link), link.shape)))


def _empirical(link: Link, stream: Stream) -> int:
    return link.samples_us[stream.below(len(link.samples_us))]


DRAWS: Mapping[str, Draw] = {
    "constant": _constant,
    "normal": _normal,
    "lognormal": _lognormal,
    "pareto": _pareto,
    "empirical": _empirical,
}
DISTRIBUTIONS = tuple(DRAWS)


def pareto_minimum_us(link: Link) -> float:
    """The least delay: as given, or out of the mean, which a shape above 1 has."""
    return float(link.minimum_us) if link.minimum_us else link.mean_us * (link.shape - 1) / link.shape


def explain_latency(link: Link) -> str | None:
    """Why this delay cannot be meant, in a sentence; None: it can. The distribution is a known one."""
    if link.distribution == "pareto":
        return _explain_pareto(link)
    if link.distribution == "empirical":
        if not link.samples_us:
            return "an empirical delay needs `file` (a CSV beside the scenario) or `samples_us`"
        if min(link.samples_us) < 0 or max(link.samples_us) > DELAY_MAX_US:
            return f"samples_us: expected delays from 0 to {DELAY_MAX_US} microseconds"
        if len(link.samples_us) > SAMPLES_MAX:
            return f"samples_us: {len(link.samples_us):,} samples, at most {SAMPLES_MAX:,}: take some of them"
    elif link.file or link.samples_us:
        return f"file and samples_us are for distribution 'empirical'; this one is {link.distribution!r}"
    elif link.shape or link.minimum_us:
        return f"shape and minimum_us are for distribution 'pareto'; this one is {link.distribution!r}"
    if link.distribution == "lognormal" and link.mean_us == 0 and link.deviation_us:
        return "a log-normal delay with a deviation needs a mean above 0"
    return None


def _explain_pareto(link: Link) -> str | None:
    if not 0 < link.shape < 1_000:
        return f"shape={link.shape:g}: a Pareto delay needs a shape above 0 and below 1,000, as in shape=3"
    if link.minimum_us and link.mean_us != Link().mean_us:
        return f"mean_us={link.mean_us} and minimum_us={link.minimum_us} are both given; with `shape` one is enough"
    if not link.minimum_us and link.shape <= 1:
        return f"shape={link.shape:g}: a Pareto delay has a mean above shape 1 only; give minimum_us instead of mean_us"
    return None
