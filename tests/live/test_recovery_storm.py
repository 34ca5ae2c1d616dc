"""A storm of kills, small, with faults of links at the same time: as local processes and in the simulator."""

from pathlib import Path

import pytest

from consortium.lab.measures.deaths import Death, leader_deaths
from consortium.scenario.faults.fate import steps_of
from consortium.scenario.faults.storm import KillStorm, strokes
from consortium.scenario.scenario import Fault
from consortium.simulation.run import simulate
from tests.recovery_drill import assert_recovered, run_drill, small

pytestmark = [pytest.mark.live, pytest.mark.drill]  # `make drill`

STORM = Fault("kill_storm", at_height=8, options={"kills": 3, "wait_us": 200_000, "down_us": 200_000})


@pytest.mark.live
def test_a_storm_of_kills_under_bad_links_leaves_all_checks_holding(tmp_path: Path) -> None:
    faults = (
        Fault("loss", at_height=3, options={"ppm": 30_000}),
        Fault("duplication", links=("node-1>*",), options={"ppm": 200_000}),
        Fault(
            "delay", links=("*>node-3",), options={"mean_us": 8_000, "deviation_us": 2_000, "distribution": "normal"}
        ),
        Fault("partition", links=("node-2>node-4",)),
        STORM,
        Fault("heal", after_us=1_500_000),
        Fault("calm"),
    )
    outcome = run_drill(tmp_path, small(700, *faults, interval_us=60_000))
    run = assert_recovered(outcome)
    met = [record["act"] for record in run.trace if record["kind"] == "fault"]
    assert met.count("kill") == met.count("restart") == 3
    assert {"loss", "duplication", "delay", "partition", "heal", "calm"} < set(met)


@pytest.mark.live
def test_the_whole_cluster_dies_again_and_again_and_nothing_is_lost(tmp_path: Path) -> None:
    kills = {"kills": 3, "wait_us": 200_000, "down_us": 200_000}
    outcome = run_drill(tmp_path, small(500, Fault("cluster_kills", at_height=8, options=kills), interval_us=60_000))
    run = assert_recovered(outcome)
    met = [record["act"] for record in run.trace if record["kind"] == "fault"]
    assert met.count("kill") == met.count("restart") == 3 * len(run.scenario.members)


@pytest.mark.live
def test_a_process_that_was_stopped_for_longer_than_the_timer_suspects_nobody_when_it_goes_on(tmp_path: Path) -> None:
    """It woke to its timer before it read what had arrived, left its view, and voted no more in it."""
    faults = (Fault("pause", "node-3", at_us=1_500_000), Fault("resume", "last", after_us=3_000_000))
    outcome = run_drill(tmp_path, small(900, *faults, interval_us=15_000, timer_base_us=1_000_000))
    run = assert_recovered(outcome)
    suspicions = [
        record for record in run.trace if record["kind"] in ("suspect", "view_change") and record["node"] == "node-3"
    ]
    assert suspicions == []


def test_the_same_storm_blows_in_the_simulator() -> None:
    scenario = small(400, STORM, interval_us=60_000)
    drawn = strokes(scenario, STORM)
    assert len(drawn) == 6 and drawn == strokes(scenario, STORM)
    faults = [step.fault for step in steps_of(scenario)]
    assert [fault.act for fault in faults] == ["kill", "restart"] * 3
    assert faults[0].at_height == 8 and faults[2].after_us >= KillStorm().settle_us
    run = simulate(scenario)
    assert run.is_done
    assert sum(record["kind"] == "fault" for record in run.trace) == 6


def test_the_wait_after_a_leaders_death_ends_with_a_block_proposed_after_it() -> None:
    def proposed(t_us: int, node: str, height: int) -> dict[str, object]:
        return {"t_us": t_us, "node": node, "kind": "proposed", "height": height, "view": 0}

    def executed(t_us: int, height: int, transactions: int = 1) -> dict[str, object]:
        return {"t_us": t_us, "node": "c", "kind": "executed", "height": height, "transactions": transactions}

    def kill(t_us: int, target: str) -> dict[str, object]:
        return {"t_us": t_us, "node": "", "kind": "fault", "act": "kill", "target": target}

    trace = [proposed(1, "a", 1), kill(2, "b"), proposed(3, "a", 2), kill(5, "a"), executed(6, 2)]
    assert leader_deaths(trace) == [Death(5, "a", None)], "a block from before the death is no service"
    trace += [proposed(7, "b", 3), executed(8, 3, 0), proposed(9, "b", 4), executed(11, 4)]
    assert leader_deaths(trace) == [Death(5, "a", 11)]
