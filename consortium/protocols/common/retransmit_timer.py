"""When a stalled replica says its latest statements again: often at first, then rarely, never while something moves."""

from __future__ import annotations

from collections.abc import Callable

from consortium.core.machine import Effect, Now, SetTimer
from consortium.protocols.common.replica_state import CommonState

TRIES_AT_ONCE = 6


class RetransmitTimer:
    """Every T/8 while nothing moves, with back-off up to 4 T after `tries_at_once`; from the start again when something
    did. (With back-off from the first try on, where a fifth of all messages is lost, a leader's T was over too often.)

    `position`: where the replica stands; nothing moves while it stays the same. `has_open_work`: whether the timer must
    run at all: an idle consortium is quiet. `say_again`: what to do when nothing moved.
    """

    def __init__(
        self,
        state: CommonState,
        name: tuple[str, ...],
        position: Callable[[], tuple[int, ...]],
        has_open_work: Callable[[], bool],
        say_again: Callable[[Now], list[Effect]],
        tries_at_once: int = TRIES_AT_ONCE,
    ) -> None:
        self._state = state
        self._name = name
        self._position = position
        self._has_open_work = has_open_work
        self._say_again = say_again
        self._tries_at_once = tries_at_once
        self._delay_us = self.first_us
        self._tries = 0  # since something moved
        self._mark: tuple[int, ...] = ()
        self.is_armed = False

    @property
    def first_us(self) -> int:
        """T/8, the first delay."""
        return max(1, self._state.parameters.timer_base_us // 8)

    def arm(self) -> list[Effect]:
        """There is open work: the timer runs from here on."""
        if self.is_armed:
            return []
        self.is_armed = True
        self._delay_us, self._tries = self.first_us, 0
        self._mark = self._position()
        return [SetTimer(self._name, self._delay_us)]

    def hasten(self) -> list[Effect]:
        """Something moved: a timer that waits for long, since nothing moved before, waits T/8 again."""
        if not self.is_armed or self._delay_us <= self.first_us:
            return []
        self.is_armed = False
        return self.arm()

    def on_timer(self, now: Now) -> list[Effect]:
        self.is_armed = False
        if not self._has_open_work():
            return []
        effects: list[Effect] = []
        position = self._position()
        if position == self._mark:
            effects = self._say_again(now)
            self._tries += 1
            if self._tries >= self._tries_at_once:
                self._delay_us = min(2 * self._delay_us, 4 * self._state.parameters.timer_base_us)
        else:
            self._delay_us, self._tries = self.first_us, 0
        self._mark = position
        self.is_armed = True
        return [*effects, SetTimer(self._name, self._delay_us)]
