"""Suspecting the leader (paper 4.4): it decides nothing while there is work, or it passes over an old bundle."""

from __future__ import annotations

from consortium.core.machine import Effect, Now
from consortium.protocols.common.leader_timer import LeaderTimer
from consortium.protocols.pbft.replica_state import ReplicaState
from consortium.protocols.pbft.view_change import ViewChanges

PROGRESS_TIMER = ("pbft", "progress")


class Progress:
    """Watches the leader of the view that was entered; `timer` runs while it has work."""

    def __init__(self, state: ReplicaState, timer: LeaderTimer, view_changes: ViewChanges) -> None:
        self._state = state
        self._timer = timer
        self._view_changes = view_changes
        self._entered_view = state.view
        self._entered_us = 0  # when the view was entered
        self._entered_decided = state.decided  # what was decided then

    @property
    def is_watching(self) -> bool:
        return self._timer.is_armed

    def restart(self, now: Now) -> None:
        """The leader could do nothing until now."""
        self._timer.restart(now)
        self._entered_us = now.monotonic_us

    def clear(self) -> None:
        """A new epoch: no leader of it has failed yet."""
        self._timer.ease(wholly=True)

    def look(self, now: Now) -> None:
        """After every step: notice progress and new views."""
        state = self._state
        if not self._timer.has_moved(now, (state.view, state.wanted, state.decided)):
            return
        if state.view != self._entered_view:
            self._entered_view, self._entered_decided = state.view, state.decided
            self._entered_us = now.monotonic_us
        # A view that makes little progress keeps the longer timer: where load made T too short, T stays long.
        if state.decided >= self._entered_decided + state.parameters.checkpoint_interval:
            self._timer.ease(wholly=True)

    def try_watch(self, now: Now) -> list[Effect]:
        """The timer runs while there is work that the leader owes us."""
        if self._timer.is_armed or not self._state.may_vote or not self._has_work():
            return []
        return self._timer.arm(now)

    def on_timer(self, now: Now) -> list[Effect]:
        """Suspect the leader (4.4) if nothing was decided for T while work waits, or if it passed over an old
        bundle."""
        state, timer = self._state, self._timer
        timer.run_out()
        if not state.may_vote or not self._has_work():
            return []
        if timer.is_over(now):
            return self._view_changes.start(now, state.view + 1, "no progress")
        is_old = now.monotonic_us - self._entered_us >= timer.timeout_us
        if is_old and state.pool.was_overtaken(now, timer.timeout_us):
            return self._view_changes.start(now, state.view + 1, "overtaken")
        return timer.go_on(now)

    def _has_work(self) -> bool:
        """Bundles wait, heights are to be filled, or orders of this view are undecided."""
        state = self._state
        if state.pool.unexecuted > 0 or state.is_filling:
            return True
        return any(slot.view == state.view for slot in state.log.above(state.decided))
