"""Statements of the next epoch that came before we entered it: members reach its first height at different moments."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from consortium.core.machine import Received
from consortium.core.membership import Epoch, Epochs, NodeId

KEPT_MAX = 48  # a member
ATTACHED_BYTES_MAX = 4_000_000  # a member's attachments; what is beyond is kept without, and what was in it fetched


class Place(Protocol):
    """Where a replica stands."""

    epochs: Epochs
    epoch: Epoch


class NextEpochInbox:
    """Bounded, a share a member; only of validators of the epoch that follows ours."""

    def __init__(self) -> None:
        self._kept: dict[NodeId, deque[Received]] = {}

    def keep(self, event: Received, state: Place) -> None:
        epoch = state.epochs.number(event.epoch)
        if event.epoch != state.epoch.number + 1 or epoch is None or not epoch.is_validator(event.sender):
            return
        kept = self._kept.setdefault(event.sender, deque(maxlen=KEPT_MAX))
        held = sum(len(other.attachment) for other in kept)
        if held + len(event.attachment) > ATTACHED_BYTES_MAX:
            event = event._replace(attachment=b"")
        kept.append(event)

    def take(self, epoch: int) -> list[Received]:
        """Those of this epoch, by member and in their order; older ones are forgotten."""
        kept, self._kept = self._kept, {}
        return [event for name in sorted(kept) for event in kept[name] if event.epoch == epoch]
