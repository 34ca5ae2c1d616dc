"""Warm-up is found by the rule, and by the rule alone."""

from __future__ import annotations

import random
from statistics import fmean
from typing import Any

import pytest

from consortium.lab.measures.bundles import Bundle, bundles_of
from consortium.lab.measures.distributions import distributions
from consortium.lab.measures.measures import measure
from consortium.lab.measures.warm_up import WarmUp, find_warm_up, truncation_point


def record(t_us: int, node: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"t_us": t_us, "node": node, "kind": kind, **fields}


def run_of(latencies_us: list[int], every_us: int = 10_000) -> list[dict[str, Any]]:
    """A bundle every so often at node a, each in a block of its own, with these latencies."""
    trace = []
    for height, latency_us in enumerate(latencies_us, start=1):
        t_us = 1_000_000 + height * every_us
        trace += [
            record(t_us - latency_us, "a", "submitted", bundle=str(height), transactions=2),
            record(t_us, "a", "executed", height=height, transactions=2, ok=2, refused=0),
            record(t_us, "a", "included", height=height, transactions=2, latency_us=latency_us),
        ]
    return sorted(trace, key=lambda each: each["t_us"])


def noise(count: int, mean_us: int, seed: int = 1) -> list[int]:
    dice = random.Random(seed)
    return [round(dice.gauss(mean_us, mean_us / 50)) for _ in range(count)]


def test_the_truncation_point_is_the_least_mean_squared_error_as_published() -> None:
    batches = [round(9_000 / (1 + at)) + value for at, value in enumerate(noise(60, 1_000))]

    def error(d: int) -> float:
        left = batches[d:]
        mean = fmean(left)
        return sum((value - mean) ** 2 for value in left) / len(left) ** 2

    assert truncation_point(batches) == min(range(31), key=error)


def test_warm_up_ends_with_its_last_bundle_and_not_one_later() -> None:
    trace = run_of([30_000] * 50 + [5_000] * 300)
    warm_up = find_warm_up(bundles_of(trace), trace)
    assert warm_up == WarmUp("cut", 1_000_000 + 50 * 10_000, 50)
    assert measure(trace)["throughput_steady"] == 200.0, "300 bundles of two transactions in the 3 s after it"


def test_a_slow_beginning_is_cut_and_a_steady_run_is_left_whole() -> None:
    slow = [30_000 - 500 * at for at in range(50)]
    trace = run_of(slow + noise(300, 5_000))
    warm_up = find_warm_up(bundles_of(trace), trace)
    assert warm_up.verdict == "cut"
    assert 45 <= warm_up.bundles <= 60
    figures = measure(trace)
    assert figures["latency_max"] == 30.0
    assert figures["latency_steady_max"] < 8
    assert figures["warm_up_bundles"] == warm_up.bundles
    assert figures["throughput_steady"] == pytest.approx(200, rel=0.01)
    steady = measure(run_of(noise(300, 5_000)))
    assert steady.warm_up is not None
    assert steady["warm_up_bundles"] <= 15, "noise alone"


def test_a_fault_in_the_middle_is_never_taken_for_warm_up() -> None:
    """Positive control: without the record of the fault the rule does cut there."""
    trace = run_of(noise(100, 5_000) + [400_000] * 10 + noise(290, 5_000, 2))
    blind = find_warm_up(bundles_of(trace), trace)
    assert blind.bundles >= 100
    fault = record(1_000_000 + 100 * 10_000 + 1, "", "fault", act="kill", target="b")
    seen = find_warm_up(bundles_of(trace), sorted([*trace, fault], key=lambda each: each["t_us"]))
    assert seen.bundles < 50
    assert seen.is_judged


def test_a_fault_that_was_there_from_the_start_is_a_condition_and_no_event() -> None:
    trace = [record(0, "", "fault", act="behaviour:silent", target="b"), *run_of(noise(300, 5_000))]
    assert find_warm_up(bundles_of(trace), trace).is_judged


def test_what_cannot_be_judged_has_no_steady_figures_and_says_why() -> None:
    few = measure(run_of(noise(49, 5_000)))
    assert few.warm_up == WarmUp("too few bundles", -1, 0)
    assert few.get("latency_steady_p50") is None
    assert few.get("latency_p50") is not None
    growing = measure(run_of([5_000 + 300 * at for at in range(300)]))
    assert growing.warm_up is not None
    assert growing.warm_up.verdict == "not steady"
    assert growing.get("throughput_steady") is None


def test_a_bundle_is_followed_from_submission_to_execution() -> None:
    trace = [
        record(100, "a", "submitted", bundle="1", transactions=3),
        record(400, "b", "proposed", view=0, height=1),
        record(900, "a", "committed", view=0, height=1, digest="d"),
        record(1_000, "a", "executed", height=1, transactions=3, ok=3, refused=0),
        record(1_000, "a", "included", height=1, transactions=3, latency_us=900),
    ]
    (bundle,) = bundles_of(trace)
    assert bundle == Bundle("a", 1, 3, 100, 100, 400, 900, 1_000)
    assert (bundle.submit_to_order_us, bundle.submit_to_commit_us, bundle.commit_to_execute_us) == (300, 800, 100)
    fetched = [each for each in trace if each["kind"] not in ("committed", "proposed")]
    (bundle,) = bundles_of(fetched)
    assert (bundle.submit_to_order_us, bundle.submit_to_commit_us, bundle.latency_us) == (None, None, 900)


def test_a_bundle_that_left_late_waits_since_it_was_due() -> None:
    trace = [
        record(600, "a", "submitted", bundle="1", transactions=3, late_us=500),
        record(1_000, "a", "included", height=1, transactions=3, latency_us=400, late_us=500),
    ]
    (bundle,) = bundles_of(trace)
    assert (bundle.due_us, bundle.submitted_us) == (100, 600)
    assert (bundle.latency_us, bundle.submit_to_execute_us) == (900, 400)


def test_a_protocol_without_a_prepared_phase_still_tells_from_order_to_commit() -> None:
    trace = [
        record(100, "a", "proposed", view=0, height=1, digest="x"),
        record(200, "b", "proposed", view=1, height=1, digest="x"),
        record(900, "a", "committed", view=1, height=1, digest="x"),
        record(1_000, "c", "committed", view=1, height=1, digest="x"),
        record(1_200, "c", "committed", view=1, height=1, digest="x"),
        record(2_000, "c", "committed", view=1, height=2, digest="y"),
    ]
    assert distributions(trace).raw["phase_order_to_committed"] == [800, 900]
