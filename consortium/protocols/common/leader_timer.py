"""The leader's timer: how long a leader may take while there is work, and how that time grows (Castro & Liskov 4.5.2).

T doubles with each change of leader after the first that brought no progress, up to a cap. When T comes back to its
base is the protocol's rule, for it depends on whether leaders stay or take turns; all the rest is here.
"""

from __future__ import annotations

from consortium.core.machine import Effect, Now, SetTimer
from consortium.protocols.common.replica_state import CommonState


class LeaderTimer:
    """One timer of this `name`. It is set while there may be work, and never cancelled: it finds out when it runs out
    whether there still is any. `attempts`: changes of leader since the last progress."""

    def __init__(self, state: CommonState, name: tuple[str, ...]) -> None:
        self._state = state
        self._name = name
        self._since_us = 0  # monotonic, when something last moved, or work began
        self._position: tuple[int, ...] | None = None
        self.attempts = 0
        self.is_armed = False

    # --- how long -----------------------------------------------------------------------------------------------

    @property
    def timeout_us(self) -> int:
        """T."""
        parameters = self._state.parameters
        return min(parameters.timer_cap_us, parameters.timer_base_us << min(max(self.attempts - 1, 0), 40))

    def grow(self) -> None:
        """The leader changes."""
        self.attempts += 1

    def ease(self, *, wholly: bool) -> None:
        """There was progress: T comes back to its base, or one step closer to it."""
        self.attempts = 0 if wholly else max(0, self.attempts - 1)

    # --- since when ---------------------------------------------------------------------------------------------

    def restart(self, now: Now) -> None:
        """T counts from now on."""
        self._since_us = now.monotonic_us

    def has_moved(self, now: Now, position: tuple[int, ...]) -> bool:
        """Whether the replica stands elsewhere than at the last look; T then counts from now on."""
        if position == self._position:
            return False
        self._position = position
        self.restart(now)
        return True

    def is_over(self, now: Now) -> bool:
        """Whether nothing moved for T."""
        return now.monotonic_us - self._since_us >= self.timeout_us

    # --- the timer ----------------------------------------------------------------------------------------------

    def arm(self, now: Now) -> list[Effect]:
        """Work begins. The timer must not be armed."""
        assert not self.is_armed
        self.is_armed = True
        self.restart(now)
        return [SetTimer(self._name, self.timeout_us)]

    def run_out(self) -> None:
        """The timer ran out: it is not armed any more."""
        self.is_armed = False

    def go_on(self, now: Now) -> list[Effect]:
        """T is not over, for something moved since the timer was set: wait for what is left of it."""
        self.is_armed = True
        return [SetTimer(self._name, self._since_us + self.timeout_us - now.monotonic_us)]
