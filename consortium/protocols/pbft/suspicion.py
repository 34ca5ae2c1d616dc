"""Suspecting a leader, apart from leaving its view (beyond the paper's 4.4): nobody leaves alone.

A member that finds its leader late says SUSPECT, and goes on voting. It leaves, by VIEW-CHANGE, once a quorum suspects.
f+1 honest members are in that quorum, and their suspicions are durable; f+1 make every other suspect, too. So whoever
leaves is followed by all (docs/consensus.md).
"""

from __future__ import annotations

from consortium.core.machine import Effect, Note, Now, Received
from consortium.core.membership import NodeId
from consortium.core.messages import Signed
from consortium.protocols.common.rate_limit import RateLimit
from consortium.protocols.common.records import FORMAT, persist
from consortium.protocols.pbft.messages import Suspect, ViewChange
from consortium.protocols.pbft.records import SuspectRecord
from consortium.protocols.pbft.replica_state import ReplicaState
from consortium.protocols.pbft.view_change import ViewChanges


class Suspicions:
    """Of each member the highest view whose leader it suspects; a VIEW-CHANGE for w counts as suspicion of w−1. Who
    names a huge view only wastes its own place."""

    def __init__(self, state: ReplicaState, view_changes: ViewChanges) -> None:
        self._state = state
        self._view_changes = view_changes
        self._heard: dict[NodeId, int] = {}
        self._why = "before the boot"  # we suspected last
        self._fresh_at: tuple[int, ...] | None = None  # where we stood when we suspected last
        self._signed: Signed | None = None
        self._signed_view = -1
        self._calls_left = RateLimit(1, max(1, state.parameters.timer_base_us // 8))

    def clear(self) -> None:
        """A new epoch: its views are counted from 0."""
        self._heard.clear()
        self._fresh_at, self._signed_view = None, -1

    # --- questions ----------------------------------------------------------------------------------------------

    @property
    def is_fresh(self) -> bool:
        """Whether nothing has moved since we suspected a leader that we may yet have."""
        return self._fresh_at == self._place() and self._state.suspected >= self._state.wanted

    @property
    def is_open(self) -> bool:
        """Whether our suspicion is of use to those who suspect, too: while it is fresh, or we wait for a new view."""
        state = self._state
        return state.suspected >= state.wanted and (state.is_changing or self.is_fresh)

    @property
    def signed(self) -> Signed | None:
        """Our SUSPECT, while it is open, once the host has signed it."""
        return self._signed if self._signed_view == self._state.suspected and self.is_open else None

    def _place(self) -> tuple[int, ...]:
        state = self._state
        return (state.epoch.number, state.view, state.wanted, state.decided)

    # --- suspecting ---------------------------------------------------------------------------------------------

    def suspect(self, now: Now, view: int, why: str) -> list[Effect]:
        """The leader of this view does not do its work. Said again where we said it before: perhaps it was lost."""
        state = self._state
        if view > state.suspected:
            effects = self._say(view, why)
        else:
            self._fresh_at = self._place()
            effects = self.say_again()
        return [*effects, *self.try_follow(now)]

    def say_again(self) -> list[Effect]:
        """Our suspicion, if it is open."""
        state = self._state
        return [state.say(Suspect(state.suspected))] if self.is_open else []

    def _say(self, view: int, why: str) -> list[Effect]:
        """Durable first, for others may leave because of it."""
        state = self._state
        state.suspected, self._why = view, why
        self._fresh_at = self._place()
        return [
            persist(SuspectRecord(FORMAT, state.epoch.number, view), None),
            state.say(Suspect(view)),
            Note("suspect", {"view": view, "why": why}),
        ]

    # --- others -------------------------------------------------------------------------------------------------

    def on_suspect(self, now: Now, event: Received, message: Suspect) -> list[Effect]:
        """Counted once a validator, its highest view."""
        if event.sender == self._state.me:
            self._signed, self._signed_view = event.signed, message.view
            return []
        if message.view <= self._heard.get(event.sender, -1):
            return []
        self._heard[event.sender] = message.view
        return self.try_follow(now)

    def on_view_change(self, now: Now, event: Received, message: ViewChange) -> list[Effect]:
        """Somebody has left. Whoever suspects as much says so again, rationed: those who did not hear it are to follow,
        too."""
        state = self._state
        effects = self.try_follow(now)
        is_shared = state.wanted < message.view <= state.suspected + 1
        is_known = self._view_changes.wanted_by(event.sender) == message.view and event.sender != state.me
        if effects or not (is_shared and is_known and state.is_voter and self._calls_left.spend(now, event.sender)):
            return effects
        return [state.say(Suspect(state.suspected))]

    def try_follow(self, now: Now) -> list[Effect]:
        """Suspect whom f+1 others suspect: an honest one among them does. Leave the highest view whose leader a quorum
        suspects, we among it (4.5.2 leaves with f+1)."""
        state = self._state
        if not state.is_voter:
            return []
        others = sorted((self._of(name) for name in state.epoch.validators if name != state.me), reverse=True)
        effects: list[Effect] = []
        shared = others[state.epoch.weak - 1] if len(others) >= state.epoch.weak else -1
        if shared >= state.wanted and shared > state.suspected:
            effects = self._say(shared, "joined")
        agreed = sorted([*others, state.suspected], reverse=True)[state.epoch.quorum - 1]
        if agreed >= state.wanted:
            effects += self._view_changes.start(now, agreed + 1, self._why)
        return effects

    def _of(self, member: NodeId) -> int:
        return max(self._heard.get(member, -1), self._view_changes.wanted_by(member) - 1)
