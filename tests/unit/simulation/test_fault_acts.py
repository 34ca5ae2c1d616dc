"""Faults are written once: their acts agree with one another, their schedule keeps its order, a new one is one file."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from consortium.core.draws import Shape
from consortium.exploration.draw import draw
from consortium.exploration.shrink import shrink
from consortium.lab.measures.deaths import leader_deaths
from consortium.lab.measures.disturbances import disturbances
from consortium.lab.measures.series import is_repair
from consortium.scenario.faults import load_acts, load_drawings, read_options
from consortium.scenario.faults.act import Step
from consortium.scenario.faults.fate import check_world, steps_of
from consortium.scenario.faults.schedule import NEVER, Schedule
from consortium.scenario.load import ScenarioError, check_scenario
from consortium.scenario.scenario import BehaviourSpec, Fault, MemberSpec, Scenario, Stop, Workload
from consortium.scenario.streams import Stream
from consortium.simulation.run import Simulation, simulate
from consortium.simulation.world import SimulatedWorld
from nodes.conduct.conductor import run_local
from nodes.conduct.local_world import LocalWorld, cuts
from tests.fault_table import PAGE, options_words, with_table
from tests.new_act import FLICKER, new_act

MEMBERS = tuple(MemberSpec(f"node-{index}", "hospital") for index in range(1, 5))


def small_scenario(*faults: Fault) -> Scenario:
    """Four members that settle a few bills in a second or two of virtual time."""
    loaded = tuple(replace(member, settings={"hosts": ["loader"]}) for member in MEMBERS)
    options = {"transactions": 40, "bundle": 2, "interval_us": 60_000, "persons": 5}
    return Scenario(
        "small",
        loaded,
        suite="keyed-hash",
        workload=Workload("settlement_load", options),
        faults=faults,
        stop=Stop(limit_us=60_000_000),
    )


def met(schedule: Schedule, now_us: int, height: int) -> list[str]:
    return [fault.act + fault.target for fault in schedule.due(now_us, height)]


# --- the schedule -----------------------------------------------------------------------------------------------------


def test_faults_are_met_one_after_another() -> None:
    faults = (Fault("kill", "a", at_height=3), Fault("restart", "last", after_us=10), Fault("kill", "b", at_us=50))
    schedule = Schedule(map(Step, faults))
    assert met(schedule, 5, 2) == [] and (schedule.next_us, schedule.waits_for_height) == (None, 3)
    assert met(schedule, 7, 3) == ["killa"] and (schedule.next_us, schedule.waits_for_height) == (17, NEVER)
    assert met(schedule, 16, 3) == [] and met(schedule, 17, 3) == ["restartlast"]
    assert schedule.next_us == 50 and not schedule.is_over
    assert met(schedule, 49, 9) == [] and met(schedule, 50, 9) == ["killb"]
    assert schedule.is_over and schedule.next_us is None


def test_a_step_that_waits_for_level_members_counts_its_time_from_when_they_are() -> None:
    steps = [Step(Fault("kill", "a", after_us=1_000 + 20), settle_us=1_000)]
    is_level = False
    seeing, blind = Schedule(steps, lambda: is_level), Schedule(steps)
    assert met(seeing, 0, 0) == met(seeing, 500, 0) == met(blind, 0, 0) == []
    is_level = True
    assert met(seeing, 519, 0) == [] and met(seeing, 520, 0) == ["killa"], "level since 500"
    assert met(blind, 1_019, 0) == [] and met(blind, 1_020, 0) == ["killa"], "without sight, time alone tells"


def test_a_storm_is_told_as_its_kills_and_restarts() -> None:
    storm = Fault("kill_storm", at_height=8, options={"kills": 3, "settle_us": 7})
    scenario = Scenario("storm", MEMBERS, faults=(storm, Fault("heal")))
    steps = steps_of(scenario)
    assert [step.fault.act for step in steps] == ["kill", "restart"] * 3 + ["heal"]
    assert [step.settle_us for step in steps] == [0, None, 7, None, 7, None, None]
    assert steps[0].fault.at_height == 8 and steps[2].fault.at_height is None


def test_when_the_whole_cluster_dies_all_are_killed_at_once_and_all_come_back_before_the_next_time() -> None:
    kills = Fault("cluster_kills", at_height=8, options={"kills": 2, "settle_us": 7})
    steps = steps_of(Scenario("cluster", MEMBERS, faults=(kills,)))
    names = sorted(member.name for member in MEMBERS)
    n = len(names)
    assert [step.fault.act for step in steps] == (["kill"] * n + ["restart"] * n) * 2
    for begin in (0, n, 2 * n, 3 * n):
        assert sorted(step.fault.target for step in steps[begin : begin + n]) == names
        assert all(step.fault.after_us == 0 for step in steps[begin + 1 : begin + n]), "at one moment"
    assert [step.settle_us for step in steps if step.settle_us is not None] == [0, 7]
    assert steps[0].fault.at_height == 8 and steps[2 * n].fault.after_us >= 7


@pytest.mark.parametrize(
    ("link", "shut"),
    [
        ("node-1>node-2", {("node-1", "node-2")}),
        ("node-1>*", {("node-1", other) for other in ("node-2", "node-3", "node-4")}),
        ("*>node-1", {(other, "node-1") for other in ("node-2", "node-3", "node-4")}),
    ],
)
def test_a_one_way_cut_leaves_the_other_way_open_in_both_worlds(link: str, shut: set[tuple[str, str]]) -> None:
    simulation = Simulation(small_scenario())
    transport, nodes = simulation.driver.transport, simulation.nodes
    transport.partition((), (link,))
    pairs = [(one, other) for one in nodes for other in nodes if one != other]
    assert {pair for pair in pairs if not transport.is_open(nodes[pair[0]], nodes[pair[1]])} == shut
    deaf = cuts((), list(nodes), (link,))
    assert {(sender, receiver) for receiver, senders in deaf.items() for sender in senders} == shut


# --- the acts ---------------------------------------------------------------------------------------------------------


def test_what_mends_and_what_follows_an_act_are_acts() -> None:
    acts = load_acts()
    for act in acts.values():
        assert {*act.mended_by, *act.followed_by} <= set(acts), act.name
        assert act.nature == "harm" or not act.mended_by, act.name
    mended = {name for act in acts.values() for name in act.mended_by}
    repairs = {act.name for act in acts.values() if act.nature == "repair"}
    assert repairs and repairs <= mended


def test_every_option_has_a_limit_that_is_told_with_the_act_and_the_options_there_are() -> None:
    with pytest.raises(
        ValueError, match=r"options of 'kill': Expected `int` >= 0 - at `\$.outputs`; known are outputs"
    ):
        read_options(Fault("kill", options={"outputs": -1}))
    with pytest.raises(ValueError, match=r"options of 'heal'.*known are none"):
        read_options(Fault("heal", options={"ppm": 1}))
    assert read_options(Fault("clock_jump", options={"wall_us": -5})).wall_us == -5


def test_a_drift_of_nothing_ends_a_drift_and_no_other_act_ends_itself_so() -> None:
    acts = load_acts()
    assert acts["clock_drift"].ends_itself({"wall_ppm": 0}) and not acts["clock_drift"].ends_itself({"wall_ppm": 1})
    assert [act.name for act in acts.values() if act.ends_itself({})] == ["clock_drift"]


def test_every_drawing_is_an_episode_of_known_acts_whose_options_can_be_meant() -> None:
    """With what belongs to its acts behind them; of the acts that harm, only storms are not drawn at all."""
    shape = Shape(("m0", "m1", "m2", "m3"), "watcher", 1_000, 250_000)
    drawn: set[str] = set()
    for drawing in load_drawings():
        for seed in range(40):
            episode = drawing.draw(Stream(seed, "test"), shape, "m1")
            for place, fault in enumerate(episode):
                act = load_acts()[fault.act]
                due = set() if act.ends_itself(dict(fault.options)) else set(act.followed_by)
                assert due <= {later.act for later in episode[place + 1 :]}
                read_options(fault)
                drawn.add(fault.act)
    assert set(load_acts()) - drawn == {"cluster_kills", "kill_storm"}


# --- a new one --------------------------------------------------------------------------------------------------------


def test_a_new_act_is_one_file_that_loading_the_simulator_and_the_laboratory_all_know(tmp_path: Path) -> None:
    scenario = small_scenario(Fault("flicker", "leader", at_us=300_000, options={"times": 2}))
    with pytest.raises(ScenarioError, match="flicker"):
        check_scenario(scenario)  # the control: without the file nobody knows it
    with new_act(tmp_path):
        check_scenario(scenario)
        with pytest.raises(ScenarioError, match="known are times"):
            check_scenario(replace(scenario, faults=(replace(scenario.faults[0], options={"time": 1}),)))
        run = simulate(scenario)
        assert run.is_done
        record = next(record for record in run.trace if record["kind"] == "fault")
        told = {key: record[key] for key in ("act", "target", "times")}
        assert told == {"act": "flicker", "target": "node-1", "times": 2}
        assert sum(each["kind"] == "booted" and each["node"] == "node-1" for each in run.trace) == 3
        found = disturbances(run.trace)
        assert [(each.words, each.target, each.is_open) for each in found] == [("power failed", "node-1", True)]
        assert not is_repair(record) and leader_deaths(run.trace)[0].leader == "node-1"


def test_an_explorer_draws_a_new_act_and_a_shrinker_leaves_it_out(tmp_path: Path) -> None:
    with new_act(tmp_path):
        drawn = next(scenario for scenario in map(draw, range(50)) if any(f.act == "flicker" for f in scenario.faults))
        check_scenario(drawn)
        small, _ = shrink(drawn, lambda scenario: any(f.act == "flicker" for f in scenario.faults), tries_max=60)
        assert [fault.act for fault in small.faults] == ["flicker"]
    assert all(fault.act != "flicker" for scenario in map(draw, range(50)) for fault in scenario.faults)


def test_two_acts_of_one_name_are_refused_with_both_files(tmp_path: Path) -> None:
    text = FLICKER.replace('name="flicker"', 'name="kill"')
    with new_act(tmp_path, text), pytest.raises(ValueError, match=r"flicker\.py: its ACTS .*'kill'.*crash\.py"):
        load_acts()


def test_an_act_that_needs_a_verb_which_a_world_lacks_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    text = FLICKER.replace("carry_out=_flicker", 'needs=("dim_lights", "kill"), carry_out=_flicker')
    scenario = small_scenario(Fault("flicker", "leader", at_us=300_000))
    with new_act(tmp_path, text):
        for world, where in ((SimulatedWorld, "in the simulator"), (LocalWorld, "to local processes")):
            with pytest.raises(ScenarioError, match=f"faults.0: 'flicker' cannot be done {where}.*no dim_lights"):
                check_world(scenario, world)
        with pytest.raises(ScenarioError, match="dim_lights"):
            run_local(scenario, tmp_path / "run")
    assert not (tmp_path / "run").exists()


# --- the document -----------------------------------------------------------------------------------------------------


def test_the_document_has_the_table_of_acts_as_they_are() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page) == page, "run `python -m tests.fault_table`"
    for act in load_acts().values():
        assert all(f"`{field}`" in options_words(act) for field in act.options.__struct_fields__), act.name


def test_a_new_act_makes_the_table_of_the_document_stale(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    with new_act(tmp_path):
        assert with_table(page) != page and "| `flicker` | a member | the power fails" in with_table(page)


def test_the_example_of_the_document_can_be_run() -> None:
    """Its faults and behaviours, as they stand there, in a scenario of four."""
    page = PAGE.read_text(encoding="utf-8")
    example = page.partition("```python\n")[2].partition("```")[0]
    values: dict[str, Any] = {"Fault": Fault, "BehaviourSpec": BehaviourSpec}
    exec(example, values)
    check_scenario(replace(small_scenario(), faults=values["faults"], behaviours=values["behaviours"]))
