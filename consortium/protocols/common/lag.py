"""What others said of how far they are: from it a replica learns that it lags, and has to catch up."""

from __future__ import annotations

from collections.abc import Mapping

from consortium.core.machine import Behind, Effect
from consortium.core.membership import NodeId
from consortium.core.messages import Certificate
from consortium.protocols.common.replica_state import CommonState


class Lag:
    """The highest executed height that each member told us, and the highest that a seal proved to us."""

    def __init__(self, state: CommonState) -> None:
        self._state = state
        self._heads: dict[NodeId, int] = {}
        self._sealed = 0

    def note_head(self, member: NodeId, height: int) -> None:
        """The word of a member, which alone proves nothing."""
        if height > self._heads.get(member, 0):
            self._heads[member] = height

    def note_seal(self, seal: Certificate | None) -> None:
        """Raises Malformed where the seal proves nothing; of an epoch that we do not know yet, perhaps."""
        if seal is not None:
            self._sealed = max(self._sealed, self._state.context.check_seal(seal))

    def shown(self, *proven: int) -> int:
        """The highest height that f+1 validators, a seal or something else that was `proven` shows to be decided
        elsewhere; 0 if none is above ours."""
        best = max(self._sealed, self.shown_by_weak(self._heads), *proven, 0)
        return best if best > self._state.decided else 0

    def shown_by_weak(self, words: Mapping[NodeId, int]) -> int:
        """The highest height that f+1 validators reach with these words; 0 if fewer spoke. Observers, and those that
        were removed, may all be liars: f is of today's validators."""
        epoch = self._state.epoch
        heights = sorted((word for name, word in words.items() if epoch.is_validator(name)), reverse=True)
        return heights[epoch.weak - 1] if len(heights) >= epoch.weak else 0


def behind(height: int) -> list[Effect]:
    """Wake catch-up, if this is a height above ours (as `Lag.shown` says)."""
    return [Behind(height)] if height else []
