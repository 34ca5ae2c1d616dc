"""Who is said to be where: what catch-up knows of the others, what of it is proven, and whom to ask."""

from __future__ import annotations

from consortium.core.genesis import Parameters
from consortium.core.machine import Now
from consortium.core.membership import Epochs, NodeId

REPLY_GAP_US = 1_000_000  # one member's Status is answered at most once in this time


class Claims:
    """Heights that others have reached. One member's word may be a lie: it is worth one question to that member. What
    f+1 members say, or a certificate shows (`proven`), is worth work."""

    def __init__(self, me: NodeId, epochs: Epochs, parameters: Parameters) -> None:
        self._me = me
        self._epochs = epochs
        self._parameters = parameters
        self.proven = 0  # by a certificate, or by f+1 members
        self._said: dict[NodeId, int] = {}
        self._shunned: dict[NodeId, int] = {}  # until when, monotonic
        self._empty: dict[NodeId, None] = {}  # members that do not have the blocks that we lack
        self._turn = 0  # round robin over peers
        self._answered_us: dict[NodeId, int] = {}  # when a member's word of where it stands was answered last

    def say(self, now: Now, peer: NodeId, height: int, head: int) -> None:
        """What f+1 have said stays proven, also while some of them are left alone for answering late."""
        self._said[peer] = height
        self.proven = self.certain(now, head)

    def may_answer(self, now: Now, peer: NodeId) -> bool:
        """Whether the peer's word of where it stands is answered now: at most once in REPLY_GAP_US. True counts."""
        if now.monotonic_us - self._answered_us.get(peer, -REPLY_GAP_US) < REPLY_GAP_US:
            return False
        self._answered_us[peer] = now.monotonic_us
        return True

    def is_shunned(self, now: Now, peer: NodeId) -> bool:
        return self._shunned.get(peer, now.monotonic_us) > now.monotonic_us

    def shun(self, now: Now, peer: NodeId, for_us: int) -> None:
        self._shunned[peer] = now.monotonic_us + for_us
        self._said.pop(peer, None)

    def _heights(self, now: Now) -> list[int]:
        """What is claimed by those that are not shunned, ascending."""
        return sorted(height for peer, height in self._said.items() if not self.is_shunned(now, peer))

    def goal(self, now: Now) -> int:
        """The highest height that anybody claims, or that is proven."""
        return max([self.proven, *self._heights(now)])

    def certain(self, now: Now, head: int) -> int:
        """The highest that is proven, or that f+1 members claim: at least one of them is honest."""
        heights = self._heights(now)
        weak = self._epochs.at(head + 1).weak
        return max(self.proven, heights[-weak] if len(heights) >= weak else 0)

    def is_far(self, now: Now, head: int) -> bool:
        """Whether it is certain that a snapshot is due."""
        return self.certain(now, head) - head > self._parameters.snapshot_gap

    def next_peer(self, now: Now, head: int, *, with_empty: bool) -> NodeId | None:
        """Members that keep a ledger, in turn; those that claim what we lack first. Where the gap is no more than
        somebody's word, nobody else is asked."""
        members = self._epochs.at(head + 1).members
        names = [member.name for member in members if member.kind != "client" and member.name != self._me]
        able = [name for name in names if not self.is_shunned(now, name) and (with_empty or name not in self._empty)]
        claiming = [name for name in able if self._said.get(name, 0) > head]
        if claiming or self.certain(now, head) <= head:
            able = claiming
        if not able:
            return None
        self._turn += 1
        return able[self._turn % len(able)]

    def note_empty(self, peer: NodeId, height: int, head: int) -> bool:
        """`peer` has not got `height`. Whether f+1 that claim more say so: they began with snapshots. Where f+1 do
        not claim more, nothing is to be had yet: it is proven no longer, until we are told again."""
        self._empty[peer] = None
        weak = self._epochs.at(head + 1).weak
        pruned = [name for name in self._empty if self._said.get(name, 0) >= height]
        if len(self._empty) - len(pruned) >= weak:
            self.proven = 0
        return len(pruned) >= weak

    def forget_words(self) -> None:
        """Nobody could be asked: what they said is forgotten, what is proven is not."""
        self._said.clear()
        self._empty.clear()

    def forget_empty(self) -> None:
        self._empty.clear()
