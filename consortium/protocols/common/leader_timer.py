"""The leader's timer: how long a leader may take over its work, and how that time grows (Castro & Liskov 4.5.2).

T doubles with each change of leader after the first that brought no progress, up to a cap. With the first block that
is decided under a new leader it falls again, as far as the time that block took allows (decision 059). Which leader is
new, and which block is its own, is the protocol's to say; all else is here.
"""

from __future__ import annotations

from collections.abc import Callable

from consortium.core.machine import Effect, Note, Now, SetTimer
from consortium.core.membership import NodeId
from consortium.protocols.common.replica_state import CommonState

LATE_SHARE = 4  # a timer that runs out later than a fourth of T after its time: we stood still


class LeaderTimer:
    """One timer of this `name`. It is set while there may be work, and never cancelled: it finds out when it runs out
    whether there still is any, and since when.

    `owed_since`: when the oldest work that waits now reached this node, monotonic; None while nothing waits.
    `attempts`: changes of leader since the last progress. `is_wary`: T fell too early the last time.
    """

    def __init__(self, state: CommonState, name: tuple[str, ...], owed_since: Callable[[], int | None]) -> None:
        self._state = state
        self._name = name
        self._owed_since = owed_since
        self._since_us = 0  # monotonic, when something last moved
        self._before_us = 0  # and when before that
        self._position: tuple[int, ...] | None = None
        self._slowest_us = 0  # the longest step that was measured since T last fell, or since the leader came
        self._is_unproven = False  # T fell, and its leader has not done well for long since
        self._noted_us: int | None = None  # when a slow leader was noted last
        self._due_us = 0  # monotonic, when the timer should run out
        self._was_late = False  # it ran out late the last time
        self.is_wary = False
        self.attempts = 0
        self.is_armed = False

    # --- how long -----------------------------------------------------------------------------------------------

    @property
    def timeout_us(self) -> int:
        """T."""
        return self._timeout_us(self.attempts)

    def _timeout_us(self, attempts: int) -> int:
        parameters = self._state.parameters
        return min(parameters.timer_cap_us, parameters.timer_base_us << min(max(attempts - 1, 0), 40))

    @property
    def is_settled(self) -> bool:
        """Whether T is its base, and has been for long: nothing need be measured."""
        return not self.attempts and not self._is_unproven

    def grow(self) -> None:
        """The leader changes."""
        self.attempts += 1
        self.is_wary = self.is_wary or self._is_unproven
        self._is_unproven = False

    def begin(self) -> None:
        """A new leader: nothing is known yet of how fast it is."""
        self._slowest_us = 0

    def measure(self, now: Now, ordered_us: int) -> None:
        """A step of this leader that ends now, with the last move: how long it took from when the order came that it
        carried out (0: nobody knows). A wary timer counts the wait for the order, too."""
        owed_us = self._owed_since()
        began_us = self._before_us if owed_us is None else max(self._before_us, owed_us)
        if not self.is_wary:
            began_us = max(began_us, ordered_us)
        self._slowest_us = max(self._slowest_us, now.monotonic_us - began_us)

    def ease(self, now: Now) -> list[Effect]:
        """This leader made progress: T falls, but not below twice what its slowest step took since T last fell. So
        where load made T too short, T stays long."""
        before_us = self.timeout_us
        while self.attempts and self._timeout_us(self.attempts - 1) >= 2 * self._slowest_us:
            self.attempts -= 1
            self._is_unproven = True
        self._slowest_us = 0
        return self._set_again(now) if self.timeout_us < before_us else []

    def prove(self) -> None:
        """This leader has done well for long: T did not fall too early."""
        self._is_unproven = self.is_wary = False

    def forgive(self, now: Now) -> list[Effect]:
        """No leader of this epoch has failed yet: T is its base, which may be another than before."""
        self.attempts = self._slowest_us = 0
        self.prove()
        return self._set_again(now)

    # --- since when ---------------------------------------------------------------------------------------------

    def restart(self, now: Now) -> None:
        """T counts from now on at the earliest: until now the leader could do nothing."""
        self._since_us = now.monotonic_us

    def has_moved(self, now: Now, position: tuple[int, ...]) -> bool:
        """Whether the replica stands elsewhere than at the last look; T then counts from now on at the earliest."""
        if position == self._position:
            return False
        if self._position is not None:
            self._state.moved_us = now.monotonic_us
        self._position = position
        self._before_us = self._since_us
        self.restart(now)
        return True

    def slowness(self, now: Now, leader: NodeId, view: int) -> list[Effect]:
        """Right after a move: a note where this leader took more than half of T for it, since the last one or since the
        oldest work came. It keeps its place, and service crawls. At most one note in each T."""
        timeout_us = self.timeout_us
        waited_us = now.monotonic_us - self._before_us
        if 2 * waited_us <= timeout_us or leader == self._state.me:
            return []
        owed_us = self._owed_since()  # what was decided just now is not executed yet: it still waits
        waited_us = 0 if owed_us is None else min(waited_us, now.monotonic_us - owed_us)
        is_noted = self._noted_us is not None and now.monotonic_us - self._noted_us < timeout_us
        if 2 * waited_us <= timeout_us or is_noted:
            return []
        self._noted_us = now.monotonic_us
        fields = {"leader": leader, "view": view, "waited_us": waited_us, "timeout_us": timeout_us}
        return [Note("slow_leader", fields)]

    def left_us(self, now: Now) -> int | None:
        """What is left of T, counted from when something last moved, or from when the oldest work that waits now
        came, whichever is later. Zero or less: T is over. None: nothing waits."""
        owed_us = self._owed_since()
        if owed_us is None:
            return None
        return max(self._since_us, owed_us) + self.timeout_us - now.monotonic_us

    # --- the timer ----------------------------------------------------------------------------------------------

    def watch(self, now: Now) -> list[Effect]:
        """Set the timer to when T is over, if anything waits."""
        left_us = self.left_us(now)
        if left_us is None:
            return []
        self.is_armed = True
        self._due_us = now.monotonic_us + max(1, left_us)
        return [SetTimer(self._name, max(1, left_us))]

    def run_out(self, now: Now) -> bool:
        """The timer ran out: it is not armed any more. True where it ran out so late that we stood still meanwhile (the
        process was stopped, its clock jumped) and may have what the leader said still unread: T counts from now on. Not
        twice in a row: whoever is always late suspects, too."""
        self.is_armed = False
        is_late = LATE_SHARE * (now.monotonic_us - self._due_us) > self.timeout_us
        self._was_late = is_late and not self._was_late
        if self._was_late:
            self.restart(now)
        return self._was_late

    def _set_again(self, now: Now) -> list[Effect]:
        """T is shorter than when the timer was set: it must run out earlier."""
        return self.watch(now) if self.is_armed else []
