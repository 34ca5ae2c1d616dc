"""The tallies that votes were only counted into, kept for a member that asks which votes others hold of it."""

from __future__ import annotations

from collections.abc import Sequence

from consortium.core.membership import NodeId
from consortium.protocols.pbft.messages import Commit, Prepare
from consortium.protocols.pbft.recall import VotesOfOthers
from consortium.simulation.shortcuts.tally import Tally

HELD_MIN, HELD_MAX = 2, 16  # tallies a phase


class _Held:
    """`vote`: what all votes in the tally say."""

    __slots__ = ("epoch", "tally", "vote")

    def __init__(self, vote: Prepare | Commit, epoch: int, tally: Tally) -> None:
        self.vote = vote
        self.epoch = epoch
        self.tally = tally

    @property
    def rank(self) -> tuple[int, int, int]:
        return self.epoch, self.vote.view, self.vote.height


class HeldVotes:
    """`memory` is the replica's own, which never hears of votes that were counted without a step."""

    def __init__(self, memory: VotesOfOthers) -> None:
        self._memory = memory
        self._held: dict[type[Prepare | Commit], list[_Held]] = {}  # by phase, in ascending order of rank

    def __len__(self) -> int:
        """The most tallies that are held of one phase."""
        return max(map(len, self._held.values()), default=0)

    def hold(self, vote: Prepare | Commit, epoch: int, tally: Tally) -> None:
        """Votes of this kind, view and height are counted into this tally from now on. A tally whose members have all
        voted later is let go; what is counted into it after that is held again."""
        held = self._held.setdefault(type(vote), [])
        for known in reversed(held):  # mostly one of the newest
            if known.tally is tally:
                return
        held.append(_Held(vote, epoch, tally))
        held.sort(key=lambda each: each.rank)
        while len(held) > HELD_MIN and not held[0].tally.unnamed:
            is_outdated = _is_outdated(held)
            if not is_outdated and len(held) <= HELD_MAX:
                return
            oldest = held.pop(0)
            oldest.tally.votes_until_step = 0  # whoever still votes there is stepped
            for signed in () if is_outdated else oldest.tally.voters:
                self._memory.note(signed, oldest.vote, oldest.epoch)

    def tell(self, member: NodeId) -> None:
        """Tell the replica's memory what is held of this member: it asks for it now."""
        for held in self._held.values():
            for each in held:
                signed = each.tally.signed(member)
                if signed is not None:
                    self._memory.note(signed, each.vote, each.epoch)


def _is_outdated(held: Sequence[_Held]) -> bool:
    """Whether all members whose votes the oldest tally holds have voted in the next one, in the same epoch."""
    oldest, after = held[0], held[1]
    if oldest.epoch != after.epoch:
        return False
    if oldest.tally.seen == after.tally.seen:
        return True
    return not _mask(oldest.tally) & ~_mask(after.tally)


def _mask(tally: Tally) -> int:
    return int.from_bytes(tally.seen.replace(b"\x02", b"\x00"), "big")
