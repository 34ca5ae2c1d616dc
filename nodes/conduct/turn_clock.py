"""When the behaviours of a scenario begin and end, for the trace of a local run."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from consortium.scenario.adversary import Turn


class TurnClock:
    """When behaviours begin and end, for the trace; a run is not over before all of them have begun."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = deque(turns)

    @property
    def have_begun(self) -> bool:
        return all(turn.phase == "end" for turn in self._turns)

    def due(self, now_us: int) -> Iterator[Turn]:
        """Those that begin or end by now (microseconds since the run began), each once."""
        while self._turns and self._turns[0].at_us <= now_us:
            yield self._turns.popleft()
