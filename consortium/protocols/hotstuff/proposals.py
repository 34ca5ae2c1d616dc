"""The proposals that were heard: one a view, the first. Another of the same view proves that its leader lied.

A leader may show its two proposals to members that have nothing else in common. What brings them together: a stalled
member says which block it heard, and who heard another shows it (`Ask`, `Told`); and who learns that a quorum voted for
another block than the one it heard asks the voters for theirs (`FetchBlock`, `BlockFound`).
"""

from __future__ import annotations

from typing import NamedTuple

from consortium.core.membership import NodeId
from consortium.core.messages import Signed
from consortium.protocols.hotstuff.certificates import Quorum

VIEWS_KEPT = 64  # before and after our own
QUESTIONS_MAX = 8  # about one view, two members each


class Doubt(NamedTuple):
    """A quorum voted for the block of `digest`, and we heard another in that view. `asked_view`: ours, when we asked
    last."""

    view: int
    digest: bytes
    voters: tuple[NodeId, ...]
    questions: int
    asked_view: int


class Heard:
    """Bounded: the views near our own, and one proposal each."""

    def __init__(self) -> None:
        self._proposals: dict[int, tuple[bytes, Signed]] = {}
        self._doubts: dict[int, Doubt] = {}

    def clear(self) -> None:
        """A new epoch: views begin at 0."""
        self._proposals.clear()
        self._doubts.clear()

    def digest_of(self, view: int) -> bytes | None:
        """The block that was proposed in this view, as far as we heard."""
        held = self._proposals.get(view)
        return None if held is None else held[0]

    def hear(self, view: int, digest: bytes, signed: Signed, own_view: int) -> Signed | None:
        """A proposal by the leader of its view, whoever passed it on. Returns the other one of that view that we heard
        before, if there is one: with this it is evidence."""
        held = self._proposals.get(view)
        if held is not None:
            return None if held[1].body == signed.body else held[1]
        if abs(view - own_view) <= VIEWS_KEPT:
            self._proposals[view] = (digest, signed)
            if len(self._proposals) > 2 * VIEWS_KEPT:
                self._forget(own_view - VIEWS_KEPT)
        return None

    def _forget(self, below: int) -> None:
        self._proposals = {view: held for view, held in self._proposals.items() if view >= below}
        self._doubts = {view: doubt for view, doubt in self._doubts.items() if view >= below}

    def learn(self, quorum: Quorum) -> None:
        """Members vote for what they heard: if that is another block than ours, its leader said two things."""
        held = self._proposals.get(quorum.view)
        if held is not None and held[0] != quorum.digest and quorum.view not in self._doubts:
            self._doubts[quorum.view] = Doubt(quorum.view, quorum.digest, quorum.signers, 0, -1)

    def questions(self, own_view: int) -> list[Doubt]:
        """What to ask the voters now: once in each view of ours, a few times."""
        if not self._doubts:
            return []
        due = [view for view, doubt in self._doubts.items() if doubt.asked_view != own_view]
        found = []
        for view in due:
            doubt = self._doubts[view]
            if doubt.questions < QUESTIONS_MAX:
                found.append(doubt)
                self._doubts[view] = doubt._replace(questions=doubt.questions + 1, asked_view=own_view)
        return found
