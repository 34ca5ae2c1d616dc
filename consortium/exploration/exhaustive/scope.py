"""What an exhaustive search visits, and what it leaves out: the bounds that stand beside every result."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import NamedTuple

from consortium.core.membership import NodeId
from consortium.core.quorum import faults_max

LEFT_OUT = (
    "sealing, catch-up and changes of members; statements said again (each may arrive at any later time anyhow); "
    "batches that come late (one that is asked for comes at once); time itself, and who suspects whom (a member may "
    "hear at any moment that a quorum suspects with it); how far lost votes may reach (nothing is sealed, so nobody "
    "who lost them votes again); statements that every honest member refuses"
)


class Scope(NamedTuple):
    """`liar`: a member that says whatever its key allows. `lost`: a member whose disk is lost once, at any moment.
    `unnoticed`: likewise, but its empty vote log looks sound, as on a disk that was rolled back.
    `crashes`: how often honest members, taken together, die and boot with all that was durable."""

    members: int = 4
    heights: int = 1
    views: int = 2
    liar: NodeId | None = None
    lost: NodeId | None = None
    unnoticed: NodeId | None = None
    crashes: int = 0
    quorum: int | None = None  # another one than the protocol's, for positive controls

    @property
    def names(self) -> tuple[NodeId, ...]:
        return tuple(f"m{place}" for place in range(self.members))

    @property
    def honest(self) -> tuple[NodeId, ...]:
        return tuple(name for name in self.names if name != self.liar)

    @property
    def askers(self) -> frozenset[NodeId]:
        """The members that may boot again, and then ask for their votes."""
        return frozenset(self.honest if self.crashes else self.losers)

    @property
    def losers(self) -> tuple[NodeId, ...]:
        """The members that lose a disk."""
        return tuple(name for name in (self.lost, self.unnoticed) if name is not None)

    def warning(self) -> str | None:
        """A sentence, where more may betray the others than they promise to survive: the liar and a disk that was
        rolled back unnoticed count together; a disk that is known to be lost does not."""
        guilty = [name for name in (self.liar, self.unnoticed) if name is not None]
        tolerated = faults_max(self.members)
        if len(guilty) <= tolerated:
            return None
        return (
            f"{self.members} members tolerate f = {tolerated}, and {' and '.join(guilty)} may betray them: "
            "nothing is promised in this scope, and a violation is no bug"
        )

    def leader(self, view: int) -> NodeId:
        return self.names[view % self.members]

    def renamings(self) -> Iterator[dict[NodeId, NodeId]]:
        """Every way but the first to change the names of members that lead no view and neither lie nor lose a disk:
        they are interchangeable."""
        leaders = {self.leader(view) for view in range(self.views)}
        alike = [name for name in self.names if name not in leaders | {self.liar, *self.losers}]
        for order in permutations(alike):
            if order != tuple(alike):
                yield dict(zip(alike, order, strict=True))

    def positions(self) -> list[NodeId]:
        """One member of each kind: those that lead no view are interchangeable."""
        return list(self.names[: min(self.views + 1, self.members)])

    def sentence(self) -> str:
        """What was searched."""
        who = [f"{self.liar} lies"] if self.liar is not None else []
        who += [f"{self.lost} loses its disk once"] if self.lost is not None else []
        who += [f"{self.unnoticed} loses its disk once, unnoticed"] if self.unnoticed is not None else []
        if self.crashes:
            who.append(f"{self.crashes} crash{'es' if self.crashes > 1 else ''} with a sound disk")
        heights, views = _count(self.heights, "height"), _count(self.views, "view")
        return f"{self.members} members, {heights}, {views}; {', '.join(who) or 'nobody lies and no disk is lost'}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
