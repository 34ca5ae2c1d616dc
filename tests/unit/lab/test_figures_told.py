"""Figures are told by one rule of warm-up, with the digits that they have, and marked where they rest on few values."""

from __future__ import annotations

from itertools import pairwise

import pytest

from consortium.core.genesis import Parameters
from consortium.lab.measures import series
from consortium.lab.measures.confidence import interval
from consortium.lab.measures.measures import measure
from consortium.lab.measures.told import is_few, plus_minus, steady_of, told, told_names
from consortium.lab.sweeps.results import Mean
from consortium.lab.sweeps.shown import Columns, cell
from consortium.runs.run import Run
from consortium.scenario.arrivals.options import LoadOptions
from consortium.scenario.arrivals.plan import plan_load
from consortium.scenario.network.patience import silence_us
from consortium.scenario.scenario import Link, MemberSpec, Network, Scenario, Workload
from consortium.simulation.run import simulate


@pytest.mark.parametrize(
    ("mean", "half", "values", "words"),
    [
        (327.123, 0.4321, 3, "327.1 ± 0.4"),
        (327.123, 0.4321, 12, "327.12 ± 0.43"),
        (1_234.5, 56.7, 5, "1,230 ± 60"),
        (1_234.5, 56.7, 10, "1,234 ± 57"),
        (0.0123, 0.00096, 5, "0.012 ± 0.001"),
        (12.0, 0.0, 5, "12"),
        (12.34, None, 1, "12.3"),
        (50.0, 96.0, 4, "0 ± 100"),
    ],
)
def test_an_interval_has_no_more_digits_than_it_is_known_to(
    mean: float, half: float | None, values: int, words: str
) -> None:
    assert plus_minus(mean, half, values) == words


@pytest.mark.parametrize(
    ("name", "enough"), [("latency_p50", 20), ("latency_p95", 200), ("latency_p99", 1_000), ("latency_p999", 10_000)]
)
def test_a_quantile_rests_on_few_values_where_fewer_than_ten_lie_beyond_it(name: str, enough: int) -> None:
    assert is_few(name, enough - 1) and not is_few(name, enough)
    assert not is_few("latency_mean", 1) and not is_few("throughput", 1)


def test_all_that_is_told_is_without_warm_up_or_all_of_it_is_with_it() -> None:
    wanted = ["throughput", "latency_p50", "blocks"]
    known = {"throughput", "latency_p50", "blocks", "throughput_steady"}
    assert told_names(wanted, known) == {name: name for name in wanted}
    without = told_names(wanted, known | {"latency_steady_p50"})
    assert without == {"throughput": "throughput_steady", "latency_p50": "latency_steady_p50", "blocks": "blocks"}
    assert steady_of("service_gap_max") == "service_gap_steady_max", "of what has no such variant nothing is asked"
    assert told_names(["service_gap_max"], {"service_gap_max"}) == {"service_gap_max": "service_gap_max"}


def test_a_sweep_shows_the_variant_that_all_points_have_and_marks_what_is_few() -> None:
    one = {"throughput": 5.0, "throughput_steady": 6.0, "latency_p95": 1.0, "latency_steady_p95": 2.0}
    known = [dict.fromkeys(one, 1), dict.fromkeys(one, 1)]
    columns = Columns((), known)
    assert columns.names["latency_p95"] == "latency_steady_p95" and "without warm-up" in columns.warm_up
    mixed = Columns((), [one, {"throughput": 1, "latency_p95": 2}])
    assert mixed.names["latency_p95"] == "latency_p95" and "warm-up included" in mixed.warm_up
    means = {"latency_p95": Mean(5.0, 4.0, 6.0, 3), "latency_values": Mean(100.0, None, None, 1)}
    assert cell("latency_p95", means) == "5 ± 1~" and cell("latency_p50", means) == "-"


def test_the_mean_of_one_run_has_no_interval() -> None:
    assert interval([5.0]).low is None


# --- silence ----------------------------------------------------------------------------------------------------------


def _wan(protocol: str, mean_us: int) -> Scenario:
    members = tuple(MemberSpec(f"m-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(4))
    load = {"transactions": 24, "interval_us": 900_000, "persons": 2}
    return Scenario(
        "wan",
        members,
        protocol=protocol,
        suite="keyed-hash",
        network=Network(Link(mean_us=mean_us)),
        parameters=Parameters(timer_base_us=8_000_000),
        workload=Workload("settlement_load", load),
    )


def test_a_silence_is_longer_than_network_and_protocol_take_anyway() -> None:
    quick, slow = _wan("pbft", 1_000), _wan("pbft", 150_000)
    assert silence_us(quick, is_simulated=True) == 500_000
    assert silence_us(slow, is_simulated=True) == 2 * 4 * 150_000
    assert silence_us(_wan("hotstuff", 150_000), is_simulated=True) == 2 * 9 * 150_000
    assert silence_us(slow, is_simulated=False) == 500_000, "real processes have the network of their machine"


def test_hotstuff_on_a_wan_without_faults_lacks_no_service() -> None:
    scenario = _wan("hotstuff", 150_000)
    simulated = simulate(scenario)
    run = Run(scenario, simulated.genesis, simulated.trace)
    figures = measure(run.trace)
    assert figures["service_gap_total"] == 0 and figures["service_gap_least"] == 2.7
    assert series.service_gaps(simulated.trace), "half a second was told as a lack of service"
    assert told(figures, "latency_p999", "ms").endswith("~"), "24 bundles say little of one in a thousand"


# --- intervals cover the truth ----------------------------------------------------------------------------------------


def _mean_wait(seed: int) -> float:
    """Of 400 Poisson arrivals at a server that is half busy, by Lindley's recursion: far from normal."""
    options = LoadOptions(transactions=400, arrivals="poisson", rate=50.0)
    due_us = plan_load(options, seed, ("a",), ("claim",))["a"].due_us
    wait_us, whole_us = 0, 0
    for before, after in pairwise(due_us):
        wait_us = max(0, wait_us + 10_000 - (after - before))
        whole_us += wait_us
    return whole_us / 400


def test_intervals_over_seeds_cover_the_truth_as_often_as_they_say() -> None:
    waits = [_mean_wait(seed) for seed in range(2_000)]
    truth = sum(waits) / len(waits)
    found = [interval(waits[first : first + 10]) for first in range(0, 2_000, 10)]
    covered = sum((each.low or 0.0) <= truth <= (each.high or 0.0) for each in found) / len(found)
    assert 0.91 <= covered <= 0.99
