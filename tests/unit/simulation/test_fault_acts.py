"""Faults are written once: their acts agree with one another, their schedule keeps its order, a new one is one file."""

from types import ModuleType

import pytest

from consortium.core.draws import Shape
from consortium.scenario.faults import load_acts, load_drawings, read_options
from consortium.scenario.faults.act import Step
from consortium.scenario.faults.fate import steps_of
from consortium.scenario.faults.schedule import NEVER, Schedule
from consortium.scenario.scenario import Fault, MemberSpec, Scenario
from consortium.scenario.streams import Stream

MEMBERS = tuple(MemberSpec(f"node-{index}", "hospital") for index in range(1, 5))


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
    """With what belongs to its first act behind it; of the acts that harm, only a storm is not drawn at all."""
    shape = Shape(("m0", "m1", "m2", "m3"), "watcher", 1_000, 250_000)
    drawn: set[str] = set()
    for drawing in load_drawings():
        for seed in range(40):
            episode = drawing.draw(Stream(seed, "test"), shape, "m1")
            assert [fault.act for fault in episode[1:]] == list(load_acts()[episode[0].act].followed_by)
            for fault in episode:
                read_options(fault)
                drawn.add(fault.act)
    assert set(load_acts()) - drawn == {"kill_storm"}


# --- a new one --------------------------------------------------------------------------------------------------------


def test_two_acts_of_one_name_are_refused_with_both_files(monkeypatch: pytest.MonkeyPatch) -> None:
    import consortium.scenario.faults as faults

    module = ModuleType("mine")
    module.ACTS = (load_acts()["kill"],)  # type: ignore[attr-defined]
    known = faults.offered
    monkeypatch.setattr(faults, "offered", lambda *of: [*known(*of), ("mine", module.ACTS)])
    with pytest.raises(ValueError, match="mine: the fault 'kill' is named like one of crash"):
        load_acts()
