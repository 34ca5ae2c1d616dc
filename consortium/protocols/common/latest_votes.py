"""The latest vote of each phase that we hold of each member: what we answer when it asks after a boot."""

from __future__ import annotations

from consortium.core.membership import NodeId
from consortium.core.messages import Signed

Rank = tuple[int, int, int]  # epoch, view, height


class LatestVotes:
    """One vote a member and phase. One of an older epoch is kept until a newer one comes: a disk may be rolled back
    across epochs."""

    def __init__(self) -> None:
        self._latest: dict[NodeId, dict[int, tuple[Rank, Signed]]] = {}

    def keep(self, signed: Signed, phase: int, rank: Rank) -> None:
        """Keep the vote, if it is the latest of its phase."""
        held = self._latest.setdefault(signed.sender, {})
        known = held.get(phase)
        if known is None or known[0] < rank:
            held[phase] = (rank, signed)

    def of(self, member: NodeId) -> dict[int, tuple[Rank, Signed]]:
        """By phase; a copy."""
        return dict(self._latest.get(member, {}))
