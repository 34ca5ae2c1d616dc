"""The votes of one phase at one height: at most one a member, its newest view's."""

from __future__ import annotations

from collections.abc import Sequence

from consortium.core.membership import NodeId
from consortium.core.messages import Certificate, Signed

Choice = tuple[int, bytes]  # view, digest


class Votes:
    """Keyed by sender, never counted as messages. A member that votes again in a later view moves its vote; whatever a
    member says, it holds one place."""

    __slots__ = ("_bodies", "_choices", "_signatures")

    def __init__(self) -> None:
        self._choices: dict[NodeId, Choice] = {}
        self._signatures: dict[Choice, dict[NodeId, bytes]] = {}
        self._bodies: dict[Choice, bytes] = {}

    def __len__(self) -> int:
        return len(self._choices)

    def add(self, signed: Signed, view: int, digest: bytes) -> int:
        """Count a vote; returns how many members now stand behind its choice, 0 if it changed nothing."""
        sender, choice = signed.sender, (view, digest)
        before = self._choices.get(sender)
        if before is not None:
            if before[0] >= view:
                return 0
            self._remove(sender, before)
        self._choices[sender] = choice
        voters = self._signatures.get(choice)
        if voters is None:
            voters = self._signatures[choice] = {}
            self._bodies[choice] = signed.body
        voters[sender] = signed.signature
        return len(voters)

    def conflict(self, sender: NodeId, view: int, digest: bytes) -> Signed | None:
        """The sender's other vote of the same view: with the new one, evidence of equivocation."""
        before = self._choices.get(sender)
        return self.signed(sender) if before is not None and before[0] == view and before[1] != digest else None

    def signed(self, sender: NodeId) -> Signed | None:
        choice = self._choices.get(sender)
        if choice is None:
            return None
        return Signed(sender, self._bodies[choice], self._signatures[choice][sender])

    def voters(self, view: int, digest: bytes) -> Sequence[NodeId]:
        return sorted(self._signatures.get((view, digest), ()))

    def count(self, view: int, digest: bytes) -> int:
        voters = self._signatures.get((view, digest))
        return 0 if voters is None else len(voters)

    def certificate(self, view: int, digest: bytes, size: int) -> Certificate:
        """The first `size` voters by name; there must be so many."""
        choice = (view, digest)
        signatures = tuple(sorted(self._signatures[choice].items())[:size])
        assert len(signatures) == size
        return Certificate(self._bodies[choice], signatures)

    def _remove(self, sender: NodeId, choice: Choice) -> None:
        voters = self._signatures[choice]
        del voters[sender]
        if not voters:
            del self._signatures[choice]
            del self._bodies[choice]
