"""Figures as a person is told them: which of two variants, with how many digits, and what rests on few values.

One rule everywhere: a figure that has a variant without warm-up is told so where the rule of warm-up could judge (of a
sweep: all points). A quantile beyond which fewer than FEW values lie is marked.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from math import floor, log10

from consortium.core.words import ENGLISH, Words, mark
from consortium.lab.measures.catalogue import STEADY
from consortium.lab.measures.measures import Measures, number

FEW = 10
MARK = "~"
FEW_WORDS = mark("~ fewer than ten values lie beyond it")
_BEYOND = {"p50": 500, "p95": 50, "p99": 10, "p999": 1}  # of 1,000 values so many lie beyond
TWO_DIGITS_FROM = 10  # runs: the half-width of an interval over fewer is known to one digit


def steady_of(name: str) -> str:
    """`latency_steady_p50` of `latency_p50`, `throughput_steady` of `throughput`; others have no other name."""
    stem, _, statistic = name.rpartition("_")
    if name == "throughput":
        return name + STEADY
    return f"{stem}{STEADY}_{statistic}" if statistic in (*_BEYOND, "mean", "max", "values") else name


def told_names(names: Iterable[str], known: Container[str]) -> dict[str, str]:
    """By name the one that is told: without warm-up where that is known of every name that has such a variant."""
    wanted = list(names)
    variants = {name: steady_of(name) for name in wanted}
    has_all = all(variant in known for name, variant in variants.items() if variant != name and name in known)
    return variants if has_all else {name: name for name in wanted}


def is_few(name: str, values: float | None) -> bool:
    """Whether this quantile of so many values rests on few of them."""
    beyond = _BEYOND.get(name.rpartition("_")[2])
    return beyond is not None and values is not None and values * beyond < FEW * 1_000


def values_name(name: str) -> str:
    """The figure that counts the values of the distribution that this quantile is of."""
    return f"{name.rpartition('_')[0]}_values"


def told(measures: Measures, name: str, unit: str) -> str:
    """The figure, marked where it rests on few values."""
    few = MARK if is_few(name, measures.counts.get(name.rpartition("_")[0])) else ""
    return number(measures[name], unit) + few


_WARM_UP = {
    "cut": mark("Throughput and latency are told without warm-up: its first {seconds:.3g} s, {bundles} bundles."),
    "too few bundles": mark("Warm-up is not told apart: too few bundles."),
    "not steady": mark("Warm-up is not told apart: the run never became steady."),
}


def warm_up_words(measures: Measures, words: Words = ENGLISH) -> str:
    """What was left out of the figures that are told; empty where nothing was, and nothing was to be."""
    found = measures.warm_up
    if found is None or found.verdict not in _WARM_UP or measures.get("latency_p50") is None:
        return ""
    return words(_WARM_UP[found.verdict], seconds=max(0, found.end_us) / 1e6, bundles=f"{found.bundles:,}")


def plus_minus(mean: float, half: float | None, values: int) -> str:
    """`327.1 ± 0.4`: the half-width with one digit, of TWO_DIGITS_FROM runs or more with two, the mean with no more
    digits than that. Where all values are equal, or there is one alone, the mean."""
    if half is None or half < 1e-9 * abs(mean) or half == 0:
        return number(mean, "1")
    digits = 1 if values < TWO_DIGITS_FROM else 2
    place = digits - 1 - floor(log10(half))
    if round(half, place) >= 10 ** (digits - place):  # 0.96 is told as 1, and not as 1.0
        place -= 1
    decimals = max(0, place)
    return f"{round(mean, place):,.{decimals}f} ± {round(half, place):,.{decimals}f}"
