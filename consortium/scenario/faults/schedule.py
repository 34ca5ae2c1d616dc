"""When each fault of a scenario is due: one after another, in their order, each when its time has come."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator

from consortium.scenario.faults.act import Step
from consortium.scenario.scenario import Fault

NEVER = 1 << 62


class Schedule:
    """A fault waits until those before it have been met; then for `at_us` or `at_height`, then for `after_us` more.
    Times are microseconds since the run began. `is_level`: whether all members are up and level, where the run can see
    that; steps that wait for it count their time from then on."""

    def __init__(self, steps: Iterable[Step], is_level: Callable[[], bool] | None = None) -> None:
        self._steps = deque(steps)
        self._is_level = is_level
        self._since_us: int | None = None  # when the first of them began to wait for its `after_us`
        self.next_us: int | None = None  # when the next fault is due, as far as `due` could tell

    @property
    def is_over(self) -> bool:
        return not self._steps

    @property
    def waits_for_height(self) -> int:
        """The height that the next fault waits for; NEVER if it waits for none, or was there already."""
        if self._since_us is not None or not self._steps:
            return NEVER
        height = self._steps[0].fault.at_height
        return NEVER if height is None else height

    def due(self, now_us: int, height_max: int) -> Iterator[Fault]:
        """The faults that are due now, each once. `height_max`: the highest that was executed anywhere."""
        self.next_us = None
        while self._steps:
            step = self._steps[0]
            fault = step.fault
            if self._since_us is None:
                if fault.at_height is not None and height_max < fault.at_height:
                    return
                if fault.at_us is not None and now_us < fault.at_us:
                    self.next_us = fault.at_us
                    return
                self._since_us = now_us
            due_us = self._due_us(step, now_us)
            if now_us < due_us:
                self.next_us = due_us
                return
            self._since_us = None
            yield self._steps.popleft().fault

    def _due_us(self, step: Step, now_us: int) -> int:
        assert self._since_us is not None
        if step.settle_us is None or self._is_level is None:
            return self._since_us + step.fault.after_us
        if not self._is_level():
            self._since_us = now_us
            return NEVER
        return self._since_us + step.fault.after_us - step.settle_us
