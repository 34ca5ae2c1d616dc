"""Suspecting the leader (paper 4.4): it decides nothing while there is work, or it passes over an old bundle."""

from __future__ import annotations

from collections.abc import Callable

from consortium.core.machine import Effect, Now
from consortium.protocols.common.leader_timer import LeaderTimer
from consortium.protocols.pbft.replica_state import ReplicaState
from consortium.protocols.pbft.suspicion import Suspicions

PROGRESS_TIMER = ("pbft", "progress")


class Progress:
    """Watches the leader of the view that was entered; `timer` runs while it has work."""

    def __init__(
        self, state: ReplicaState, timer: LeaderTimer, suspicions: Suspicions, lags: Callable[[], bool]
    ) -> None:
        self._state = state
        self._timer = timer
        self._suspicions = suspicions
        self._lags = lags
        self._entered_view = state.view
        self._entered_us = 0  # when the view was entered
        self._decided = state.decided  # at the last look
        self._eased_at: int | None = None  # what was decided when T last fell in this view; None: it has not

    @property
    def is_watching(self) -> bool:
        return self._timer.is_armed

    def restart(self, now: Now) -> None:
        """The leader could do nothing until now."""
        self._timer.restart(now)
        self._entered_us = now.monotonic_us

    def clear(self, now: Now) -> list[Effect]:
        """A new epoch: no leader of it has failed yet."""
        self._eased_at = None
        return self._timer.forgive(now)

    def has_moved(self, now: Now) -> bool:
        """Whether the view, the view wanted or the decided height is another than at the last look."""
        state = self._state
        return self._timer.has_moved(now, (state.view, state.wanted, state.decided))

    def slowness(self, now: Now) -> list[Effect]:
        """A note where the leader of our view was slow with the block that was decided just now."""
        state = self._state
        before, self._decided = self._decided, state.decided
        if state.decided == before or state.view != self._entered_view or state.is_changing:
            return []
        slot = state.log.get(state.decided)
        is_its = slot is not None and slot.certificate_view == state.view
        return self._timer.slowness(now, state.epoch.leader(state.view), state.view) if is_its else []

    def on_move(self, now: Now) -> list[Effect]:
        """T falls with the first block decided under a new leader, and then with each checkpoint interval."""
        state, timer = self._state, self._timer
        if state.view != self._entered_view:
            self._entered_view, self._eased_at = state.view, None
            self._entered_us = now.monotonic_us
            timer.begin()
            return []
        if timer.is_settled or state.is_changing:
            return []
        slot = state.log.get(state.decided)
        if slot is None or slot.certificate_view != state.view:
            return []  # decided in a view before this one, or behind our back
        timer.measure(now, slot.ordered_us)
        if self._eased_at is not None and state.decided < self._eased_at + state.parameters.checkpoint_interval:
            return []
        effects = timer.ease(now)
        if self._eased_at is not None:
            timer.prove()
        self._eased_at = state.decided
        return effects

    def try_watch(self, now: Now) -> list[Effect]:
        """The timer runs while there is work that the leader owes us, and until we suspect it."""
        if self._timer.is_armed or not self._state.may_vote or self._suspicions.is_fresh:
            return []
        return self._timer.watch(now)

    def on_timer(self, now: Now) -> list[Effect]:
        """Suspect the leader (4.4) if nothing was decided for T while work waits, or if it passed over an old bundle.
        The timer then rests until something moves. Who lags behind what others have executed fetches it first: no
        leader can do that for it."""
        state, timer = self._state, self._timer
        if timer.run_out(now):
            return self.try_watch(now)
        left_us = timer.left_us(now) if state.may_vote else None
        if left_us is None:
            return []
        if left_us <= 0:
            timer.restart(now)  # where we stay, the leader gets another T for what comes next
            if self._lags():
                return timer.watch(now)
            return self._suspicions.suspect(now, state.view, "no progress")
        is_old = now.monotonic_us - self._entered_us >= timer.timeout_us
        if is_old and state.pool.was_overtaken(now, timer.timeout_us):
            return self._suspicions.suspect(now, state.view, "overtaken")
        return timer.watch(now)


def owed_since(state: ReplicaState) -> int | None:
    """When the oldest work reached us that the leader of our view owes us: a bundle that waits, or an order of this
    view that is undecided. Heights to be filled are owed since the last decision, or from the start (0)."""
    found = [slot.ordered_us for slot in state.log.above(state.decided) if slot.view == state.view]
    oldest_us = state.pool.oldest_us()
    if oldest_us is not None:
        found.append(oldest_us)
    if state.is_filling:
        found.append(0)
    return min(found, default=None)
