"""Fate: carries out the faults of a scenario in a world, one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from consortium.core.membership import NodeId
from consortium.scenario.faults import load_acts, read_options
from consortium.scenario.faults.act import Occurrence, Step
from consortium.scenario.faults.schedule import Schedule
from consortium.scenario.faults.world import World
from consortium.scenario.load import ScenarioError
from consortium.scenario.scenario import Fault, Scenario
from consortium.scenario.streams import Stream


def steps_of(scenario: Scenario) -> Sequence[Step]:
    """The scenario's faults in their order; one that consists of others is told as them."""
    acts = load_acts()
    found: list[Step] = []
    for fault in scenario.faults:
        steps = acts[fault.act].steps
        found.extend((Step(fault),) if steps is None else steps(scenario, fault))
    return found


def check_world(scenario: Scenario, world: type[World]) -> None:
    """Raises ScenarioError where an act needs a verb that this kind of world lacks."""
    acts = load_acts()
    for index, fault in enumerate(scenario.faults):
        missing = [verb for verb in acts[fault.act].needs if not hasattr(world, verb)]
        if missing:
            raise ScenarioError(
                f"faults.{index}: {fault.act!r} cannot be done {world.where}: there is no {', '.join(missing)}"
            )


class Fate:
    """The faults of one run. `is_level`: whether all members are up and level, where the run can see it. Raises
    ScenarioError as `check_world` does."""

    def __init__(self, scenario: Scenario, world: World, is_level: Callable[[], bool] | None = None) -> None:
        check_world(scenario, type(world))
        self._seed = scenario.seed
        self.world = world
        self._schedule = Schedule(steps_of(scenario), is_level)
        self._last_target = ""
        self._met = 0

    @property
    def is_over(self) -> bool:
        return self._schedule.is_over

    @property
    def waits_for_height(self) -> int:
        """The height that the next fault waits for; beyond all heights if it waits for none."""
        return self._schedule.waits_for_height

    def carry_out(self, now_us: int, height_max: int) -> int | None:
        """Does all that is due now (microseconds since the run began). When the next is due, if that is known."""
        for fault in self._schedule.due(now_us, height_max):
            self._met += 1
            self._hit(fault)
        return self._schedule.next_us

    def _hit(self, fault: Fault) -> None:
        act = load_acts()[fault.act]
        assert act.carry_out is not None, f"{act.name} is told as its steps"
        target = self._target(fault.target)
        told: dict[str, Any] = {"act": fault.act, "target": target}
        told.update({key: value for key, value in sorted(fault.options.items()) if isinstance(value, int | str)})
        self.world.note("", "fault", told)
        if target in self.world.names or not act.has_target:  # `last`, where nobody was hit before, is nobody
            stream = Stream(self._seed, "damage", str(self._met))
            act.carry_out(self.world, Occurrence(fault, target, read_options(fault), stream))
        if target:
            self._last_target = target

    def _target(self, target: str) -> NodeId:
        if target == "leader":
            return self.world.leader or self._last_target
        return self._last_target if target == "last" else target
