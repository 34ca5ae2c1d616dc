"""When the faults of a scenario are due: one after another, in their order (as in the simulator)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from consortium.scenario.adversary import Turn, turns
from consortium.scenario.network.model import matches
from consortium.scenario.scenario import Fault, Scenario


class FaultClock:
    """`due` yields the faults whose time has come; a fault waits until those before it have been met."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self._faults = deque(faults)
        self._due_us: int | None = None

    @property
    def is_over(self) -> bool:
        return not self._faults

    @property
    def waits_for_height(self) -> int | None:
        """The height that the next fault waits for, if it is not yet timed."""
        return self._faults[0].at_height if self._faults and self._due_us is None else None

    def due(self, now_us: int, height_max: int) -> Iterator[Fault]:
        while self._faults:
            fault = self._faults[0]
            if self._due_us is None:
                if fault.at_height is not None and height_max < fault.at_height:
                    return
                if fault.at_us is not None and now_us < fault.at_us:
                    return
                self._due_us = now_us + fault.after_us
            if now_us < self._due_us:
                return
            self._due_us = None
            yield self._faults.popleft()


class TurnClock:
    """When behaviours begin and end, for the trace; a run is not over before all of them have begun."""

    def __init__(self, scenario: Scenario) -> None:
        self._turns = deque(turns(scenario))

    @property
    def have_begun(self) -> bool:
        return all(turn.phase == "end" for turn in self._turns)

    def due(self, now_us: int) -> Iterator[Turn]:
        while self._turns and self._turns[0].at_us <= now_us:
            yield self._turns.popleft()


def cuts(groups: Sequence[Sequence[str]], names: Sequence[str], links: Sequence[str] = ()) -> dict[str, list[str]]:
    """For each member, those it no longer hears; members of no group form one together. `links`: "sender>receiver"."""
    group = {name: index + 1 for index, members in enumerate(groups) for name in members}

    def is_cut(sender: str, receiver: str) -> bool:
        return group.get(sender, 0) != group.get(receiver, 0) or any(matches(link, sender, receiver) for link in links)

    return {me: [name for name in names if name != me and is_cut(name, me)] for me in names}
