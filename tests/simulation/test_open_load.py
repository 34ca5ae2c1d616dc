"""An open load that keeps its times: who stands still hides no wait, and a load that was not offered is told."""

from __future__ import annotations

import pytest

from consortium.core.genesis import Parameters
from consortium.lab.measures.distributions import distributions
from consortium.lab.measures.load import fell_short
from consortium.lab.measures.measures import Measures, measure
from consortium.runs.trace import fingerprint
from consortium.scenario.scenario import Fault, MemberSpec, Scenario, Workload
from consortium.simulation.run import simulate

FOUR = tuple(MemberSpec(f"hospital-{index}", "hospital", settings={"hosts": ["loader"]}) for index in range(1, 5))


def _ran(*faults: Fault, seed: int = 1, **options: object) -> Measures:
    load = {"transactions": 400, "interval_us": 20_000, "persons": 5, **options}
    scenario = Scenario("open", FOUR, suite="keyed-hash", seed=seed, faults=faults,
                        workload=Workload("settlement_load", load))  # fmt: skip
    simulated = simulate(scenario)
    assert simulated.is_done
    return measure(simulated.trace)


def test_a_member_that_stands_still_hides_no_wait() -> None:
    """Fifty bundles a second and member for two seconds, of which hospital-3 stands still for one and a half."""
    figures = _ran(Fault("pause", "hospital-3", at_us=500_000), Fault("resume", "hospital-3", at_us=2_000_000))
    assert figures["transactions"] == 400
    assert figures["latency_p99"] > 1_200 and figures["latency_p50"] < 10
    assert figures["submit_to_execute_p99"] < 10, "from its submission on, each was quick"
    assert figures["late_max"] == pytest.approx(1.49, abs=0.02)
    assert fell_short(figures) == "", "all of it was offered before the time was over"


def test_a_load_that_was_not_offered_in_time_is_told() -> None:
    figures = _ran(Fault("pause", "hospital-3", at_us=500_000), Fault("resume", "hospital-3", at_us=4_000_000))
    assert figures["transactions"] == 400
    assert figures["load_asked"] == pytest.approx(200, rel=0.01)
    assert figures["load_offered"] == pytest.approx(200 * 325 / 400, rel=0.01)
    assert "offered (19 % fewer)" in fell_short(figures)


def test_a_member_that_boots_again_keeps_to_the_schedule_of_the_run() -> None:
    figures = _ran(Fault("kill", "hospital-3", at_us=500_000), Fault("restart", "hospital-3", at_us=1_500_000))
    assert figures["transactions"] == 400 and fell_short(figures) == ""
    assert figures["late_max"] == pytest.approx(1.0, abs=0.05), "what came due while it was down, and nothing later"


def test_more_than_a_pool_holds_waits_with_its_loader_and_is_late() -> None:
    load = {"transactions": 400, "arrivals": "constant", "rate": 200_000, "persons": 5}
    small = Parameters(pool_transactions_max=40, batch_transactions_max=10)
    simulated = simulate(Scenario("full", FOUR, suite="keyed-hash", parameters=small,
                                  workload=Workload("settlement_load", load)))  # fmt: skip
    figures = measure(simulated.trace)
    assert simulated.is_done and figures["transactions_ok"] == 400
    assert figures["late_max"] > 0.01 and not any(record["kind"] == "no_room" for record in simulated.trace)


def test_all_kinds_of_transactions_are_executed_as_they_should() -> None:
    figures = _ran(interval_us=0, arrivals="poisson", rate=400, kinds={"claim": 2, "bill": 1, "refused": 1})
    assert figures["transactions"] == 400
    assert figures["transactions_refused"] == pytest.approx(100, abs=30)


def test_another_seed_is_another_load_and_the_same_seed_the_same_run() -> None:
    def run(seed: int) -> tuple[str, float]:
        load = {"transactions": 100, "arrivals": "poisson", "rate": 500, "persons": 5}
        trace = simulate(Scenario("open", FOUR, suite="keyed-hash", seed=seed, protocol="solo",
                                  workload=Workload("settlement_load", load))).trace  # fmt: skip
        return fingerprint(trace), distributions(trace).raw["latency"][50]

    one, again, other = run(1), run(1), run(2)
    assert one == again and one[0] != other[0]
